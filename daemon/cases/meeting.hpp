#pragma once

#include "daemon/ports/ledger.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace rollbook {

// That the weekly attendance meeting took place. What the next one talks about begins on that day.
struct held_meeting {
    civil_day on{};
    std::optional<civil_day> before; // of the meeting before it, where one was recorded
    std::string by;                  // as claimed
    std::string user;                // of the operating system, or the account
    instant at{};
};

inline constexpr std::string_view meeting_setting = "weekly-meeting";

// A setting; schemas/ledger/payloads.md. `last` is the version so far, or null.
draft meeting_entry(const held_meeting& value, const held_thing* last);
// Back; empty for any other setting.
std::optional<held_meeting> parse_meeting(std::string_view payload);

} // namespace rollbook
