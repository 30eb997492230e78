#include "daemon/domain/pupil_flags.hpp"

#include <algorithm>

namespace rollbook {

flag_set flags_in(json_view list)
{
    flag_set found;
    list.for_each_element([&](json_view each) {
        const auto* const at = std::ranges::find(known_flags, each.string_if().value_or(""));
        if (at != known_flags.end()) found.set(static_cast<std::size_t>(at - known_flags.begin()));
    });
    return found;
}

} // namespace rollbook
