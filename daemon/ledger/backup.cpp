#include "daemon/ledger/backup.hpp"

#include "daemon/base/ascii.hpp"
#include "daemon/base/durable.hpp"
#include "daemon/base/json.hpp"
#include "daemon/domain/what.hpp"
#include "daemon/ledger/backup_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <ranges>
#include <set>
#include <unistd.h>

namespace rollbook {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view format_line = "rollbook-backup/1";
constexpr std::streamoff trailer_bytes_max = 4'096;
constexpr std::string_view suffix = ".rbk";
constexpr std::string_view unfinished_suffix = ".unfinished";
constexpr std::int64_t rows_at_once = 20'000; // in one read transaction: a long one would hold the write-ahead log

bool is_remade(const std::string& table)
{
    return table == "mark" || table == "thing" || table == "tile" || table == "edge" || table.starts_with("sqlite_");
}

std::vector<std::string> columns_of(SQLite::Database& database, const std::string& table)
{
    std::vector<std::string> names;
    SQLite::Statement columns(database, "SELECT name FROM pragma_table_info(?) ORDER BY cid");
    columns.bind(1, table);
    while (columns.executeStep())
        names.push_back(columns.getColumn(0).getString());
    return names;
}

std::string listed(const std::vector<std::string>& names)
{
    return fmt::format("{}", fmt::join(names, ", "));
}

class copying {
public:
    copying(SQLite::Database& database, sealed_writer& out, const upkeep_progress& progress)
        : database_(database), rows_(out), progress_(progress)
    {
    }

