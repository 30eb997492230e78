#pragma once

#include "daemon/rules/alert.hpp"

namespace rollbook {

// One sentence each, for an attendance lead: counts, dates and stage names, and of a pupil nothing else but the form
// whose register an alert waits for. The verdict is of `judged_by`, and of a pupil inside its cohort.

// "9 to 20 November 2026": as short as it can be said.
std::string days_in_words(const day_range& days);

// What is met now. `reached` is the index of the alert's own stage, which may be above the verdict's. `kept_open`: what
// the alert waits for where that alone keeps it; else empty.
// `was_met`: of an alert that stands for want of a decision, from when until when its threshold was met.
std::string why_open(
    const rule& judged_by,
    const verdict& now,
    int reached,
    std::string_view kept_open = {},
    std::optional<day_range> was_met = {}
);
// Beside an alert: that `earlier`, of another episode, was so on its day.
std::string why_before(const rule& judged_by, const verdict& earlier, civil_day day);
// The sessions held back of a pupil, each with its reason: "the register of 9B on Monday 2 November 2026, morning, has
// not been taken". Of many the newest few. Empty where nothing is.
std::string what_is_held_back(const pupil_history& history);
std::string why_resolved(const rule& judged_by, const verdict& now);
// `then` is the verdict by today's knowledge on the day the alert opened.
std::string why_withdrawn(const rule& judged_by, const verdict& then, bool rule_changed);
std::string why_outside();

} // namespace rollbook
