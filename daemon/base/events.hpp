#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace rollbook {

// Every event of base/events.def, by its id.
enum class event : std::uint16_t {
#define ROLLBOOK_EVENT(id, level, text, to_do) id,
#include "daemon/base/events.def"
#undef ROLLBOOK_EVENT
};

enum class event_level { error, warning, info };

struct event_description {
    std::string_view id;
    event_level level;
    std::string_view text;
    std::string_view to_do;
};

const event_description& describe(event e);

// Writes one line to standard error, with the level prefix that journald reads (sd-daemon(3)) when it is not a
// terminal. A text that an event's arguments do not fit is written as it is.
void write_event(event e, fmt::format_args arguments);

// Logged once, where the event is handled.
template <class... T> void log_event(event e, const T&... arguments)
{
    write_event(e, fmt::make_format_args(arguments...));
}

} // namespace rollbook
