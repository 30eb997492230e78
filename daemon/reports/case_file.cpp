#include "daemon/reports/case_file.hpp"

#include "daemon/base/spoken.hpp"
#include "daemon/reports/pupil_cells.hpp"
#include "daemon/views/labels.hpp"
#include "daemon/views/pupil.hpp"
#include "daemon/views/text.hpp"

#include <fmt/format.h>

namespace rollbook {
namespace {

bool is_plain_presence(const mark_line& each)
{
    return !each.is_late && (each.klass == code_class::present || each.klass == code_class::not_required ||
                             each.klass == code_class::administrative || each.klass == code_class::none);
}

report_table alerts_of(const report_question& asked, const timeline& all)
{
    report_table table{
        "Alerts",
        {{"opened", "Opened"},
         {"rule", "Rule"},
         {"stage", "Stage"},
         {"state", "State"},
         {"changed", "Changed"},
         {"why", "Why"},
         {"alert", "Alert", true}},
        {}};
    for (const alert& each : all.alerts)
        if (is_within(asked.at, each, asked.allowed))
            table.rows.push_back(
                {clock_text(each.opened_at, asked.at.zone),
                 each.rule,
                 each.stage,
                 std::string(name_of(each.state)),
                 clock_text(each.changed_at, asked.at.zone),
                 each.reason,
                 std::to_string(each.id)}
            );
    return table;
}

report_table actions_of(const report_question& asked, const timeline& all)
{
    report_table table{
        "What was done, and is to be done",
        {{"on", "On"},
         {"kind", "Kind"},
         {"standing", "Standing"},
         {"due", "Due"},
         {"outcome", "Outcome"},
         {"words", "Words"},
         {"by", "By"},
         {"entry", "Entry", true}},
        {}};
    for (const case_action& each : all.actions) {
        if (each.alert != no_entry && !labels_at(asked.at, each.alert).is_within(asked.allowed)) continue;
        table.rows.push_back(
            {format_day(each.on),
             each.kind,
             each.is_done ? "done" : "open",
             each.due ? format_day(*each.due) : "",
             each.outcome,
             words_told(asked, each),
             each.by.empty() ? each.user : each.by,
             std::to_string(each.latest)}
        );
    }
    return table;
}

report_table incidents_of(const report_question& asked, const timeline& all)
{
    report_table table{
        "Incidents and concerns",
        {{"date", "Date"},
         {"time", "Time"},
         {"what", "What"},
         {"type", "Type"},
         {"role", "Part"},
         {"source", "Source"}},
        {}};
    for (const incident_line& each : all.incidents) {
        const auto kind = parse_what(each.what);
        if (!kind || !visibility_of(*kind, asked.at.config.is_safeguarding(each.source)).is_within(asked.allowed))
            continue;
        table.rows.push_back(
            {each.date, each.time, each.what, each.type.empty() ? each.category : each.type, each.role, each.source}
        );
    }
    return table;
}

} // namespace

report case_file(const report_question& asked)
{
    const day_range days = asked.days(school_calendar::academic_year_start(asked.today()));
    timeline all;
    all.person = asked.pupil;
    all.days = days;
    read_timeline(asked.at, asked.everyone, {days.first, days.last}, all);
    report made;
    made.title = "Case file";
    std::string about;
    for (const std::string& cell : pupil_cells(asked, asked.pupil))
        if (!cell.empty()) about += (about.empty() ? "" : ", ") + cell;
    made.notes = {
        "About " + about + ".",
        fmt::format(
            "From {} to {}: absent {} of {} possible sessions ({} %), {} authorised, {} unauthorised, {} late.",
            spoken_date(days.first),
            spoken_date(days.last),
            all.sums.absent(),
            all.sums.possible,
            all.sums.possible > 0 ? hundredths_text(all.sums.absent(), all.sums.possible) : "-",
            all.sums.authorised,
            all.sums.unauthorised,
            all.sums.late
        ),
        "Only what the reader of this file may see is in it. Sessions of plain presence are left out.",
    };
    made.columns = {
        {"date", "Date"},
        {"session", "Session"},
        {"code", "Code"},
        {"meaning", "Meaning"},
        {"minutes", "Minutes late", true},
        {"changed", "Changed later"}};
    for (const mark_line& each : all.marks) {
        if (is_plain_presence(each) || !days.contains(each.session.day)) continue;
        const statutory_code* code = each.code.empty() ? nullptr : find_statutory_code(each.code, each.session.day);
        made.rows.push_back(
            {format_day(each.session.day),
             std::string(name_of(each.session.half)),
             code ? each.code : plain(each.raw),
             code ? std::string(code->meaning) : "not a code of the statutory list",
             each.minutes >= 0 ? std::to_string(each.minutes) : "",
             each.changed ? "yes" : ""}
        );
    }
    made.more = {alerts_of(asked, all), actions_of(asked, all), incidents_of(asked, all)};
    return made;
}

} // namespace rollbook
