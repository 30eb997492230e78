#include "daemon/ledger/journal.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/durable.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/ledger/erase_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <unistd.h>
#include <unordered_set>

namespace rollbook {
namespace {

constexpr std::size_t digest_bytes = 16;
constexpr std::size_t line_bytes_max = 4 << 20;
constexpr std::uint64_t leaves_at_once = 4'096;
constexpr std::size_t erased_digits = 16;
constexpr std::size_t journal_block_bytes = 64 * 1024;
constexpr std::size_t erased_max = 100'000; // a line

failure bad_line(const std::filesystem::path& file, std::size_t number)
{
    return failure(
        errc::ledger_in_doubt,
        "the erasure journal " + file.string() + " cannot be read at line " + std::to_string(number),
        "Take it from another copy of the backup folder; without it erased pupils would come back."
    );
}

std::optional<std::uint64_t> parse_erased(std::string_view text)
{
    std::uint64_t digest = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), digest, 16);
    if (text.size() != erased_digits || failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return digest;
}

std::optional<journal_line> parse_line(const std::string& text)
{
    const auto document = json_document::parse(text);
    if (!document) return std::nullopt;
    const json_view root = document->root();
    journal_line line;
    line.origin = root["origin"].string_if().value_or("");
    line.basis = root["basis"].string_if().value_or("");
    const auto entry = root["entry"].int_if();
    bool good = entry && *entry >= 0 && !line.origin.empty();
    line.entry = static_cast<entry_index>(entry.value_or(0));
    root["entries"].for_each_element([&](json_view range) {
        const auto first = range.at(0).int_if();
        const auto last = range.at(1).int_if();
        good = good && first && last && 0 <= *first && *first <= *last;
        line.ranges.emplace_back(
            static_cast<entry_index>(first.value_or(0)), static_cast<entry_index>(last.value_or(0))
        );
    });
    root["digests"].for_each_element([&](json_view each) { line.digests.emplace_back(each.string_if().value_or("")); });
    root["erased"].for_each_element([&](json_view each) {
        const auto digest = parse_erased(each.string_if().value_or(""));
        good = good && digest;
        line.erased.push_back(digest.value_or(0));
    });
    line.forked_from = root["forked_from"].string_if().value_or("");
    const bool says_something = !line.ranges.empty() || !line.erased.empty() || !line.forked_from.empty();
    if (!good || !says_something || line.ranges.size() != line.digests.size()) return std::nullopt;
    return line;
}

std::string line_of(const journal_line& line)
{
    std::string text;
    json_writer out(text);
    out.begin_object();
    if (!line.ranges.empty()) {
        out.member("basis", line.basis);
        out.key("digests").begin_array();
        for (const std::string& each : line.digests)
            out.value(each);
        out.end_array();
        out.key("entries").begin_array();
        for (const auto& [first, last] : line.ranges)
            out.begin_array().value(first).value(last).end_array();
        out.end_array();
    }
    out.member("entry", line.entry);
    if (!line.erased.empty()) {
        out.key("erased").begin_array();
        for (const std::uint64_t digest : line.erased)
            out.value(fmt::format("{:016x}", digest));
        out.end_array();
    }
    if (!line.forked_from.empty()) out.member("forked_from", line.forked_from);
    out.member("origin", line.origin);
    out.end_object();
    return text + "\n";
}

// What a full disk or a power cut left of a line at the end must not swallow the next one.
off_t end_of_lines(int file, off_t end)
{
    for (char last = 0; end > 0 && ::pread(file, &last, 1, end - 1) == 1 && last != '\n';)
        --end;
    return end;
}

} // namespace

std::filesystem::path journal_file(const std::filesystem::path& folder)
{
    return folder / "erasures.jsonl";
}

std::string range_digest(stored_hashes& stored, entry_range range)
{
    sha256_stream digest;
    std::vector<hash> leaves;
    for (entry_index from = range.first; from <= range.second; from += leaves.size()) {
        leaves.resize(static_cast<std::size_t>(std::min(leaves_at_once, range.second - from + 1)));
        stored.leaves(from, leaves);
        for (const hash& each : leaves)
            digest.add(bytes_view(each));
    }
    const hash whole = digest.finish();
    return to_hex(bytes_view(whole).first(digest_bytes));
}

