#include "daemon/reports/meetings.hpp"

#include "daemon/base/spoken.hpp"
#include "daemon/cases/meeting.hpp"
#include "daemon/reports/pupil_cells.hpp"
#include "daemon/views/actions.hpp"
#include "daemon/views/alerts.hpp"
#include "daemon/views/labels.hpp"
#include "daemon/views/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace rollbook {
namespace {

// Alerts about pupils that the reader may see, by pupil's person and then id.
std::vector<alert> alerts_seen(const report_question& asked)
{
    std::vector<alert> all;
    const newest_values values(asked.at);
    asked.at.reader.things(what::alert, asked.at.n, [&](const thing_view& each) {
        auto read = known_alert(asked.at, each);
        if (read) values.apply(*read);
        if (read && !is_about_source(*read) && is_within(asked.at, *read, asked.allowed))
            all.push_back(std::move(*read));
        return true;
    });
    std::ranges::sort(all, {}, &alert::id);
    return all;
}

std::string title_of(const report_question& asked, const std::string& rule_id)
{
    const rule* by = asked.at.config.find_rule(rule_id);
    return by ? by->title : rule_id;
}

std::vector<report_column> alert_report_columns(const report_question& asked)
{
    return joined<report_column>(
        pupil_columns(asked),
        {{"rule", "Rule"},
         {"stage", "Stage"},
         {"state", "State"},
         {"changed", "When"},
         {"why", "Why"},
         {"alert", "Alert", true}}
    );
}

std::vector<std::string> alert_line(const report_question& asked, const alert& each)
{
    return joined<std::string>(
        pupil_cells(asked, each.pupil),
        {title_of(asked, each.rule),
         each.stage,
         std::string(name_of(each.state)),
         clock_text(each.changed_at, asked.at.zone),
         each.reason,
         std::to_string(each.id)}
    );
}

// The actions about alerts that the reader may see, by id.
std::vector<case_action> actions_seen(const report_question& asked, const std::vector<alert>& seen)
{
    std::set<entry_index> visible;
    for (const alert& each : seen)
        visible.insert(each.id);
    std::vector<case_action> all = actions_at(asked.at);
    std::erase_if(all, [&](const case_action& each) { return !visible.contains(each.alert); });
    return all;
}

// Every action that is not done, the longest due first; without a day at the end.
report_table actions_due(const report_question& asked, const std::vector<case_action>& all)
{
    report_table table;
    table.title = "Actions due and undone";
    table.columns = joined<report_column>(
        pupil_columns(asked),
        {{"kind", "Action"},
         {"owner", "Owner"},
         {"due", "Due"},
         {"standing", "Standing"},
         {"review", "Review"},
         {"words", "Words"},
         {"alert", "Alert", true},
         {"entry", "Entry", true}}
    );
    std::vector<case_action> open;
    std::ranges::copy_if(all, std::back_inserter(open), [](const case_action& each) { return !each.is_done; });
    std::ranges::stable_sort(open, {}, [](const case_action& each) { return each.due.value_or(civil_day::max()); });
    for (const case_action& each : open)
        table.rows.push_back(joined<std::string>(
            pupil_cells(asked, each.pupil),
            {each.kind,
             each.owner,
             each.due ? format_day(*each.due) : "",
             !each.due                    ? "no day"
             : *each.due < asked.today()  ? "overdue"
             : *each.due == asked.today() ? "due today"
                                          : "to come",
             each.review ? format_day(*each.review) : "",
             words_told(asked, each.text),
             std::to_string(each.alert),
             std::to_string(each.id)}
        ));
    return table;
}

// What came of actions that ended within the days, the oldest first. Notes are no actions.
report_table actions_done(const report_question& asked, const std::vector<case_action>& all, const day_range& days)
{
    report_table table;
    table.title = "Actions done since the last meeting";
    table.columns = joined<report_column>(
        pupil_columns(asked),
        {{"kind", "Action"},
         {"owner", "Owner"},
         {"done", "Done on"},
         {"outcome", "Outcome"},
         {"words", "Words"},
         {"alert", "Alert", true},
         {"entry", "Entry", true}}
    );
    std::vector<std::pair<civil_day, const case_action*>> done;
    for (const case_action& each : all) {
        const civil_day told = day_of(asked.at.zone.to_local(each.at));
        if (each.is_done && each.kind != "note" && days.contains(told)) done.emplace_back(told, &each);
    }
    std::ranges::stable_sort(done, {}, [](const auto& each) { return each.first; });
    for (const auto& [told, each] : done)
        table.rows.push_back(joined<std::string>(
            pupil_cells(asked, each->pupil),
            {each->kind,
             each->owner,
             format_day(told),
             each->outcome,
             words_told(asked, each->outcome_text.empty() ? each->text : each->outcome_text),
             std::to_string(each->alert),
             std::to_string(each->id)}
        ));
    return table;
}

// The last meeting before today's.
std::optional<civil_day> last_meeting(const report_question& asked)
{
    std::optional<held_meeting> newest;
    asked.at.reader.things_by_id(what::settings, "", meeting_setting, asked.at.n, [&](const thing_view& each) {
        newest = parse_meeting(each.payload);
        return false;
    });
    if (!newest) return std::nullopt;
    return newest->on < asked.today() ? std::optional(newest->on) : newest->before;
}

} // namespace

