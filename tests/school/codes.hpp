#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace rollbook::school {

enum class code_class : std::uint8_t {
    present,
    approved_educational,
    authorised,
    unauthorised,
    not_required,
    administrative,
    unmapped,
    none
};

// One row of the school's own list of codes. Source of code and class: statutory.md section 1 (SI 2024/208 reg 10).
struct code_row {
    std::string_view text;
    std::string_view description;
    std::string_view type;       // our words: the source documents no values
    std::string_view government; // empty for null
    code_class counts_as;
};

std::span<const code_row> code_list();

// The position in code_list(), or -1.
int find_code(std::string_view text);

// The same for a code that is known to be in the list.
constexpr std::uint8_t no_code = 255;
std::uint8_t code(std::string_view text);

} // namespace rollbook::school
