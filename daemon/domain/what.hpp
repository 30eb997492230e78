#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace rollbook {

// What an entry is about. The names are those of the outside contract and of every payload's "what".
enum class what : std::uint8_t {
    pupil,
    session_mark,
    lesson_mark,
    incident,
    involvement,
    suspension,
    concern,
    adult,
    action,
    school_day,
    link,
    finding,
    alert,
    delivery,
    settings,
    access,
    read,
    statement,
    erasure,
    key,
    fork,
    heartbeat,
};

std::string_view name_of(what value);
std::optional<what> parse_what(std::string_view text);

} // namespace rollbook
