#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace rollbook {

// What one of a measure's value is. A percentage is kept in hundredths, cut and never rounded: for whole thresholds a
// cut value is at or above one exactly when the fraction is, so that comparing the two is comparing whole numbers.
enum class measure_unit : std::uint8_t {
    sessions,
    school_days,
    school_weeks,
    minutes,
    hundredths, // of a per cent
    incidents,
    points,
    suspensions,
    lessons,
    sources,
    rules,
};

// What a rule may measure. The functions are in daemon/rules; the list is here because the configuration's reader has
// to know it too.
struct measure_kind {
    std::string_view name;
    measure_unit unit = measure_unit::sessions;
    std::string_view counted; // them in words, a star where the plural's s goes: "late session*"
    bool reads_marks = true;  // judged only after a read that closed the list of marks
    bool reads_cases = false; // incidents or suspensions
    bool by_clock = false;    // judged by the minute too, and not only after a read
    bool by_source = false;   // about a source or a rule, and no pupil
};

// late_sessions           sessions of L and U
// late_minutes            minutes late of those sessions, where the source gives them
// unauthorised_sessions   G, N, O and U: what counts to the penalty-notice threshold
// unexplained_sessions    N: no reason yet
// reason_age              school days since the oldest session still N; looks back beyond the window's start
// absent_sessions         authorised and unauthorised
// absence_percentage      absent of possible sessions
// projected_absence       that share at the end of the half term
//                         if the pace of the last 20 school days goes on;
//                         who misses a tenth already meets no stage of it
// consecutive_absent_days whole school days of the newest run of G, N, O and U without a session of another kind
// illness_days            whole school days of I
// broken_weeks            school weeks with a session absent
// weekday_pattern         share absent on Mondays and Fridays above the rest of the week, less the school's own
// attendance_drop         share absent in the window above that of the same academic year before it
// incidents               incidents that the pupil took part in, neither harmed nor only looking on
// incident_points         their points
// absence_after_incident  incidents with an absence later that day or on the next school day
// suspended_days          sessions lost to suspensions, two a day, so that half days are whole numbers
// suspension_duties       suspensions that began in the window and were not cancelled
// unexplained_minutes     school-time minutes since the register closed on a pupil of whom nothing is known: N, or no
//                         mark at all
// left_unexplained_minutes the same where the row begins in the afternoon, of who was in school that morning
// missed_lessons          lessons from which the pupil was absent
//                         without a reason on a day of which every
//                         session mark says present
// stale_source            1 while the finding source-stale stands about the source, else 0
// failed_rule             1 while another rule cannot be judged, else 0
std::span<const measure_kind> measures();
// Null when there is none of that name.
const measure_kind* find_measure(std::string_view name);

} // namespace rollbook
