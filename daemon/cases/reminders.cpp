#include "daemon/cases/reminders.hpp"

#include <algorithm>

namespace rollbook {
namespace {

constexpr int days_between_reminders = 5; // of an overdue action, in school days

// What is written back to a source is no reminder of anybody.
bool reaches_people(const route_configuration& route)
{
    return route.channel != "note";
}

bool is_about(const route_configuration& route, entry_index pupil, const reminder_setting& setting)
{
    return !setting.is_about || setting.is_about(route, pupil);
}

std::vector<std::string> routes_of(const rule& of, entry_index pupil, const reminder_setting& setting)
{
    std::vector<std::string> names;
    for (const route_configuration& each : setting.routes)
        if (each.wants(of.id) && reaches_people(each) && is_about(each, pupil, setting)) names.push_back(each.name);
    return names;
}

std::vector<std::string> leads_of(const rule& of, entry_index pupil, const reminder_setting& setting)
{
    if (!setting.lead.empty()) return {setting.lead};
    return routes_of(of, pupil, setting);
}

bool is_route(const std::string& name, const reminder_setting& setting)
{
    return std::ranges::find(setting.routes, name, &route_configuration::name) != setting.routes.end();
}

int capped(std::int64_t number)
{
    return static_cast<int>(std::min<std::int64_t>(number, reminders_max));
}

} // namespace

std::vector<due_reminder> reminders_of(
    const alert& about, const rule& of, const reminder_setting& setting, local_instant since, local_instant now
)
{
    std::vector<due_reminder> due;
    if (about.state != alert_state::open) return due;
    const auto waited = school_time_between(setting.calendar, setting.hours, since, now);
    const auto add = [&](due_reminder::kind kind, const std::string& route, std::int64_t number) {
        const due_reminder made{kind, route, capped(number)};
        if (number > 0 && std::ranges::find(due, made) == due.end()) due.push_back(made);
    };
    for (const route_configuration& route : setting.routes) {
        if (!route.wants_alert(of, about.stage) || !reaches_people(route) || !is_about(route, about.pupil, setting))
            continue;
        const reminding& own = of.reminders.is_set() ? of.reminders : route.reminders;
        if (own.remind_after.count() > 0)
            add(due_reminder::kind::unacknowledged, route.name, waited / own.remind_after);
        if (own.escalate_after.count() > 0 && waited >= own.escalate_after)
            add(due_reminder::kind::escalated, own.escalate_to, 1);
    }
    return due;
}

std::vector<due_reminder> reminders_of(
    const case_action& about, const alert& whose, const rule& of, const reminder_setting& setting, local_instant now
)
{
    std::vector<due_reminder> due;
    if (is_ended(whose.state) || is_called_off(about)) return due;
    const civil_day today = day_of(now);
    const std::vector<std::string> leads = leads_of(of, about.pupil, setting);
    const std::vector<std::string> owners = is_route(about.owner, setting) ? std::vector{about.owner} : leads;
    if (about.due && !about.is_done) {
        const int days = setting.calendar.school_days_between(*about.due, today);
        if (days >= 1)
            for (const std::string& each : owners)
                due.push_back({due_reminder::kind::overdue, each, capped(1 + (days - 1) / days_between_reminders)});
        if (days >= 2)
            for (const std::string& each : leads)
                if (std::ranges::find(owners, each) == owners.end())
                    due.push_back(
                        {due_reminder::kind::overdue_lead, each, capped(1 + (days - 2) / days_between_reminders)}
                    );
    }
    if (about.review && *about.review <= today)
        for (const std::string& each : owners)
            due.push_back({due_reminder::kind::review, each, 1});
    return due;
}

} // namespace rollbook
