#pragma once

#include <string>
#include <string_view>

namespace rollbook {

// A text as it stands in HTML or SVG, between tags or in an attribute with double quotes.
std::string html_escaped(std::string_view text);

} // namespace rollbook
