#include "daemon/ports/http.hpp"

#include "daemon/base/ascii.hpp"

namespace rollbook {
namespace {

std::string_view without_blanks_around(std::string_view text)
{
    constexpr std::string_view blank = " \t\r\n";
    const auto first = text.find_first_not_of(blank);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

} // namespace

std::string_view http_response::header(std::string_view name) const
{
    for (const auto& [key, value] : headers)
        if (key == name) return value;
    return {};
}

void http_response::take_head_line(std::string_view line)
{
    if (line.starts_with("HTTP/")) {
        headers.clear();
        return;
    }
    const auto colon = line.find(':');
    if (colon == line.npos) return;
    headers.emplace_back(lowered(line.substr(0, colon)), without_blanks_around(line.substr(colon + 1)));
}

void http_response::end_head()
{
    const std::string_view type = header("content-type");
    content_type = lowered(without_blanks_around(type.substr(0, type.find(';'))));
}

} // namespace rollbook
