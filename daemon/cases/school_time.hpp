#pragma once

#include "daemon/domain/calendar.hpp"

#include <chrono>

namespace rollbook {

// When somebody is at school to read a message: these hours of every school day, the school's clock.
struct school_hours {
    std::chrono::minutes from = std::chrono::hours(8);
    std::chrono::minutes to = std::chrono::hours(16);
};

// How much of the time from `from` to `to` lies in school hours; nothing when `to` is not after `from`.
std::chrono::milliseconds
school_time_between(const school_calendar& calendar, school_hours hours, local_instant from, local_instant to);

// `at` where it lies in school hours, else the next moment at which they begin; `at` when the calendar has no school
// day after it: a message is rather told at a wrong time than never.
local_instant next_school_moment(const school_calendar& calendar, school_hours hours, local_instant at);

// The first moment after `at` that is `time` of a school day; `at` when the calendar has none after it.
local_instant next_school_day_at(const school_calendar& calendar, std::chrono::minutes time, local_instant at);

} // namespace rollbook
