#pragma once

#include "daemon/base/error.hpp"

#include <compare>
#include <string>
#include <string_view>

namespace rollbook {

// A unique pupil number: a check letter, LA (3 digits), establishment (4), year (2), serial (3); 13 characters. A
// temporary UPN ends in a letter. Source: Government Data Standards Catalogue, UniquePupilNumber 2.0.
// Invariant: the check letter is right. It is a key for matching, never an identity: it may be missing, change, or be
// carried by two rows.
class upn {
public:
    // Accepts surrounding space and lower case. Fails with record_unreadable, saying what is wrong and not the value.
    static result<upn> parse(std::string_view text);
    // The letter that belongs in front of `rest`, the other twelve characters; 0 when they are not of the form.
    static char check_letter(std::string_view rest);

    const std::string& text() const noexcept { return text_; }
    bool is_temporary() const noexcept;
    auto operator<=>(const upn&) const = default;

private:
    explicit upn(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

} // namespace rollbook
