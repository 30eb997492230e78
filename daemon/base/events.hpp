#pragma once

#include "daemon/base/time.hpp"

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

enum class log_format { text, json };

// How lines are written from now on; text at the start.
void set_log_format(log_format format);

// An event's text with its arguments. A text that they do not fit is given as it is.
std::string fill_event(event e, fmt::format_args arguments);

template <class... T> std::string event_text(event e, const T&... arguments)
{
    return fill_event(e, fmt::make_format_args(arguments...));
}

// An event as a line without its end: whatever the text, one line of UTF-8 without control characters, and in JSON one
// object.
std::string event_line(event e, std::string_view text, log_format format, instant now);

// Writes one line to standard error, with the level prefix that journald reads (sd-daemon(3)) when it is not a
// terminal. Warnings and errors that repeat are left out and counted; a line says how many there were (repeats.hpp).
void write_event(event e, std::string_view text);

// Logged once, where the event is handled.
template <class... T> void log_event(event e, const T&... arguments)
{
    write_event(e, event_text(e, arguments...));
}

} // namespace rollbook
