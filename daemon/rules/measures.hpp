#pragma once

#include "daemon/rules/alert.hpp"

namespace rollbook {

// The days of `window` when it ends at `last`; empty when the calendar gives no such window.
std::optional<day_range> days_of(const rule_window& window, const school_calendar& calendar, civil_day last);

// What a measure reads. Sessions before `not_before` are left out.
struct reading {
    const attendance_register& held;
    pupil_no pupil;
    const school_calendar& calendar;
    const judged_day& judged;
    day_range days;
    std::optional<civil_day> not_before;
};

// Measures over reading.days. `is_measure(measure)` must hold.
measured measure_over(std::string_view measure, const reading& read);

} // namespace rollbook
