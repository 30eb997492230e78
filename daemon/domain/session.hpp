#pragma once

#include "daemon/base/time.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rollbook {

// Half a school day; two make a day. Source: SI 2024/208 reg. 10 (in force 2024-08-19): the register is taken at the
// start of the morning session and once during the afternoon session.
enum class half_day : std::uint8_t { am = 0, pm = 1 };

inline std::string_view name_of(half_day half)
{
    return half == half_day::am ? "AM" : "PM";
}

// "AM" or "PM", in either case and without surrounding space; nothing else.
std::optional<half_day> parse_half_day(std::string_view text);

// Whether a register may have marks of that day: of the years 1950 to 2099. A day outside them is mistyped, or a
// source's word for "never". Registers are tables with a row for each day between their first and their last.
bool is_register_day(civil_day day);

// One session, named by its day and half and never by a clock time, so that clock changes cannot move it.
struct session_id {
    civil_day day{};
    half_day half{};
    auto operator<=>(const session_id&) const = default;
};

} // namespace rollbook
