#pragma once

#include "daemon/domain/calendar.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// An event of a school's published calendar that touches whether a day is a school day.
struct calendar_event {
    day_range days;
    closed_kind kind{};
    auto operator<=>(const calendar_event&) const = default;
};

struct published_calendar {
    std::vector<calendar_event> events;
    int repeating = 0; // events that repeat by a rule: not read, and to be looked at by a person
};

// The holidays, INSET days and closures of an iCalendar file (RFC 5545), told by the words of their titles; all other
// events are left out.
published_calendar read_published_calendar(std::string_view ical);

struct calendar_proposal {
    std::vector<term> terms;
    std::vector<closed_day> closed;
    std::vector<civil_day> guessed; // of `closed`: no marks that day, and nothing published says why
};

// What the calendar was, by the days that have marks, and will be, by what is published for the days after them.
//
// A day counts as a school day when it has at least half as many marks as the middle day does. Five weekdays in a row
// without school end a half term, nine a term.
calendar_proposal
propose_calendar(const std::map<civil_day, std::int64_t>& marks_by_day, const std::vector<calendar_event>& published);

// The proposal as a calendar file, for a person to correct.
std::string calendar_text(const calendar_proposal& proposal);

} // namespace rollbook
