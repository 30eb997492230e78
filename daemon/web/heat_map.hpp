#pragma once

#include "daemon/domain/calendar.hpp"
#include "daemon/views/pupil.hpp"

#include <string>
#include <vector>

namespace rollbook {

// The sessions of one pupil as a calendar: a column a week, a row a weekday, the morning above the afternoon. Each
// session has its class by colour and by pattern, and its code as a letter, so that it reads in grey and in print.
// Inline SVG with a title and a description; styled by the style sheet's classes alone.
std::string heat_map(const std::vector<mark_line>& marks, const day_range& days, const school_calendar& calendar);

// The same as rows: one a school week, its Monday first.
struct week_row {
    civil_day monday{};
    std::string cells[10]; // Monday AM, Monday PM, ...; the code as read; empty: no mark
};
std::vector<week_row> week_rows(const std::vector<mark_line>& marks, const day_range& days);

} // namespace rollbook
