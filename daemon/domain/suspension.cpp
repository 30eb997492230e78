#include "daemon/domain/suspension.hpp"

#include "daemon/base/ascii.hpp"

#include <algorithm>
#include <initializer_list>

namespace rollbook {
namespace {

// `parts` in small letters.
bool has_any(std::string_view text, std::initializer_list<std::string_view> parts)
{
    return std::ranges::any_of(parts, [&](std::string_view part) {
        return !std::ranges::search(text, part, {}, lower).empty();
    });
}

} // namespace

suspension_nature nature_of_suspension(std::string_view kind, std::string_view code)
{
    suspension_nature found;
    found.is_cancelled =
        has_any(kind, {"cancel", "withdrawn", "rescinded"}) || has_any(code, {"canc", "withdr", "resc"});
    found.is_permanent = has_any(kind, {"permanent"}) || has_any(code, {"perm"});
    found.is_from_lunch = has_any(kind, {"lunch"}) || has_any(code, {"lunch", "lnch"});
    return found;
}

} // namespace rollbook
