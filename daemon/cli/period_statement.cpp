#include "daemon/base/canonical_json.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/views/reads.hpp"

#include <algorithm>
#include <map>
#include <ostream>
#include <tuple>

namespace rollbook {
namespace {

struct period {
    std::string name;
    day_range days;
    auto operator<=>(const period& other) const { return days <=> other.days; }
    bool operator==(const period& other) const { return days == other.days; }
};

// What the reads of a period found, and what came for its sessions after it had ended.
struct period_row {
    statement_row sum;
    std::int64_t reads = 0;
    std::int64_t late = 0;              // marks learned or changed after the period ended; other records learned then
    std::optional<instant> reopened_at; // the newest of them
};

period period_of(const workplace& at, civil_day day, bool by_term)
{
    if (!by_term) return {format_day(day), {day, day}};
    period found{"before the first term", {civil_day{}, civil_day{}}};
    for (const term& each : at.config.calendar.terms()) {
        civil_day first = each.half_terms.front().first;
        civil_day last = first;
        for (const day_range& half : each.half_terms) {
            first = std::min(first, half.first);
            last = std::max(last, half.last);
        }
        if (first <= day) found = {each.name, {first, last}};
    }
    return found;
}

// The value of a member that the payload of a mark has once at most. Canonical JSON escapes every quote inside a text,
// so that no text can look like this.
std::string_view member(std::string_view payload, std::string_view name)
{
    const std::size_t at = payload.find(name);
    if (at == payload.npos) return {};
    const std::string_view rest = payload.substr(at + name.size());
    return rest.substr(0, rest.find('"'));
}

using period_rows = std::map<std::tuple<period, std::string, what>, period_row>;

void add_reads(const workplace& at, const command_options& options, bool by_term, period_rows& rows)
{
    at.reader.statements(std::nullopt, std::nullopt, at.n, [&](const statement_row& read) {
        const civil_day day = day_of(at.zone.to_local(read.at));
        if ((options.from_day && day < *options.from_day) || (options.to_day && day > *options.to_day)) return true;
        period_row& row = rows[{period_of(at, day, by_term), read.source, read.record}];
        ++row.reads;
        row.sum.read += read.read;
        row.sum.fresh += read.fresh;
        row.sum.changed += read.changed;
        row.sum.unchanged += read.unchanged;
        row.sum.duplicate += read.duplicate;
        row.sum.quarantined += read.quarantined;
        row.sum.vanished += read.vanished;
        row.sum.tombstoned += read.tombstoned;
        row.sum.leavers += read.leavers;
        row.sum.out_of_scope += read.out_of_scope;
        row.sum.restored += read.restored;
        row.sum.held = read.held;
        row.sum.outside_window = read.outside_window;
        row.sum.source_total = read.source_total;
        row.sum.balanced = row.sum.balanced && read.balanced;
        row.sum.not_read = read.not_read; // how the period ends
        return true;
    });
}

// A period that was over when this was learned is open again.
void note_if_late(
    const workplace& at, const period& of, const std::pair<std::string, what>& whose, instant learned, period_rows& rows
)
{
    if (day_of(at.zone.to_local(learned)) <= of.days.last) return;
    period_row& row = rows[{of, whose.first, whose.second}];
    ++row.late;
    row.reopened_at = std::max(row.reopened_at.value_or(learned), learned);
}

void add_late_marks(const workplace& at, const command_options& options, bool by_term, period_rows& rows)
{
    if (at.config.calendar.empty()) return;
    const day_range all{
        options.from_day.value_or(at.config.calendar.school_days().front()),
        options.to_day.value_or(at.config.calendar.school_days().back())};
    at.reader.marks_of_days(no_entry, all, at.n, true, [&](const mark_view& mark) {
        if (mark.payload.find("\"backfill\":true") != mark.payload.npos) return true;
        const auto learned = parse_instant(member(mark.payload, "\"learned_by\":\""));
        if (!learned) return true;
        note_if_late(
            at, period_of(at, mark.session.day, by_term), {std::string(mark.source), what::session_mark}, *learned, rows
        );
        return true;
    });
}

// Incidents, concerns and suspensions of days gone by that were entered afterwards. What only became of them later,
// such as that one was settled, reopens nothing.
void add_late_records(const workplace& at, const command_options& options, bool by_term, period_rows& rows)
{
    for (const auto& [kind, day_member] :
         {std::pair(what::incident, "\"day\":\""),
          std::pair(what::concern, "\"incident_at\":\""),
          std::pair(what::suspension, "\"from\":\"")})
        at.reader.things(kind, at.n, [&, kind = kind, day_member = day_member](const thing_view& each) {
            const auto day = parse_day(member(each.payload, day_member).substr(0, 10));
            if (!day || (options.from_day && *day < *options.from_day) || (options.to_day && *day > *options.to_day))
                return true;
            std::string first(each.payload);
            if (each.entry != each.subject)
                at.reader.history(each.subject, at.n, [&](const thing_view& version) {
                    first = version.payload;
                    return false;
                });
            const auto learned = parse_instant(member(first, "\"learned_by\":\""));
            if (learned && first.find("\"backfill\":true") == first.npos)
                note_if_late(at, period_of(at, *day, by_term), {std::string(each.source), kind}, *learned, rows);
            return true;
        });
}

void write(json_writer& out, const period& of, const std::string& source, what record, const period_row& row)
{
    out.begin_object();
    out.member("balanced", row.sum.balanced).member("changed", row.sum.changed).member("duplicate", row.sum.duplicate);
    out.member("from", format_day(of.days.first)).member("held", row.sum.held).member("late", row.late);
    out.member("leavers", row.sum.leavers).member("new", row.sum.fresh);
    out.member("out_of_scope", row.sum.out_of_scope).member("outside_window", row.sum.outside_window);
    out.member("period", of.name).member("quarantined", row.sum.quarantined);
    out.member("read", row.sum.read).member("reads", row.reads).member("record", name_of(record)).key("reopened_at");
    if (row.reopened_at)
        out.value(format_instant(*row.reopened_at));
    else
        out.null();
    out.member("restored", row.sum.restored).member("source", source).key("source_total");
    if (row.sum.source_total)
        out.value(*row.sum.source_total);
    else
        out.null();
    out.member("to", format_day(of.days.last)).member("tombstoned", row.sum.tombstoned);
    out.member("unchanged", row.sum.unchanged);
    out.member("vanished", row.sum.vanished).end_object();
}

} // namespace

exit_code print_period_statements(const command_io& io, const command_options& options, const workplace& at)
{
    period_rows rows;
    const bool by_term = options.by_period == "term";
    add_reads(at, options, by_term, rows);
    add_late_marks(at, options, by_term, rows);
    add_late_records(at, options, by_term, rows);
    if (options.json) {
        json_list list(io.out);
        for (const auto& [key, row] : rows)
            list.item([&, &key = key, &row = row](json_writer& out) {
                write(out, std::get<0>(key), std::get<1>(key), std::get<2>(key), row);
            });
        list.end();
        return exit_done;
    }
    text_table table(
        io.out,
        {"Period",
         "Source",
         "Record",
         ">Reads",
         ">Read",
         ">New",
         ">Changed",
         ">Vanished",
         ">Out of scope",
         ">Quarantined",
         ">Held",
         "Balanced",
         ">Came late",
         "Reopened"}
    );
    for (const auto& [key, row] : rows)
        table.row(
            {std::get<0>(key).name,
             std::get<1>(key),
             std::string(name_of(std::get<2>(key))),
             grouped(row.reads),
             grouped(row.sum.read),
             grouped(row.sum.fresh),
             grouped(row.sum.changed),
             grouped(row.sum.vanished),
             grouped(row.sum.out_of_scope),
             grouped(row.sum.quarantined),
             grouped(row.sum.held),
             balance_text(row.sum),
             grouped(row.late),
             clock_text(row.reopened_at, at.zone)}
        );
    table.end();
    if (table.rows() == 0) io.out << "No statements.\n";
    return exit_done;
}

} // namespace rollbook
