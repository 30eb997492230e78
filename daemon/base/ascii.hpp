#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace rollbook {

// ASCII alone, and the same in every locale: what protocols, addresses and codes are written in. Bytes of other
// characters are no letters, and stay as they are.
constexpr bool is_digit(char c) noexcept
{
    return c >= '0' && c <= '9';
}

constexpr bool is_letter(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// C0 and DEL, line ends among them.
constexpr bool is_control(char c) noexcept
{
    return (c >= '\0' && c < ' ') || c == 0x7F;
}

constexpr char lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string lowered(std::string_view text)
{
    std::string out(text);
    std::ranges::transform(out, out.begin(), lower);
    return out;
}

// Equal but for the case of letters.
inline bool is_same_word(std::string_view a, std::string_view b)
{
    return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

// Without the blanks before and after it.
constexpr std::string_view trimmed(std::string_view text, std::string_view blanks) noexcept
{
    const std::size_t first = text.find_first_not_of(blanks);
    return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

} // namespace rollbook