    // Returns the size and root of what was copied.
    std::pair<std::uint64_t, hash> run()
    {
        // What is appended while the bulk is copied follows in the last transaction, which is the moment of the copy.
        const std::uint64_t bulk = size();
        copy_range("entry", 0, bulk);
        copy_range("opening", 0, bulk);
        SQLite::Transaction last(database_);
        const std::uint64_t all = size();
        copy_range("entry", bulk, all);
        copy_range("opening", bulk, all);
        std::vector<std::string> tables;
        {
            SQLite::Statement named(database_, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
            while (named.executeStep())
                tables.push_back(named.getColumn(0).getString());
        }
        for (const std::string& table : tables)
            if (!is_remade(table) && table != "entry" && table != "opening") copy_table(table);
        rows_.end();
        stored_hashes stored(database_);
        merkle_reader tree(all, stored);
        return {all, tree.root(all)};
    }

private:
    std::uint64_t size()
    {
        return static_cast<std::uint64_t>(
            database_.execAndGet("SELECT coalesce(max(idx), -1) + 1 FROM entry").getInt64()
        );
    }

    void copy_range(const std::string& table, std::uint64_t from, std::uint64_t to)
    {
        const std::vector<std::string> columns = columns_of(database_, table);
        rows_.table(table, columns);
        SQLite::Statement some(
            database_, "SELECT " + listed(columns) + " FROM " + table + " WHERE idx >= ? AND idx < ? ORDER BY idx"
        );
        for (auto at = static_cast<std::int64_t>(from); at < static_cast<std::int64_t>(to); at += rows_at_once) {
            some.reset();
            some.bind(1, at);
            some.bind(2, std::min(at + rows_at_once, static_cast<std::int64_t>(to)));
            while (some.executeStep())
                rows_.row(some);
            if (progress_) progress_(fmt::format("{}: {} of {}", table, at, to));
        }
        some.reset();
    }

    void copy_table(const std::string& table)
    {
        const std::vector<std::string> columns = columns_of(database_, table);
        rows_.table(table, columns);
        SQLite::Statement all(database_, "SELECT " + listed(columns) + " FROM " + table);
        while (all.executeStep())
            rows_.row(all);
    }

    SQLite::Database& database_;
    row_stream_writer rows_;
    const upkeep_progress& progress_;
};

std::string trailer_text(const backup_facts& facts, const hash& digest)
{
    return fmt::format(
        "{}\n{}\n{}\n{}\n{}\n{}\n",
        format_line,
        facts.origin,
        facts.size,
        to_base64(facts.root),
        format_instant(facts.made_at),
        to_base64(digest)
    );
}

std::vector<std::string> lines_of(std::string_view text)
{
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

std::optional<backup_facts> facts_in(const std::string& trailer)
{
    const std::vector<std::string> lines = lines_of(trailer);
    if (lines.size() != 6 || lines[0] != format_line) return std::nullopt;
    const auto size = parse_decimal(lines[2]);
    const auto root = hash_from_base64(lines[3]);
    const auto made = parse_instant(lines[4]);
    if (!size || !root || !made) return std::nullopt;
    backup_facts facts;
    facts.origin = lines[1];
    facts.size = *size;
    facts.root = *root;
    facts.made_at = *made;
    return facts;
}

failure not_ours(const fs::path& file, std::string_view why, std::string_view to_do = "Use another copy of the backup.")
{
    return failure(errc::ledger_in_doubt, "the backup " + file.string() + " " + std::string(why), std::string(to_do));
}

// Reads the body to its end as rows.
void read_rows(sealed_reader& body)
{
    row_stream_reader rows(body);
    while (rows.next() != row_stream_reader::part::end) {
    }
}

result<backup_facts>
check_opened(sealed_reader& opened, const fs::path& file, const verifier_key& signer, bool unlocked)
{
    if (!opened.header().starts_with(std::string(format_line) + "\n")) return not_ours(file, "is not a backup");
    if (unlocked) {
        try {
            read_rows(opened);
        } catch (const failure_error& e) {
            return e.why();
        }
    } else if (const result<void> passed = opened.skip(); !passed) {
        return passed.error();
    }
    const auto trailer = opened.trailer();
    if (!trailer) return trailer.error();
    const auto note = parse_note(trailer->second);
    if (!note) return not_ours(file, "ends without a signature");
    if (const auto verified = verify_note(*note, std::span(&signer, 1)); !verified)
        return not_ours(
            file,
            "is not signed with the key of this ledger that is at hand",
            "Where the ledger's key was changed, give the public key of the backup's time in [ledger] vkey of a copy "
            "of the "
            "configuration (--config). Else use another copy of the backup."
        );
    auto facts = facts_in(note->text);
    if (!facts) return not_ours(file, "is signed in another form");
    if (lines_of(note->text)[5] != to_base64(trailer->first)) return not_ours(file, "was changed after it was signed");
    facts->bytes = fs::file_size(file);
    return *facts;
}

result<backup_facts>
write_to(const fs::path& file, const backup_place& place, const signing_key& key, const upkeep_progress& progress)
{
    auto database = open_database(place.ledger, access_mode::read);
    if (!database) return database.error();
    backup_facts facts;
    facts.origin = key.verifier().name;
    facts.made_at = place.now;
    const std::string header = fmt::format("{}\norigin {}\nschema {}\n", format_line, facts.origin, schema_version);
    auto out = sealed_writer::create(file, header, place.recipients);
    if (!out) return out.error();
    std::tie(facts.size, facts.root) = copying(**database, **out, progress).run();
    const auto digest = (*out)->finish();
    if (!digest) return digest.error();
    const std::string text = trailer_text(facts, *digest);
    const std::string line = key.sign(text);
    if (const result<void> done = (*out)->trailer(format_note(text, std::span(&line, 1))); !done) return done.error();

    if (progress) progress("reading the copy back");
    auto again = sealed_reader::open(file);
    if (!again) return again.error();
    (*again)->unlock((*out)->file_key());
    return check_opened(**again, file, key.verifier(), true);
}

} // namespace

result<backup_facts> write_backup(const backup_place& place, const signing_key& key, const upkeep_progress& progress)
{
    fs::path unfinished = place.file;
    unfinished += unfinished_suffix;
    std::error_code ignored;
    fs::remove(unfinished, ignored);
    result<backup_facts> written = failure(errc::ledger_in_doubt, "", "");
    try {
        written = write_to(unfinished, place, key, progress);
    } catch (const failure_error& e) {
        written = e.why();
    } catch (const SQLite::Exception& e) {
        written = failure(
            errc::ledger_in_doubt,
            std::string("the ledger could not be copied: ") + e.what(),
            "Run `rollbook ledger verify`."
        );
    }
    if (written && std::rename(unfinished.c_str(), place.file.c_str()) != 0)
        written = failure(
            errc::ledger_in_doubt,
            "the backup " + place.file.string() + " cannot be put in place: " + std::strerror(errno),
            "Check the folder's permissions."
        );
    if (!written)
        fs::remove(unfinished, ignored);
    else
        sync_folder(place.file.has_parent_path() ? place.file.parent_path() : fs::path("."));
    return written;
}

result<backup_facts> check_backup(const fs::path& file, const verifier_key& signer, const recipient_keys* keys)
{
    auto opened = sealed_reader::open(file);
    if (!opened) return opened.error();
    if (keys && !(*opened)->unlock(*keys)) return not_ours(file, "was not made for this key", not_for_this_key);
    return check_opened(**opened, file, signer, keys != nullptr);
}

result<std::string> origin_of_backup(const fs::path& file)
{
    auto opened = sealed_reader::open(file);
    if (!opened) return opened.error();
    for (const std::string& line : lines_of((*opened)->header()))
        if (line.starts_with("origin ")) return line.substr(7);
    return not_ours(file, "is not a backup");
}

result<std::vector<std::string>> origins_of(const fs::path& ledger, const std::string& origin)
{
    try {
        auto database = open_database(ledger, access_mode::read);
        if (!database) return database.error();
        std::vector<std::string> origins = {origin};
        SQLite::Statement forks(
            **database, "SELECT payload FROM thing JOIN opening ON idx = entry WHERE what = ? ORDER BY entry"
        );
        forks.bind(1, static_cast<int>(what::fork));
        while (forks.executeStep())
            if (const auto said = json_document::parse(std::string(text_of(forks.getColumn(0)))))
                origins.emplace_back(said->root()["old_origin"].string_if().value_or(""));
        return origins;
    } catch (const SQLite::Exception& e) {
        return failure(errc::ledger_in_doubt, std::string("the ledger cannot be read: ") + e.what(), "Check the disk.");
    }
}

std::string file_name_of(std::string_view origin)
{
    std::string name;
    for (const char c : origin)
        name += is_letter(c) || is_digit(c) || c == '.' ? c : '-';
    return name;
}

std::string backup_name(const std::string& origin, instant at)
{
    std::string when;
    for (const char c : format_instant(at))
        if (c != '-' && c != ':' && c != '.') when += c; // 20260901T093107250Z
    return file_name_of(origin) + "-" + when + std::string(suffix);
}

std::optional<instant> instant_of_backup(const fs::path& file)
{
    const std::string name = file.filename().string();
    constexpr std::size_t stamp = 19;
    if (!name.ends_with(suffix) || name.size() < suffix.size() + stamp + 1) return std::nullopt;
    const std::string t = name.substr(name.size() - suffix.size() - stamp, stamp);
    return parse_instant(
        t.substr(0, 4) + "-" + t.substr(4, 2) + "-" + t.substr(6, 5) + ":" + t.substr(11, 2) + ":" + t.substr(13, 2) +
        "." + t.substr(15)
    );
}

namespace {

std::vector<std::pair<instant, fs::path>> backups_in(const fs::path& folder)
{
    std::vector<std::pair<instant, fs::path>> found;
    std::error_code failed;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed))
        if (const auto made = instant_of_backup(at->path())) found.emplace_back(*made, at->path());
    std::ranges::sort(found);
    return found;
}

bool is_named_for(const fs::path& file, const std::vector<std::string>& origins)
{
    const auto made = instant_of_backup(file);
    return made && std::ranges::any_of(origins, [&](const std::string& origin) {
               return file.filename() == backup_name(origin, *made);
           });
}

// What the note at the end of a file says; nothing where the file is no backup, or was cut.
std::optional<backup_facts> facts_at_end(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary | std::ios::ate);
    if (!in) return std::nullopt;
    const auto bytes = static_cast<std::streamoff>(in.tellg());
    std::string end(static_cast<std::size_t>(std::min(bytes, trailer_bytes_max)), '\0');
    in.seekg(-static_cast<std::streamoff>(end.size()), std::ios::end);
    in.read(end.data(), static_cast<std::streamsize>(end.size()));
    const std::size_t at = end.rfind(std::string(format_line) + "\n");
    const auto note = parse_note(std::string_view(end).substr(std::min(at, end.size())));
    return note ? facts_in(note->text) : std::nullopt;
}

