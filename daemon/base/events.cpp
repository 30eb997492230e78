#include "daemon/base/events.hpp"

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

std::string filled(std::string_view text, fmt::format_args arguments)
{
    try {
        return fmt::vformat(text, arguments);
    } catch (const fmt::format_error&) {
        return std::string(text);
    }
}

} // namespace

const event_description& describe(event e)
{
    return descriptions[static_cast<std::size_t>(e)];
}

void write_event(event e, fmt::format_args arguments)
{
    const event_description& known = describe(e);
    std::string line;
    if (::isatty(STDERR_FILENO) == 0) line = known.level == error ? "<3>" : known.level == warning ? "<4>" : "<6>";
    line += fmt::format("rollbook: {}: {}\n", known.id, filled(known.text, arguments));
    std::fwrite(line.data(), 1, line.size(), stderr);
}

} // namespace rollbook
