#pragma once

#include "daemon/base/error.hpp"

#include <set>
#include <string>
#include <string_view>

namespace rollbook {

// The year groups and forms whose pupils somebody works with, as a person writes it: "year=8, form=9B". A pupil is
// within when any of them is the pupil's.
struct pupil_scope {
    std::set<std::string> years;
    std::set<std::string> forms;

    bool is_empty() const { return years.empty() && forms.empty(); }
    // What is not known of a pupil (an empty year or form) is in no scope.
    bool contains(const std::string& year, const std::string& form) const
    {
        return years.contains(year) || forms.contains(form);
    }
    bool operator==(const pupil_scope&) const = default;
};

// "form=9B, year=8": forms first, each in order.
std::string to_text(const pupil_scope& scope);
// Back; of an empty text an empty scope. Fails with usage for what is neither year=NAME nor form=NAME, and beyond 60
// names of up to 40 bytes.
result<pupil_scope> parse_scope(std::string_view text);

} // namespace rollbook