template <class Files>
std::optional<kept_backup> first_of(const Files& files, const std::string& origin, instant now = instant::max())
{
    for (const auto& [made, file] : files)
        if (const auto facts = facts_at_end(file); facts && facts->origin == origin && facts->made_at <= now)
            return kept_backup{file, *facts};
    return std::nullopt;
}

struct aged_backup {
    fs::path file;
    instant made;
    std::uint64_t size; // entries; 0: it is not there to its end
};

// What its age counts from. Entries are only ever added, whatever a clock says.
instant age_of(const aged_backup& backup, const std::vector<aged_backup>& all, instant now)
{
    instant at = backup.made;
    if (at <= now) return at;
    for (const aged_backup& other : all)
        if (other.made <= now && other.size >= backup.size) at = std::min(at, other.made);
    return at;
}

} // namespace

std::size_t rotate_backups(
    const fs::path& folder, const std::vector<std::string>& origins, instant now, std::chrono::milliseconds keep
)
{
    std::vector<aged_backup> all;
    for (const auto& [made, file] : backups_in(folder)) {
        const auto facts = facts_at_end(file);
        const bool ours = facts ? std::ranges::count(origins, facts->origin) > 0 : is_named_for(file, origins);
        if (ours) all.push_back({file, made, facts ? facts->size : 0});
    }
    std::vector<instant> whole;
    std::vector<fs::path> old;
    for (const aged_backup& each : all) {
        const instant at = age_of(each, all, now);
        if (each.size > 0 && at <= now) whole.push_back(at);
        if (at + keep < now) old.push_back(each.file);
    }
    std::ranges::sort(whole, std::greater());
    if (whole.size() < 2 || whole[1] + keep < now) return 0;
    std::size_t removed = 0;
    std::error_code failed;
    for (const fs::path& file : old)
        removed += fs::remove(file, failed) ? 1 : 0;
    return removed;
}

void remove_unfinished(const fs::path& folder, const std::vector<std::string>& origins)
{
    std::vector<fs::path> left;
    std::error_code failed;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed))
        if (at->path().extension() == unfinished_suffix && is_named_for(at->path().stem(), origins))
            left.push_back(at->path());
    for (const fs::path& file : left)
        fs::remove(file, failed);
}

std::optional<kept_backup> oldest_backup(const fs::path& folder, const std::string& origin)
{
    return first_of(backups_in(folder), origin);
}

std::optional<kept_backup> newest_backup(const fs::path& folder, const std::string& origin, instant now)
{
    return first_of(backups_in(folder) | std::views::reverse, origin, now);
}

} // namespace rollbook
