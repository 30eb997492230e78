#include "daemon/ledger/windows.hpp"

#include "daemon/ledger/database.hpp"

#include <fmt/format.h>

namespace rollbook {

std::string windows_text(const std::vector<stream_state::window>& windows)
{
    std::string text;
    for (const auto& window : windows)
        text += fmt::format(
            "{} {}{};",
            window.from ? format_day(*window.from) : "*",
            to_milliseconds(window.read_at),
            window.listed ? " listed" : ""
        );
    return text;
}

std::vector<stream_state::window> parse_windows(std::string_view text)
{
    std::vector<stream_state::window> windows;
    while (!text.empty()) {
        const std::size_t end = text.find(';');
        const std::string_view one = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        const std::size_t space = one.find(' ');
        if (space == std::string_view::npos) continue;
        stream_state::window window;
        if (one.substr(0, space) != "*") window.from = parse_day(one.substr(0, space));
        window.read_at = from_milliseconds(std::stoll(std::string(one.substr(space + 1))));
        window.listed = one.ends_with(" listed");
        windows.push_back(window);
    }
    return windows;
}

} // namespace rollbook