report weekly_meeting(const report_question& asked)
{
    const auto last = last_meeting(asked);
    const day_range days = asked.days(last.value_or(asked.today() - std::chrono::days(7)));
    report made;
    made.title = "Weekly attendance meeting";
    made.notes = {
        fmt::format(
            "What changed from {} to {}. {}",
            spoken_date(days.first),
            spoken_date(days.last),
            last         ? "The last meeting was on " + spoken_date(*last) + "."
            : asked.from ? "No earlier meeting is recorded."
                         : "No earlier meeting is recorded: these are seven days."
        ),
        "A decision is an action about an alert, with an owner and a day by which it is due. It is typed in on this "
        "report's page or on the alert's.",
    };
    made.columns = alert_report_columns(asked);
    report_table ended{"Alerts that ended", made.columns, {}};
    const std::vector<alert> seen = alerts_seen(asked);
    std::vector<alert> changed = seen;
    std::ranges::stable_sort(changed, {}, [](const alert& each) { return -each.changed_at.time_since_epoch(); });
    for (const alert& each : changed) {
        const civil_day day = day_of(asked.at.zone.to_local(each.changed_at));
        if (!days.contains(day)) continue;
        if (is_ended(each.state))
            ended.rows.push_back(alert_line(asked, each));
        else if (each.state == alert_state::open || each.state == alert_state::acknowledged)
            made.rows.push_back(alert_line(asked, each));
    }
    const std::vector<case_action> actions = actions_seen(asked, seen);
    made.more = {actions_due(asked, actions), std::move(ended), actions_done(asked, actions, days)};
    return made;
}

report targeting_support(const report_question& asked)
{
    report made;
    made.title = asked.at.config.school.targeting_label;
    made.columns = joined<report_column>(
        pupil_columns(asked),
        {{"standing", "Standing"},
         {"absent_percent", "Absent, %", true},
         {"absent", "Absent", true},
         {"possible", "Possible", true},
         {"authorised", "Authorised", true},
         {"unauthorised", "Unauthorised", true},
         {"late", "Late", true},
         {"penalty", "Penalty-notice alert"},
         {"done", "Done and open actions"}}
    );
    const civil_day last = asked.days(asked.today()).last;
    const day_range year{asked.from.value_or(school_calendar::academic_year_start(last)), last};
    made.notes = {
        fmt::format("Sessions from {} to {}.", spoken_date(year.first), spoken_date(year.last)),
        "Persistent: absent for 10 % or more of the pupil's own possible sessions; severe: 50 % or more. With them, "
        "pupils "
        "with a penalty-notice alert that has not ended. The percentage is cut, not rounded.",
    };
    const std::map<entry_index, figures> sums = figures_of_all(asked.at, asked.everyone, year);
    std::map<entry_index, std::string> penalty;
    std::map<entry_index, entry_index> person_of_alert;
    for (const alert& each : alerts_seen(asked)) {
        const entry_index person = asked.everyone.person_of(each.pupil);
        person_of_alert[each.id] = person;
        if (each.rule == "penalty-notice" && !is_ended(each.state)) penalty[person] = name_of(each.state);
    }
    std::map<entry_index, std::map<std::string, std::pair<int, int>>> actions; // done, open
    for (const case_action& each : actions_at(asked.at)) {
        const auto about = person_of_alert.find(each.alert);
        if (about == person_of_alert.end() || each.kind == "note" || is_called_off(each)) continue;
        auto& [done, open] = actions[about->second][each.kind];
        ++(each.is_done ? done : open);
    }
    std::vector<const profile*> list = in_order(asked);
    static const figures none;
    const auto of = [&](const profile* who) -> const figures& {
        const auto found = sums.find(who->person);
        return found == sums.end() ? none : found->second;
    };
    std::erase_if(list, [&](const profile* who) {
        return !of(who).absence_at_least(1, 10) && !penalty.contains(who->person);
    });
    std::ranges::stable_sort(list, [&](const profile* a, const profile* b) {
        return is_larger_share({of(a).absent(), of(a).possible}, {of(b).absent(), of(b).possible});
    });
    for (const profile* who : list) {
        const figures& own = of(who);
        std::string steps;
        for (const auto& [kind, counts] : actions[who->person])
            steps += fmt::format("{}{} {} done, {} open", steps.empty() ? "" : "; ", kind, counts.first, counts.second);
        made.rows.push_back(joined<std::string>(
            pupil_cells(asked, who->person),
            {own.absence_at_least(1, 2)    ? "severe"
             : own.absence_at_least(1, 10) ? "persistent"
                                           : "",
             hundredths_text(own.absent(), own.possible),
             std::to_string(own.absent()),
             std::to_string(own.possible),
             std::to_string(own.authorised),
             std::to_string(own.unauthorised),
             std::to_string(own.late),
             penalty.contains(who->person) ? penalty[who->person] : "",
             steps}
        ));
    }
    return made;
}

} // namespace rollbook
