#pragma once

#include <string_view>

namespace rollbook {

// "7" of "7", "07", "Y7", "Yr 7" and "Year 7", in any case; anything else as it is. A view of `text`.
std::string_view bare_year(std::string_view text);

} // namespace rollbook
