#pragma once

#include "daemon/cases/action.hpp"
#include "daemon/cases/school_time.hpp"
#include "daemon/ports/configuration.hpp"

#include <functional>
#include <string>
#include <vector>

namespace rollbook {

inline constexpr int reminders_max = 5; // of one alert and stage, or of one action, to one route

// One message that is due to one route. The same alert or action, kind, route and number is the same message: it is
// made once.
struct due_reminder {
    enum class kind {
        unacknowledged, // nobody has acknowledged the alert
        escalated,      // for so long that another route is told
        overdue,        // an action's day has passed: to its owner
        overdue_lead,   // and then to the lead
        review,         // the day has come to look at it again
    } of = kind::unacknowledged;
    std::string route;
    int number = 1;
    bool operator==(const due_reminder&) const = default;
};

// What the settings say that all reminders share.
struct reminder_setting {
    const school_calendar& calendar;
    school_hours hours;
    const std::vector<route_configuration>& routes;
    std::string lead; // a route; empty: the routes that the rule's alerts go to
    // Whether a route's cohort has the pupil; empty: every one has.
    std::function<bool(const route_configuration& route, entry_index pupil)> is_about = {};
};

// Of an alert that is open since `since` (its stage reached, or taken up). Counted in school time: a reminder to each
// of its routes every `remind_after`, the newest only when several have passed; and once to `escalate_to` after
// `escalate_after`. What the rule sets goes before what the route sets. Nothing while both are unset, and nothing for
// an alert in any other state.
std::vector<due_reminder> reminders_of(
    const alert& about, const rule& of, const reminder_setting& setting, local_instant since, local_instant now
);

// Of an action that is not done: to its owner from the first school day after the day it was due and every fifth from
// then on; to the lead from the second. An owner who is no route is reminded through the lead. And once on the day of
// its review, done or not, unless it was called off. Nothing once the alert has ended.
std::vector<due_reminder> reminders_of(
    const case_action& about, const alert& whose, const rule& of, const reminder_setting& setting, local_instant now
);

} // namespace rollbook
