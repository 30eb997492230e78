#pragma once

#include "daemon/domain/register.hpp"
#include "daemon/domain/rule.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// What the pure rules need to know of one pupil.
struct judged_pupil {
    pupil_no number = 0;
    entry_index ref = 0;
    std::string_view year;                  // national curriculum year as the source names it; empty: not known
    std::optional<civil_day> date_of_birth; // for compulsory school age
};

// The moment of judging: rules see what a closed read at `read_at` (school time) could see, as of `as_of`, the last
// school day with a session that had closed and settled by then.
struct judged_day {
    civil_day as_of{};
    local_instant read_at{};
};

// The last school day on or before `read_at` that has a session closed and settled by then; empty when there is none.
std::optional<judged_day> judge_at(const school_calendar& calendar, local_instant read_at);

// A measured value and the entries that make it, in order of time. Unit: the measure's (sessions, school days).
struct measured {
    std::int64_t value = 0;
    std::vector<entry_index> evidence;
    day_range window{};
};

// "late_sessions": sessions of L and U.  "unauthorised_sessions": sessions that count to the penalty-notice threshold
// (G, N, O, U).  "reason_age": school days since the oldest session still N; ignores the window's start.
bool is_measure(std::string_view name);

// Measures one pupil over `window`, ending at judged.as_of. Reads only sessions that have closed and settled by
// judged.read_at, and nothing when the calendar gives no such window. `is_measure(measure)` must hold.
measured take_measure(
    std::string_view measure,
    const rule_window& window,
    const attendance_register& held,
    pupil_no pupil,
    const school_calendar& calendar,
    const judged_day& judged
);

// What a rule says of one pupil on one day.
struct verdict {
    int stage = -1;             // index of the highest stage met; -1: none
    std::int64_t value = 0;     // measured in that stage's window; in the first stage's when none is met
    std::int64_t threshold = 0; // of that stage; of the first when none is met
    bool above_clearing = false; // the value in the first stage's window is not below the clearing level, or a stage is met
    day_range window{};
    std::vector<entry_index> evidence;
};

// False when the pupil is outside the rule's cohort; such a pupil's verdict is "none met".
bool in_cohort(const rule_cohort& cohort, const judged_pupil& pupil, civil_day day);

// Compulsory school age: from the prescribed day (31 August, 31 December, 31 March) on or after the fifth birthday to
// the last Friday in June of the school year of the sixteenth. Source: Education Act 1996 s.8.
bool is_compulsory_school_age(civil_day date_of_birth, civil_day day);

verdict evaluate(
    const rule& judged_by,
    const judged_pupil& pupil,
    const attendance_register& held,
    const school_calendar& calendar,
    const judged_day& judged
);

enum class alert_state { baseline, pending, open, acknowledged, resolved, withdrawn };
std::string_view name_of(alert_state state);
std::optional<alert_state> parse_alert_state(std::string_view text);
inline bool is_ended(alert_state state)
{
    return state == alert_state::resolved || state == alert_state::withdrawn;
}

// One alert as it stands. Its id is the index of the entry that opened it.
struct alert {
    entry_index id = no_entry;
    entry_index latest = no_entry; // the entry of this version
    entry_index pupil = no_entry;
    std::string rule;
    std::string rule_version;
    std::string stage;
    alert_state state = alert_state::open;
    std::int64_t value = 0;
    std::int64_t threshold = 0;
    day_range window{};
    judged_day opened_for{}; // the moment of judging that opened it: "withdrawn" is decided by it
    instant opened_at{};
    instant changed_at{};
    std::vector<entry_index> evidence;
    std::string reason; // one sentence in plain English
};

// What is to be told of a change.
enum class telling { nothing, opened, stage_up, baseline, ended };

struct alert_change {
    alert next;
    telling tell = telling::nothing;
};

// The next state of one (rule, pupil), or empty when nothing changes.
//
// `current` is the alert not yet ended, or null. `now` is today's verdict; `then` is the verdict by today's knowledge at
// current->opened_for (ignored when current is null). Opens at the highest stage met; as `baseline` when `first_read`.
// While not ended the stage only goes up (a baseline alert whose stage rises becomes open), value, threshold, window and
// evidence follow. When the value is below the clearing level and no stage is met: withdrawn when by today's knowledge
// no stage was met at its opening; otherwise resolved, unless the rule needs a decision: then it stays. Evidence,
// value or state that did not change make no change.
std::optional<alert_change> next_alert(
    const rule& judged_by,
    const std::string& rule_version,
    const judged_pupil& pupil,
    const alert* current,
    const verdict& now,
    const verdict* then,
    const judged_day& judged,
    bool first_read,
    instant at
);

// Canonical JSON payload of an alert's entry, and back. Payload keys: schemas/ledger/payloads.md.
std::string alert_payload(const alert& value, entry_index own_index);
std::optional<alert> parse_alert_payload(std::string_view payload, entry_index own_index);

} // namespace rollbook
