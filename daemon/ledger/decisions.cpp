#include "daemon/ledger/decisions.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/domain/what.hpp"
#include "daemon/ledger/database.hpp"
#include "daemon/ledger/journal.hpp"

#include <fmt/format.h>

#include <fstream>

namespace rollbook {
namespace {

struct decision_line {
    std::string text;
    std::string origin;
    entry_index entry = 0;
    std::vector<std::string> sealed;
};

std::vector<decision_line> read_lines(const std::filesystem::path& target)
{
    std::vector<decision_line> lines;
    std::ifstream in(decisions_file(target));
    std::string text;
    while (std::getline(in, text) && !in.eof()) {
        const auto document = json_document::parse(text);
        if (!document) continue;
        decision_line line;
        line.origin = document->root()["origin"].string_if().value_or("");
        line.entry = static_cast<entry_index>(document->root()["entry"].int_if().value_or(0));
        document->root()["sealed"].for_each_element([&](json_view each) {
            line.sealed.emplace_back(each.string_if().value_or(""));
        });
        line.text = std::move(text);
        lines.push_back(std::move(line));
    }
    return lines;
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

result<void> replace_file(const std::filesystem::path& target, const std::vector<decision_line>& lines)
{
    const std::filesystem::path unfinished = target / "decisions.unfinished";
    std::error_code failed;
    std::filesystem::remove(unfinished, failed);
    std::string text;
    for (const decision_line& line : lines)
        text += line.text + "\n";
    if (const result<void> written = append_durably(unfinished, text); !written) return written;
    std::filesystem::rename(unfinished, decisions_file(target), failed);
    if (!failed) return {};
    return failure(
        errc::ledger_in_doubt, "the copies of decisions cannot be replaced: " + failed.message(), "Check the target."
    );
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
    try {
        auto database = open_database(ledger, access_mode::read);
        if (!database) return database.error();
        std::vector<decision_line> lines = read_lines(target);
        SQLite::Statement opened(**database, "SELECT 1 FROM opening WHERE idx = ?");
        std::int64_t newest = -1;
        const auto erased = std::erase_if(lines, [&](const decision_line& line) {
            if (line.origin != origin) return false;
            newest = std::max(newest, static_cast<std::int64_t>(line.entry));
            opened.reset();
            opened.bind(1, static_cast<std::int64_t>(line.entry));
            return !opened.executeStep();
        });
        if (erased > 0)
            if (const result<void> replaced = replace_file(target, lines); !replaced) return replaced;

        SQLite::Statement rows(
            **database,
            "SELECT thing.entry, recorded_at, payload FROM thing JOIN entry ON entry.idx = thing.entry "
            "JOIN opening ON opening.idx = thing.entry WHERE thing.entry > ? AND what IN (?, ?, ?, ?, ?) ORDER BY 1"
        );
        rows.bind(1, newest);
        int at = 2;
        for (const what kind : {what::access, what::settings, what::action, what::alert, what::link})
            rows.bind(at++, static_cast<int>(kind));
        std::string text;
        while (rows.executeStep()) {
            const std::string payload(text_of(rows.getColumn(2)));
            if (!is_decision(payload)) continue;
            text += line_for(
                origin,
                static_cast<entry_index>(rows.getColumn(0).getInt64()),
                from_milliseconds(rows.getColumn(1).getInt64()),
                payload,
                recipients
            );
        }
        if (text.empty()) return {};
        return append_durably(decisions_file(target), text);
    } catch (const SQLite::Exception& e) {
        return failure(errc::ledger_in_doubt, std::string("the ledger cannot be read: ") + e.what(), "Check the disk.");
    }
}

std::vector<std::string> decisions_after(
    const std::filesystem::path& target, const std::string& origin, entry_index size, const recipient_keys& keys
)
{
    std::vector<std::string> found;
    for (const decision_line& line : read_lines(target)) {
        if (line.origin != origin || line.entry < size) continue;
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
    }
    return found;
}

} // namespace rollbook
