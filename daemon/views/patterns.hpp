#pragma once

#include "daemon/views/roster.hpp"

#include <array>
#include <functional>
#include <vector>

namespace rollbook {

// A group's figures of one week, or of one weekday's sessions, with the pupils who had a possible one in them.
struct pattern_cell {
    figures sums;
    int pupils = 0;
    bool is_hidden = false;
};

inline constexpr std::size_t slots_a_week = 10; // Monday morning, Monday afternoon, ...

struct group_pattern {
    std::string name;
    std::vector<pattern_cell> weeks; // one for each Monday of group_patterns
    std::array<pattern_cell, slots_a_week> slots;
};

struct group_patterns {
    std::vector<civil_day> mondays; // of weeks in which anybody had a possible session, ascending
    std::vector<group_pattern> groups;
};

// How the groups that `rows` shows were absent over `days`, week by week and by weekday and half-day. `is_in` says
// whether a pupil is of a row's group. A cell of fewer than `suppress_below` pupils is hidden; with it the smallest
// that is none, or what is left of the group's own total would tell.
group_patterns patterns_of(
    const workplace& at,
    const people& everyone,
    const roster& pupils,
    const day_range& days,
    const std::vector<group_row>& rows,
    const std::function<bool(const profile&, const group_row&)>& is_in
);

} // namespace rollbook
