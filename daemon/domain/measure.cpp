#include "daemon/domain/measure.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

using unit = measure_unit;

constexpr std::array known = {
    measure_kind{"late_sessions", unit::sessions, "late session*"},
    measure_kind{"late_minutes", unit::minutes, "minute* late"},
    measure_kind{"unauthorised_sessions", unit::sessions, "unauthorised session*"},
    measure_kind{"unexplained_sessions", unit::sessions, "session* without a reason (N)"},
    measure_kind{"reason_age", unit::school_days, "school day*"},
    measure_kind{"absent_sessions", unit::sessions, "absent session*"},
    measure_kind{"absence_percentage", unit::hundredths, "per cent absent"},
    measure_kind{"projected_absence", unit::hundredths, "per cent absent"},
    measure_kind{"consecutive_absent_days", unit::school_days, "school day* of unauthorised absence in a row"},
    measure_kind{"illness_days", unit::school_days, "school day* of illness"},
    measure_kind{"broken_weeks", unit::school_weeks, "week* with an absence"},
    measure_kind{"weekday_pattern", unit::hundredths, "percentage point*"},
    measure_kind{"attendance_drop", unit::hundredths, "percentage point*"},
    measure_kind{"incidents", unit::incidents, "incident*", false, true},
    measure_kind{"incident_points", unit::points, "point*", false, true},
    measure_kind{"absence_after_incident", unit::incidents, "incident* followed by absence", true, true},
    measure_kind{"suspended_days", unit::sessions, "suspended session*", true, true},
    measure_kind{"suspension_duties", unit::suspensions, "suspension*", false, true},
    measure_kind{"unexplained_minutes", unit::minutes, "minute*", true, false, true},
    measure_kind{"left_unexplained_minutes", unit::minutes, "minute*", true, false, true},
    measure_kind{"missed_lessons", unit::lessons, "lesson* missed", true, true},
    measure_kind{"stale_source", unit::sources, "source* out of date", false, false, false, true},
    measure_kind{"failed_rule", unit::rules, "rule* not judged", false, false, false, true},
};

} // namespace

std::span<const measure_kind> measures()
{
    return known;
}

const measure_kind* find_measure(std::string_view name)
{
    const auto* const found = std::ranges::find(known, name, &measure_kind::name);
    return found == known.end() ? nullptr : found;
}

} // namespace rollbook