result<void> append_durably(const std::filesystem::path& file, std::string_view text)
{
    const int out = ::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    bool written = out >= 0;
    if (written) {
        const off_t end = ::lseek(out, 0, SEEK_END);
        const off_t whole = end_of_lines(out, end);
        written = (whole == end || ::ftruncate(out, whole) == 0) && write_all(out, text) && ::fsync(out) == 0;
    }
    const int why = errno;
    if (out >= 0) ::close(out);
    if (written) return {};
    return cannot_write(file, why);
}

result<std::string> read_if_there(const std::filesystem::path& file)
{
    const int in = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (in < 0 && errno == ENOENT) return std::string();
    std::string text;
    ssize_t got = in < 0 ? -1 : 1;
    while (got > 0) {
        const std::size_t at = text.size();
        text.resize(at + journal_block_bytes);
        got = ::read(in, text.data() + at, journal_block_bytes);
        text.resize(at + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    }
    const int why = errno;
    if (in >= 0) ::close(in);
    if (got < 0) return cannot_read(file, why);
    return text;
}

failure cannot_read(const std::filesystem::path& file, int why)
{
    return failure(
        errc::ledger_in_doubt,
        "the file " + file.string() + " is there and cannot be read: " + std::strerror(why),
        "Make it readable for the user that Rollbook runs as, or put it there from another copy of the backup folder. "
        "It "
        "says what was erased and signed since a backup, and is never left out of a restore."
    );
}

failure cannot_write(const std::filesystem::path& file, int why)
{
    return failure(
        errc::ledger_in_doubt,
        "the file " + file.string() + " cannot be written: " + std::strerror(why),
        "Check that the backup target is there, and its permissions and free space."
    );
}

result<std::vector<journal_line>> read_journal(const std::filesystem::path& folder)
{
    const auto text = read_if_there(journal_file(folder));
    if (!text) return text.error();
    std::vector<journal_line> lines;
    std::string_view left = *text;
    // A line that a power cut left without its end is written again by the next sync.
    for (std::size_t number = 1, end = 0; (end = left.find('\n')) != left.npos; ++number) {
        auto line = end <= line_bytes_max ? parse_line(std::string(left.substr(0, end))) : std::nullopt;
        if (!line) return bad_line(journal_file(folder), number);
        lines.push_back(std::move(*line));
        left.remove_prefix(end + 1);
    }
    return lines;
}

result<void> sync_journal(SQLite::Database& database, const std::filesystem::path& folder, const std::string& origin)
{
    const auto known = read_journal(folder);
    if (!known) return known.error();
    std::set<entry_index> have;
    std::unordered_set<std::uint64_t> told;
    for (const journal_line& line : *known) {
        if (line.origin != origin) continue;
        told.insert(line.erased.begin(), line.erased.end());
        if (line.erased.empty()) have.insert(line.entry);
    }

    // One view for all of it: a digest is there since the newest of these entries at the latest.
    SQLite::Transaction view(database);
    stored_hashes stored(database);
    SQLite::Statement entries(
        database, "SELECT entry, payload FROM thing JOIN opening ON idx = entry WHERE what IN (?, ?) ORDER BY entry"
    );
    entries.bind(1, static_cast<int>(what::erasure));
    entries.bind(2, static_cast<int>(what::fork));
    std::string text;
    journal_line digests;
    digests.origin = origin;
    while (entries.executeStep()) {
        journal_line line;
        line.entry = digests.entry = static_cast<entry_index>(entries.getColumn(0).getInt64());
        if (have.contains(line.entry)) continue;
        const auto document = json_document::parse(std::string(text_of(entries.getColumn(1))));
        if (!document) continue;
        line.origin = origin;
        line.basis = document->root()["basis"].string_if().value_or("");
        document->root()["entries"].for_each_element([&](json_view range) {
            line.ranges.emplace_back(
                static_cast<entry_index>(range.at(0).int_if().value_or(0)),
                static_cast<entry_index>(range.at(1).int_if().value_or(0))
            );
            line.digests.push_back(range_digest(stored, line.ranges.back()));
        });
        line.forked_from = document->root()["old_origin"].string_if().value_or("");
        if (!line.ranges.empty() || !line.forked_from.empty()) text += line_of(line);
    }
    for (const std::uint64_t digest : read_erased(database)) {
        if (!told.insert(digest).second) continue;
        digests.erased.push_back(digest);
        if (digests.erased.size() < erased_max) continue;
        text += line_of(digests);
        digests.erased.clear();
    }
    if (!digests.erased.empty()) text += line_of(digests);
    if (text.empty()) return {};
    return append_durably(journal_file(folder), text);
}

} // namespace rollbook
