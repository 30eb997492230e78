#include "daemon/domain/year_group.hpp"

#include "daemon/base/ascii.hpp"

#include <algorithm>

namespace rollbook {

std::string_view bare_year(std::string_view text)
{
    const std::string_view whole = text;
    for (const std::string_view word : {"year", "yr", "y"}) {
        const bool is_there =
            text.size() > word.size() && std::ranges::equal(text.substr(0, word.size()), word, {}, lower);
        if (!is_there) continue;
        text.remove_prefix(word.size());
        break;
    }
    while (text.size() > 1 && (text.front() == ' ' || text.front() == '0'))
        text.remove_prefix(1);
    const bool is_number = !text.empty() && std::ranges::all_of(text, is_digit);
    return is_number ? text : whole;
}

} // namespace rollbook
