#include "connectors/report/text_decoder.hpp"

#include <array>

namespace rollbook {

namespace {

constexpr std::size_t piece_bytes = 64 * 1024;
constexpr char spoilt = '\xFF'; // stands in no UTF-8 text
constexpr char32_t none = 0xFFFF;

// 0x80 to 0x9F. Source: the WHATWG's index-windows-1252, without the five bytes that stand for control characters.
constexpr std::array<char32_t, 32> middle = {0x20AC, none,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                             0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, none,   0x017D, none,
                                             none,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                             0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, none,   0x017E, 0x0178};

} // namespace

char32_t windows_1252_character(unsigned char byte)
{
    return byte >= 0x80 && byte < 0xA0 ? middle[byte - 0x80] : byte;
}

void append_utf8(char32_t c, std::string& into)
{
    const auto low = [](char32_t bits) { return static_cast<char>(0x80 | (bits & 0x3F)); };
    if (c < 0x80) {
        into += static_cast<char>(c);
    } else if (c < 0x800) {
        into += static_cast<char>(0xC0 | c >> 6);
        into += low(c);
    } else if (c < 0x10000) {
        into += static_cast<char>(0xE0 | c >> 12);
        into += low(c >> 6);
        into += low(c);
    } else {
        into += static_cast<char>(0xF0 | c >> 18);
        into += low(c >> 12);
        into += low(c >> 6);
        into += low(c);
    }
}

result<bool> text_decoder::read(std::string& into)
{
    if (ended_) return false;
    std::string piece(piece_bytes, '\0');
    std::size_t size = 0;
    do {
        const result<std::size_t> got = bytes_.read(std::span(piece).subspan(size));
        if (!got) return got.error();
        if (*got == 0) {
            ended_ = true;
            break;
        }
        size += *got;
    } while (size < 4); // enough to see a byte order mark
    std::string_view bytes(piece.data(), size);
    if (!begun_) {
        begun_ = true;
        if (bytes.starts_with("\xEF\xBB\xBF")) {
            bytes.remove_prefix(3);
        } else if (bytes.starts_with("\xFF\xFE")) {
            is_ = kind::utf_16_le;
            bytes.remove_prefix(2);
        } else if (bytes.starts_with("\xFE\xFF")) {
            is_ = kind::utf_16_be;
            bytes.remove_prefix(2);
        } else if (encoding_ == report_form::encoding::windows_1252) {
            is_ = kind::windows_1252;
        }
    }
    append(bytes, into);
    if (ended_ && (!left_.empty() || high_ != 0)) into += spoilt;
    return !ended_ || !into.empty();
}

void text_decoder::append(std::string_view bytes, std::string& into)
{
    switch (is_) {
    case kind::plain: into.append(bytes); return;
    case kind::windows_1252:
        for (const char c : bytes) {
            const char32_t character = windows_1252_character(static_cast<unsigned char>(c));
            if (character == none)
                into += spoilt;
            else
                append_utf8(character, into);
        }
        return;
    case kind::utf_16_le:
    case kind::utf_16_be: append_utf16(bytes, into); return;
    }
}

void text_decoder::append_utf16(std::string_view bytes, std::string& into)
{
    std::string all = left_;
    all.append(bytes);
    left_.clear();
    std::size_t at = 0;
    for (; at + 1 < all.size(); at += 2) {
        const auto first = static_cast<unsigned char>(all[at]);
        const auto second = static_cast<unsigned char>(all[at + 1]);
        const char32_t unit = is_ == kind::utf_16_le ? static_cast<char32_t>(second << 8 | first)
                                                     : static_cast<char32_t>(first << 8 | second);
        const bool is_high = unit >= 0xD800 && unit < 0xDC00;
        const bool is_low = unit >= 0xDC00 && unit < 0xE000;
        if (high_ != 0 && is_low) {
            append_utf8(0x10000 + ((high_ - 0xD800) << 10) + (unit - 0xDC00), into);
            high_ = 0;
            continue;
        }
        if (high_ != 0 || is_low) into += spoilt;
        high_ = is_high ? unit : 0;
        if (!is_high && !is_low) append_utf8(unit, into);
    }
    if (at < all.size()) left_.assign(all, at);
}

} // namespace rollbook
