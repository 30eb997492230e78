#include "daemon/ledger/erase_rows.hpp"

#include "daemon/base/bytes.hpp"
#include "daemon/ledger/rebuild.hpp"
#include "daemon/ledger/rows.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rollbook {
namespace {

// None where an involvement only says that it is gone; an earlier version says of what.
std::optional<involved_in> record_of(const thing_row& involvement)
{
    const auto document = parsed(involvement);
    if (!document) return std::nullopt;
    const json_view fields = document->root()["fields"];
    const auto kind = parse_what(fields["of"].string_if().value_or(""));
    const auto record = fields["record"].string_if();
    if (!kind || !record) return std::nullopt;
    return involved_in{*kind, involvement.source, std::string(*record)};
}

} // namespace

std::vector<thing_row> read_things(SQLite::Database& database)
{
    const digest_key key = read_digest_key(database);
    const auto unlisted = static_cast<std::int64_t>(keyed_digest(key, "{}"));
    SQLite::Statement rows(
        database,
        "SELECT entry, what, subject, pupil, source, key, to_entry, gone, digest, payload FROM thing "
        "JOIN opening ON idx = entry WHERE what <> ? ORDER BY entry"
    );
    rows.bind(1, static_cast<int>(what::statement));
    std::vector<thing_row> all;
    while (rows.executeStep()) {
        thing_row& row = all.emplace_back();
        row.entry = static_cast<entry_index>(rows.getColumn(0).getInt64());
        row.kind = static_cast<what>(rows.getColumn(1).getInt());
        row.subject = static_cast<entry_index>(rows.getColumn(2).getInt64());
        if (!rows.getColumn(3).isNull()) row.pupil = static_cast<entry_index>(rows.getColumn(3).getInt64());
        row.source = text_of(rows.getColumn(4));
        row.key = text_of(rows.getColumn(5));
        row.newest = rows.getColumn(6).isNull();
        row.gone = rows.getColumn(7).getInt() != 0;
        row.is_listed = row.kind == what::pupil && rows.getColumn(8).getInt64() != unlisted;
        row.payload = text_of(rows.getColumn(9));
    }
    return all;
}

std::vector<mark_row> read_marks(SQLite::Database& database, const std::function<bool(const mark_row&)>& wanted)
{
    SQLite::Statement rows(database, "SELECT entry, day, session, pupil, source FROM mark ORDER BY entry");
    std::vector<mark_row> all;
    mark_row row;
    while (rows.executeStep()) {
        row.entry = static_cast<entry_index>(rows.getColumn(0).getInt64());
        row.day = from_day_number(rows.getColumn(1).getInt64());
        row.session = rows.getColumn(2).getInt();
        row.pupil = static_cast<entry_index>(rows.getColumn(3).getInt64());
        row.source = text_of(rows.getColumn(4));
        if (wanted(row)) all.push_back(row);
    }
    return all;
}

std::vector<std::uint64_t> read_erased(SQLite::Database& database)
{
    std::vector<std::uint64_t> all;
    row_scan rows(database, "SELECT value FROM meta WHERE name GLOB 'erased/*'");
    while (rows.next())
        all.push_back(static_cast<std::uint64_t>(rows.number(0)));
    return all;
}

void erased_memory::add(std::uint64_t digest)
{
    insert_.bind(1, fmt::format("erased/{:016x}", digest));
    insert_.bind(2, static_cast<std::int64_t>(digest));
    run(insert_);
}

result<json_document> parsed(const thing_row& row)
{
    return json_document::parse(row.payload);
}

std::optional<entry_index> other_of(const thing_row& link)
{
    const auto document = parsed(link);
    const auto other = document ? document->root()["other"].int_if() : std::nullopt;
    return other ? std::optional(static_cast<entry_index>(*other)) : std::nullopt;
}

bool is_source_record(what kind)
{
    switch (kind) {
    case what::pupil:
    case what::lesson_mark:
    case what::adult:
    case what::incident:
    case what::involvement:
    case what::suspension:
    case what::concern: return true;
    default: return false;
    }
}

participation read_participation(const std::vector<thing_row>& things)
{
    participation found;
    for (const thing_row& row : things) {
        if (row.kind != what::involvement) continue;
        const auto of = record_of(row);
        if (!of) continue;
        found.pupils[*of].insert(row.pupil);
        if (of->kind == what::concern) found.of_concerns.insert(row.subject);
    }
    return found;
}

// The record of another source whose link ended only because that source no longer lists it: still the same person. One
// that was unlinked while it was listed, or parted by somebody, may be anybody.
std::optional<entry_index> other_that_left(const std::vector<thing_row>& things, const thing_row& ended)
{
    const auto document = parsed(ended);
    if (!document || document->root()["gone"].string_if() != "unlinked") return std::nullopt;
    const auto number = parse_decimal(std::string_view(ended.key).substr(ended.key.rfind('/') + 1));
    if (!number) return std::nullopt;
    const bool left = std::ranges::any_of(things, [&](const thing_row& row) {
        return row.kind == what::pupil && row.subject == *number && row.newest && row.gone && row.entry < ended.entry;
    });
    return left ? std::optional<entry_index>(*number) : std::nullopt;
}

std::set<entry_index> records_of(const std::vector<thing_row>& things, entry_index person)
{
    std::set<entry_index> records{person};
    for (const thing_row& row : things) {
        if (row.kind != what::link || !row.newest || row.pupil != person) continue;
        if (const auto other = row.gone ? other_that_left(things, row) : other_of(row)) records.insert(*other);
    }
    return records;
}

std::optional<civil_day> birth_of(const std::vector<thing_row>& things, const std::set<entry_index>& records)
{
    std::optional<civil_day> born;
    for (const thing_row& row : things) {
        if (row.kind != what::pupil || !records.contains(row.subject)) continue;
        const auto document = parsed(row);
        if (!document) continue;
        if (const auto day = parse_day(document->root()["fields"]["date_of_birth"].string_if().value_or("")))
            born = day;
    }
    return born;
}

std::set<entry_index> holds_in(const std::vector<thing_row>& things)
{
    std::set<entry_index> held;
    for (const thing_row& row : things) {
        if (row.kind != what::settings || !row.newest || !row.key.starts_with("hold/") || row.pupil == no_entry)
            continue;
        const auto document = parsed(row);
        if (document && document->root()["value"]["state"].string_if() == "standing")
            for (const entry_index each : records_of(things, row.pupil))
                held.insert(each);
    }
    return held;
}

civil_day day_learned(json_view payload)
{
    const std::string_view at = payload["learned_by"].string_if().value_or("");
    return parse_day(at.substr(0, 10)).value_or(civil_day{});
}

civil_day day_of_record(json_view payload)
{
    const json_view fields = payload["fields"];
    for (const std::string_view name : {"day", "incident_at", "to", "from", "start_date"}) {
        const std::string_view text = fields[name].string_if().value_or("");
        if (const auto day = parse_day(text.substr(0, 10))) return *day;
    }
    return day_learned(payload);
}

civil_day day_of_mark(civil_day session, json_view payload)
{
    if (payload["backfill"].bool_if().value_or(false)) return session;
    return std::max(session, day_learned(payload));
}

} // namespace rollbook
