#pragma once

#include <string_view>

namespace rollbook {

// What a source's own words say of a suspension: sources have no codes in common.
struct suspension_nature {
    bool is_cancelled = false; // also withdrawn or rescinded
    bool is_permanent = false;
    bool is_from_lunch = false; // of lunchtimes only, each half a day. Source: statutory guidance on suspensions
    bool operator==(const suspension_nature&) const = default;
};

// `kind` in words, `code` the source's code of it; either may be empty.
suspension_nature nature_of_suspension(std::string_view kind, std::string_view code);

} // namespace rollbook
