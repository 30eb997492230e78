#pragma once

#include "daemon/base/time.hpp"

#include <optional>

namespace rollbook {

// How long entries of one kind are kept, in whole years from a day that the kind defines.
//
// at_least: before that an entry may not go. at_most: after it an entry must go; empty: never by age alone.
struct retention_clock {
    int at_least_years = 0;
    std::optional<int> at_most_years;
};

// The clocks of the configuration's [retention].
struct retention_clocks {
    // Session marks, from the day of the entry, and first-day calls, from theirs. Six years by law.
    // Source: SI 2024/208 reg. 7 (preservation of every entry), in force 2024-08-19.
    static constexpr int attendance_years_min = 6;
    retention_clock attendance{attendance_years_min, std::nullopt};
    // Concerns and who took part in them, from the pupil's date of birth: until the 25th birthday.
    // Source: practice for child protection files (IRMS toolkit); no statute sets it.
    static constexpr int safeguarding_age = 25;
    retention_clock safeguarding{safeguarding_age, std::nullopt};
    // Incidents, who took part in them, and suspensions, from the day of the incident. No statute sets a period.
    // Source: school policy, set in the configuration.
    retention_clock behaviour;
};

// The same day `years` later; 1 March where that year has no 29 February.
civil_day add_years(civil_day day, int years);

// The first day on which an entry of the clock may go.
civil_day may_go_on(const retention_clock& clock, civil_day from);
// The first day on which it must be gone; empty when it never must.
std::optional<civil_day> must_go_on(const retention_clock& clock, civil_day from);

} // namespace rollbook
