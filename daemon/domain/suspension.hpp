#pragma once

#include "daemon/domain/calendar.hpp"
#include "daemon/domain/case_facts.hpp"

namespace rollbook {

// What a source's own words say of a suspension: sources have no codes in common.
struct suspension_nature {
    bool is_cancelled = false; // also withdrawn or rescinded
    bool is_permanent = false;
    bool is_from_lunch = false; // of lunchtimes only, each half a day. Source: statutory guidance on suspensions
    bool operator==(const suspension_nature&) const = default;
};

suspension_nature nature_of(const case_facts& cases, const suspension_fact& fact);

// The session `count` sessions after `from` on the school's calendar; beyond its end, on the days of the week.
session_id session_after(const school_calendar& calendar, session_id from, int count);

// The last session of a suspension with a first day: that of its last day, else the one that the sessions lost come to,
// of lunchtimes one a day. Empty where the source gives neither; 0 sessions say nothing.
std::optional<session_id>
last_session_of(const school_calendar& calendar, const suspension_fact& fact, bool is_from_lunch);

// The first day of the pupil's suspensions that lead to `fact` with no school day between one and the next; its own
// where it follows none. Cancelled ones and those of lunchtimes are none, and after one whose end is not known none is
// sure to follow.
// Source: statutory guidance on suspensions: several in a row are one period for education from the sixth school day.
civil_day first_day_in_a_row(const school_calendar& calendar, const case_facts& cases, const suspension_fact& fact);

} // namespace rollbook
