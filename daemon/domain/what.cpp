#include "daemon/domain/what.hpp"

#include <array>

namespace rollbook {
namespace {

constexpr std::array<std::string_view, 22> names = {
    "pupil",  "session-mark", "lesson-mark", "incident", "involvement", "suspension", "concern",  "adult",
    "action", "school-day",   "link",        "finding",  "alert",       "delivery",   "settings", "access",
    "read",   "statement",    "erasure",     "key",      "fork",        "heartbeat",
};

} // namespace

std::string_view name_of(what value)
{
    return names[static_cast<std::size_t>(value)];
}

std::optional<what> parse_what(std::string_view text)
{
    for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i] == text) return static_cast<what>(i);
    return std::nullopt;
}

} // namespace rollbook
