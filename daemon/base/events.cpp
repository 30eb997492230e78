#include "daemon/base/events.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/repeats.hpp"
#include "daemon/base/utf8.hpp"

#include <array>
#include <cstdio>
#include <unistd.h>

namespace rollbook {
namespace {

using enum event_level;

constexpr std::array descriptions = {
#define ROLLBOOK_EVENT(id, level, text, to_do) event_description{#id, level, text, to_do},
#include "daemon/base/events.def"
#undef ROLLBOOK_EVENT
};

log_format format_now = log_format::text;

std::string_view name_of(event_level level)
{
    return level == error ? "error" : level == warning ? "warning" : "info";
}

std::string json_line(const event_description& known, std::string_view text, instant now)
{
    std::string line;
    json_writer out(line);
    out.begin_object();
    out.member("at", format_instant(now));
    out.member("event", known.id);
    out.member("level", name_of(known.level));
    out.member("text", text);
    if (known.level != info) out.member("to_do", known.to_do);
    out.end_object();
    return line;
}

void write_line(event e, std::string_view text)
{
    const event_level level = describe(e).level;
    std::string line;
    if (::isatty(STDERR_FILENO) == 0) line = level == error ? "<3>" : level == warning ? "<4>" : "<6>";
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    line += event_line(e, text, format_now, now) + "\n";
    std::fwrite(line.data(), 1, line.size(), stderr);
}

} // namespace

const event_description& describe(event e)
{
    return descriptions[static_cast<std::size_t>(e)];
}

void set_log_format(log_format format)
{
    format_now = format;
}

std::string event_line(event e, std::string_view text, log_format format, instant now)
{
    const event_description& known = describe(e);
    // A line end in a name, a path or a system's word would begin another event.
    const std::string clean = plain(as_utf8(text));
    if (format == log_format::json) return json_line(known, clean, now);
    return fmt::format("rollbook: {}: {}", known.id, clean);
}

std::string fill_event(event e, fmt::format_args arguments)
{
    const std::string_view text = describe(e).text;
    try {
        return fmt::vformat(text, arguments);
    } catch (const fmt::format_error&) {
        return std::string(text);
    }
}

void write_event(event e, std::string_view text)
{
    static repeats told;
    if (describe(e).level != info) {
        const auto now = std::chrono::steady_clock::now();
        const bool fresh = told.count(fmt::format("{}: {}", describe(e).id, text), now);
        for (const repeats::summary& each : told.take_ended(now))
            write_line(event::lines_left_out, event_text(event::lines_left_out, each.left_out, each.example));
        if (!fresh) return;
    }
    write_line(e, text);
}

} // namespace rollbook
