#pragma once

#include "daemon/rules/alert.hpp"

namespace rollbook {

// The days of `window` when it ends at `last`; empty when the calendar gives no such window.
std::optional<day_range> days_of(const rule_window& window, const school_calendar& calendar, civil_day last);

// What a measure reads. Sessions before `not_before` are left out.
struct reading {
    const pupil_history& history;
    day_range days;
    rule_window over; // that `days` are the days of
    std::optional<civil_day> not_before;
    std::int64_t min_possible = 0;
    rule::unknown when_unknown = rule::unknown::wait;

    const school_calendar& calendar() const { return history.facts().calendar; }
    const judged_day& judged() const { return history.judged(); }
    std::span<const pupil_history::one> marks() const { return marks_in(days); }
    std::span<const pupil_history::one> marks_in(day_range within) const;
    // Sessions within `days` of which nothing is known yet.
    std::span<const session_id> held_back() const;
};

// Measures over reading.days. `find_measure(measure)` must give one.
measured measure_over(std::string_view measure, const reading& read);

// Whether one pupil's value depends on the marks of the others: then a mark that changes may change everybody's.
bool compares_with_the_school(std::string_view measure);

// A tenth of possible sessions missed. Source: DfE pupil absence methodology.
bool is_persistent(const absence_parts& parts);

// measure_cases.cpp
measured incidents(const reading& read);
measured incident_points(const reading& read);
measured absence_after_incident(const reading& read);
measured suspended_days(const reading& read);
measured suspension_duties(const reading& read);
measured missed_lessons(const reading& read);
// measure_shares.cpp
measured absence_percentage(const reading& read);
measured projected_absence(const reading& read);
measured weekday_pattern(const reading& read);
measured attendance_drop(const reading& read);
// measure_clock.cpp
measured unexplained_minutes(const reading& read);
measured left_unexplained_minutes(const reading& read);

} // namespace rollbook
