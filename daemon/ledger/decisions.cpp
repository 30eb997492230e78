#include "daemon/ledger/decisions.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/durable.hpp"
#include "daemon/base/json.hpp"
#include "daemon/domain/what.hpp"
#include "daemon/ledger/backup.hpp"
#include "daemon/ledger/database.hpp"
#include "daemon/ledger/journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <functional>

namespace rollbook {
namespace {

constexpr std::streamoff block_bytes = 64 * 1024;
constexpr std::size_t appended_bytes_max = 1 << 20;

struct decision_line {
    std::string origin;
    std::int64_t entry = 0;
    std::vector<std::string> sealed;
};

std::optional<decision_line> parse_decision(const std::string& text)
{
    const auto document = json_document::parse(text);
    if (!document) return std::nullopt;
    decision_line line;
    line.origin = document->root()["origin"].string_if().value_or("");
    line.entry = document->root()["entry"].int_if().value_or(0);
    document->root()["sealed"].for_each_element([&](json_view each) {
        line.sealed.emplace_back(each.string_if().value_or(""));
    });
    return line;
}

// Each line that was written to its end, as it stands and as it reads, until `use` gives false. False: it did, or not
// all could be read.
bool for_each_line(
    const std::filesystem::path& target, const std::function<bool(const std::string&, const decision_line&)>& use
)
{
    std::ifstream in(decisions_file(target), std::ios::binary);
    if (!in) return errno == ENOENT;
    for (std::string text; std::getline(in, text) && !in.eof();)
        if (const auto line = parse_decision(text); line && !use(text, *line)) return false;
    return !in.bad();
}

// The newest entry of that origin among the copies, or -1; it is near their end, so they are read from there.
std::int64_t newest_copy(const std::filesystem::path& target, const std::string& origin)
{
    std::ifstream in(decisions_file(target), std::ios::binary | std::ios::ate);
    std::string text; // what follows `at` and was not looked at; it ends with a line's end, once one was found
    for (std::streamoff at = in ? static_cast<std::streamoff>(in.tellg()) : 0; at > 0;) {
        std::string before(static_cast<std::size_t>(std::min(at, block_bytes)), '\0');
        at -= static_cast<std::streamoff>(before.size());
        in.seekg(at).read(before.data(), static_cast<std::streamsize>(before.size()));
        text.insert(0, before);
        text.resize(text.rfind('\n') + 1);
        while (!text.empty()) {
            const std::size_t begin = text.size() < 2 ? 0 : text.rfind('\n', text.size() - 2) + 1;
            if (begin == 0 && at > 0) break; // the line began before
            const auto line = parse_decision(text.substr(begin, text.size() - begin - 1));
            if (line && line->origin == origin) return line->entry;
            text.resize(begin);
        }
    }
    return -1;
}

// Every entry that a person made says who the operating system took them for.
bool is_decision(const std::string& payload)
{
    const auto document = json_document::parse(payload);
    if (!document) return false;
    const json_view root = document->root();
    return root["user"].is_string() || root["value"]["user"].is_string();
}

std::string line_for(
    const std::string& origin,
    entry_index entry,
    instant at,
    const std::string& payload,
    const std::vector<hash>& recipients
)
{
    std::string inner;
    json_writer said(inner);
    said.begin_object().member("payload", payload).member("recorded_at", format_instant(at)).end_object();
    std::string text;
    json_writer out(text);
    out.begin_object().member("entry", entry).member("origin", origin).key("sealed").begin_array();
    for (const hash& each : recipients)
        out.value(seal(inner, each));
    out.end_array().end_object();
    return text + "\n";
}

// How many entries are in every backup in the target.
std::int64_t backed_up(const std::filesystem::path& target, const std::string& origin)
{
    const auto oldest = oldest_backup(target, origin);
    return oldest ? static_cast<std::int64_t>(oldest->facts.size) : 0;
}

// Each entry after that one that a person made: its index, when, and what it says.
void for_each_decision(
    SQLite::Database& database,
    std::int64_t after,
    const std::function<void(entry_index, instant, const std::string&)>& use
)
{
    SQLite::Statement rows(
        database,
        "SELECT thing.entry, recorded_at, payload FROM thing JOIN entry ON entry.idx = thing.entry "
        "JOIN opening ON opening.idx = thing.entry WHERE thing.entry > ? AND what IN (?, ?, ?, ?, ?) ORDER BY 1"
    );
    rows.bind(1, after);
    int at = 2;
    for (const what kind : {what::access, what::settings, what::action, what::alert, what::link})
        rows.bind(at++, static_cast<int>(kind));
    while (rows.executeStep()) {
        const std::string payload(text_of(rows.getColumn(2)));
        if (!is_decision(payload)) continue;
        use(static_cast<entry_index>(rows.getColumn(0).getInt64()),
            from_milliseconds(rows.getColumn(1).getInt64()),
            payload);
    }
}

// Does something with the ledger beside its writer.
template <class Use>
auto with_ledger_read(const std::filesystem::path& ledger, Use&& use)
    -> decltype(use(std::declval<SQLite::Database&>()))
{
    try {
        auto database = open_database(ledger, access_mode::read);
        if (!database) return database.error();
        return use(**database);
    } catch (const SQLite::Exception& e) {
        return failure(errc::ledger_in_doubt, std::string("the ledger cannot be read: ") + e.what(), "Check the disk.");
    }
}

} // namespace

std::filesystem::path decisions_file(const std::filesystem::path& target)
{
    return target / "decisions.sealed";
}

result<void> copy_decisions(
    const std::filesystem::path& ledger,
    const std::filesystem::path& target,
    const std::string& origin,
    const std::vector<hash>& recipients
)
{
    return with_ledger_read(ledger, [&](SQLite::Database& database) -> result<void> {
        std::int64_t newest = newest_copy(target, origin);
        if (newest > database.execAndGet("SELECT coalesce(max(idx), -1) FROM entry").getInt64()) {
            // Left of a history that a restore ended.
            if (const result<void> tidied = tidy_decisions(ledger, target, origin); !tidied) return tidied;
            newest = newest_copy(target, origin);
        }
        if (newest < 0) newest = backed_up(target, origin) - 1;
        result<void> written;
        std::string text;
        const auto write = [&] {
            if (written && !text.empty()) written = append_durably(decisions_file(target), text);
            text.clear();
        };
        for_each_decision(database, newest, [&](entry_index entry, instant at, const std::string& payload) {
            text += line_for(origin, entry, at, payload, recipients);
            if (text.size() > appended_bytes_max) write();
        });
        write();
        return written;
    });
}

result<void>
tidy_decisions(const std::filesystem::path& ledger, const std::filesystem::path& target, const std::string& origin)
{
    const std::filesystem::path file = decisions_file(target);
    std::error_code failed;
    if (!std::filesystem::exists(file, failed)) return {};
    return with_ledger_read(ledger, [&](SQLite::Database& database) -> result<void> {
        const std::int64_t held = backed_up(target, origin);
        SQLite::Statement opened(database, "SELECT 1 FROM opening WHERE idx = ?");
        const auto is_kept = [&](const decision_line& line) {
            if (line.origin != origin) return true;
            opened.reset();
            opened.bind(1, line.entry);
            return line.entry >= held && opened.executeStep();
        };
        const auto write_kept = [&](int out) {
            return for_each_line(target, [&](const std::string& text, const decision_line& line) {
                return !is_kept(line) || write_all(out, text + "\n");
            });
        };
        if (replace_durably(file, write_kept)) return {};
        return cannot_write(file, errno);
    });
}

result<std::uint64_t> decisions_not_copied(
    const std::filesystem::path& ledger, const std::filesystem::path& target, const std::string& origin
)
{
    return with_ledger_read(ledger, [&](SQLite::Database& database) -> result<std::uint64_t> {
        const auto backup = newest_backup(target, origin, instant::max()); // it holds them, whatever clock dated it
        const std::int64_t held = backup ? static_cast<std::int64_t>(backup->facts.size) : 0;
        std::uint64_t count = 0;
        for_each_decision(database, std::max(held - 1, newest_copy(target, origin)), [&](auto&&...) { ++count; });
        return count;
    });
}

result<std::vector<std::string>> decisions_after(
    const std::filesystem::path& target, const std::string& origin, entry_index size, const recipient_keys& keys
)
{
    std::vector<std::string> found;
    const bool all = for_each_line(target, [&](const std::string&, const decision_line& line) {
        if (line.origin != origin || line.entry < static_cast<std::int64_t>(size)) return true;
        std::optional<std::string> inner;
        for (const std::string& each : line.sealed)
            if (!inner) inner = open_sealed(each, keys);
        const auto document = inner ? json_document::parse(*inner) : json_document::parse("{}");
        found.push_back(
            inner && document ? fmt::format(
                                    "entry {}, {}: {}",
                                    line.entry,
                                    document->root()["recorded_at"].string_if().value_or(""),
                                    document->root()["payload"].string_if().value_or("")
                                )
                              : fmt::format("entry {}: cannot be opened with this key", line.entry)
        );
        return true;
    });
    if (!all) return cannot_read(decisions_file(target), errno);
    return found;
}

} // namespace rollbook
