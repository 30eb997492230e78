#include "daemon/views/pupil.hpp"
#include "daemon/cli/alerts.hpp"
#include "daemon/cli/cases.hpp"
#include "daemon/cli/commands.hpp"

#include <ostream>

namespace rollbook {
namespace {

void print_marks(std::ostream& out, const workplace& at, const std::vector<mark_line>& marks)
{
    text_table table(out, {"Date", "Session", "Mark", "Code", "Class", ">Minutes late", "Learned by", ""});
    for (const mark_line& each : marks)
        table.row(
            {format_day(each.session.day),
             std::string(name_of(each.session.half)),
             each.raw,
             each.code,
             std::string(name_of(each.klass)),
             each.minutes >= 0 ? std::to_string(each.minutes) : "",
             clock_text(parse_instant(each.learned_by), at.zone),
             each.changed ? "changed" : (each.backfill ? "at the first read" : "")}
        );
    table.end();
}

void print_incidents(std::ostream& out, const std::vector<incident_line>& incidents)
{
    text_table table(out, {"Date", "Time", "Source", "What", "Type or category", "Role"});
    for (const incident_line& each : incidents)
        table.row(
            {each.date, each.time, each.source, each.what, each.type.empty() ? each.category : each.type, each.role}
        );
    table.end();
}

void print_timeline(const command_io& io, const workplace& at, const timeline& of, const people& everyone)
{
    io.out << reference_of(of.person) << (of.name.empty() ? "" : "  " + plain(of.name)) << '\n';
    for (const std::string_view each : of.markers)
        io.out << each << '\n';
    io.out << format_day(of.days.first) << " to " << format_day(of.days.last) << ": " << of.sums.possible
           << " sessions possible, " << of.sums.present << " present, " << of.sums.authorised
           << " absent with authorisation, " << of.sums.unauthorised << " without, " << of.sums.late << " late\n";
    if (!of.alerts.empty()) {
        io.out << "\nAlerts\n";
        alert_table table(io.out, at.zone, everyone);
        for (const alert& each : of.alerts)
            table.row(each);
        table.end();
    }
    if (!of.actions.empty()) io.out << "\nActions\n";
    print_actions(io.out, at, of.actions);
    if (!of.incidents.empty()) {
        io.out << "\nIncidents and concerns\n";
        print_incidents(io.out, of.incidents);
    }
    if (!of.marks.empty()) {
        io.out << "\nMarks\n";
        print_marks(io.out, at, of.marks);
    }
}

day_range days_of_figures(const workplace& at, const command_options& options)
{
    day_range days;
    days.last = options.to_day.value_or(day_of(at.zone.to_local(at.now)));
    days.first = options.from_day.value_or(school_calendar::academic_year_start(days.last));
    return days;
}

} // namespace

int run_pupil(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const people everyone(at);
        timeline of;
        of.person = everyone.find(options.pupil).value();
        of.days = days_of_figures(at, options);
        if (options.unmask) {
            access_record seen;
            seen.pupil = of.person;
            seen.view = "name";
            seen.reason = options.reason;
            io.context.record_access(at.config, seen).value();
            of.name = everyone.name_of(of.person);
        }
        read_timeline(at, everyone, {options.from_day, options.to_day}, of);
        if (options.json)
            print_json(io.out, [&](json_writer& out) { write_timeline(out, of, everyone); });
        else
            print_timeline(io, at, of, everyone);
        return exit_done;
    });
}

} // namespace rollbook
