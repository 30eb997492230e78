#include "daemon/reports/what_changed.hpp"

#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/views/entries.hpp"

#include <ostream>
#include <set>

namespace rollbook {
namespace {

// Two instants as sizes of the ledger, and what differs between them.
struct two_instants {
    instant from{}, to{};
    entry_index first = 0, end = 0; // the entries in between
    std::map<what, entry_count> counts;
    std::map<entry_index, figures_change> changed; // by person
    day_range days{};                              // of the figures
};

void write_figures(json_writer& out, std::string_view key, const figures& sums)
{
    out.key(key).begin_object();
    out.member("authorised", sums.authorised).member("late", sums.late).member("possible", sums.possible);
    out.member("present", sums.present).member("unauthorised", sums.unauthorised).end_object();
}

void write_size(json_writer& out, std::string_view key, instant at, entry_index size)
{
    out.key(key).begin_object().member("at", format_instant(at)).member("size", size).end_object();
}

std::string change_text(std::int64_t before, std::int64_t after)
{
    if (before == after) return grouped(after);
    return grouped(before) + " -> " + grouped(after);
}

void print_changes(std::ostream& out, const workplace& at, const people& everyone, const two_instants& between)
{
    out << "Between " << long_clock_text(between.from, at.zone) << " (" << between.first << " entries) and "
        << long_clock_text(between.to, at.zone) << " (" << between.end << " entries):\n";
    text_table counts(out, {"What", ">New", ">Changed", ">Ended"});
    for (const auto& [kind, count] : between.counts)
        counts.row({std::string(name_of(kind)), grouped(count.fresh), grouped(count.changed), grouped(count.ended)});
    counts.end();
    if (counts.rows() == 0) out << "Nothing changed.\n";
    if (between.changed.empty()) return;
    out << "\nFigures of " << format_day(between.days.first) << " to " << format_day(between.days.last)
        << " that differ\n";
    text_table table(out, {"Pupil", ">Possible", ">Present", ">Authorised", ">Unauthorised", ">Late"});
    for (const auto& [person, each] : between.changed)
        table.row(
            {reference_of(everyone.person_of(person)),
             change_text(each.before.possible, each.after.possible),
             change_text(each.before.present, each.after.present),
             change_text(each.before.authorised, each.after.authorised),
             change_text(each.before.unauthorised, each.after.unauthorised),
             change_text(each.before.late, each.after.late)}
        );
    table.end();
}

// Shows the entries one by one, as far as they were asked for. Returns the last that was shown when there are more.
std::optional<entry_index> each_entry(
    const workplace& at,
    const command_options& options,
    const two_instants& between,
    const std::optional<std::set<entry_index>>& records,
    const std::function<void(const opened_entry&)>& show
)
{
    entry_index first = between.first;
    if (options.after) first = std::max(first, *options.after + 1);
    std::uint64_t shown = 0;
    std::optional<entry_index> last, cut;
    if (first < between.end)
        at.reader.entries(first, between.end, [&](const entry_view& entry) {
            const opened_entry each = open_entry(entry);
            if (records && !records->contains(each.pupil()) && !records->contains(each.index("other"))) return true;
            if (options.limit != 0 && shown == options.limit) {
                cut = last;
                return false;
            }
            show(each);
            ++shown;
            last = entry.index;
            return true;
        });
    return cut;
}

} // namespace

int run_what_changed(const command_io& io, const command_options& asked)
{
    command_options options = asked;
    options.known_at = asked.from; // so that an instant before the first read says when Rollbook began
    return with_ledger(io, options, [&](const workplace& then) {
        const entry_index size = then.reader.size();
        two_instants between;
        between.from = then.now;
        between.first = then.n;
        between.to = asked.to.value_or(io.context.now(then.config));
        between.end = asked.to ? then.reader.size_at(*asked.to) : size;
        between.end = std::max(between.end, between.first);
        const workplace at{then.config, then.reader, then.zone, between.to, between.end};
        const people everyone(at);
        std::optional<std::set<entry_index>> records;
        if (!options.pupil.empty()) {
            const auto list = everyone.records_of(everyone.find(options.pupil).value());
            records.emplace(list.begin(), list.end());
        }
        std::function<bool(entry_index)> wanted;
        if (records) wanted = [&](entry_index pupil) { return records->contains(pupil); };
        between.counts = count_entries(at.reader, between.first, between.end, wanted);
        between.days.last = day_of(at.zone.to_local(between.to));
        between.days.first = school_calendar::academic_year_start(between.days.last);
        if (between.counts.contains(what::session_mark))
            between.changed = changed_figures(
                at.reader,
                at.config.mis_name(),
                between.first,
                between.end,
                between.days,
                [&](entry_index r) { return everyone.person_of(r); }
            );
        if (records) std::erase_if(between.changed, [&](const auto& each) { return !records->contains(each.first); });

        if (options.json) {
            std::optional<entry_index> cut;
            print_json(io.out, [&](json_writer& out) {
                out.begin_object().key("counts").begin_array();
                for (const auto& [kind, count] : between.counts) {
                    out.begin_object().member("changed", count.changed).member("ended", count.ended);
                    out.member("new", count.fresh).member("what", name_of(kind)).end_object();
                }
                out.end_array().key("entries").begin_array();
                cut = each_entry(at, options, between, records, [&](const opened_entry& each) {
                    write_entry(out, each, everyone, false);
                });
                out.end_array().key("figures").begin_array();
                for (const auto& [person, each] : between.changed) {
                    out.begin_object();
                    write_figures(out, "after", each.after);
                    write_figures(out, "before", each.before);
                    out.key("pupil");
                    everyone.write(out, person);
                    out.end_object();
                }
                out.end_array().key("figures_of").begin_object();
                out.member("from", format_day(between.days.first)).member("to", format_day(between.days.last));
                out.end_object();
                write_size(out, "from", between.from, between.first);
                write_size(out, "to", between.to, between.end);
                out.end_object();
            });
            if (cut) print_cut(io.err, options.limit, *cut);
            return exit_done;
        }
        print_changes(io.out, at, everyone, between);
        if (between.first == between.end) return exit_done;
        io.out << "\nEntries\n";
        text_table table(io.out, {">Entry", "Recorded", "Kind", "What", "Source", "Pupil"});
        const auto cut = each_entry(at, options, between, records, [&](const opened_entry& each) {
            table.row(entry_cells(each, at, everyone));
        });
        table.end();
        if (cut) print_cut(io.err, options.limit, *cut);
        return exit_done;
    });
}

} // namespace rollbook
