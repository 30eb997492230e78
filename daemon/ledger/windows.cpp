#include "daemon/ledger/windows.hpp"

#include "daemon/ledger/database.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

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
        std::string_view one = text.substr(0, end);
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
        stream_state::window window;
        const std::size_t space = std::min(one.find(' '), one.size());
        const std::string_view from = one.substr(0, space);
        if (from != "*") window.from = parse_day(from);
        one.remove_prefix(std::min(space + 1, one.size()));
        std::int64_t read_at = 0;
        const auto [rest, wrong] = std::from_chars(one.data(), one.data() + one.size(), read_at);
        one.remove_prefix(static_cast<std::size_t>(rest - one.data()));
        window.read_at = from_milliseconds(read_at);
        window.listed = one == " listed";
        const bool is_understood =
            end != text.npos && wrong == std::errc() && (from == "*" || window.from) && (one.empty() || window.listed);
        if (!is_understood) return {};
        windows.push_back(window);
    }
    return windows;
}

} // namespace rollbook
