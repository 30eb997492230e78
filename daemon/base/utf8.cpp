#include "daemon/base/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace rollbook {

std::size_t utf8_length(std::string_view text) noexcept
{
    if (text.empty()) return 0;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    if (first < 0xc2) return 0; // a byte that only follows, or an overlong form
    if (first < 0xe0) return text.size() >= 2 && follows(1) ? 2 : 0;
    if (first < 0xf0) {
        if (text.size() < 3 || !follows(1) || !follows(2)) return 0;
        if (first == 0xe0 && byte(1) < 0xa0) return 0; // overlong
        if (first == 0xed && byte(1) > 0x9f) return 0; // surrogate
        return 3;
    }
    if (first > 0xf4 || text.size() < 4 || !follows(1) || !follows(2) || !follows(3)) return 0;
    if (first == 0xf0 && byte(1) < 0x90) return 0; // overlong
    if (first == 0xf4 && byte(1) > 0x8f) return 0; // above U+10FFFF
    return 4;
}

std::string as_utf8(std::string_view text)
{
    std::string out;
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        out += length == 0 ? std::string_view("?") : text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return out;
}

std::string plain(std::string_view text)
{
    std::string clean;
    clean.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const bool is_c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
        clean.push_back(byte < 0x20 || byte == 0x7F || is_c1 ? '?' : text[i]);
        if (is_c1) ++i;
    }
    return clean;
}

bool is_valid_utf8(std::string_view text) noexcept
{
    while (!text.empty()) {
        if (text.size() >= 8) {
            std::uint64_t eight;
            std::memcpy(&eight, text.data(), 8);
            if ((eight & 0x8080808080808080u) == 0) {
                text.remove_prefix(8);
                continue;
            }
        }
        const std::size_t length = static_cast<unsigned char>(text.front()) < 0x80 ? 1 : utf8_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

} // namespace rollbook
