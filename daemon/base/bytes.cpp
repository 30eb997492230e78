#include "daemon/base/bytes.hpp"

#include "daemon/base/error.hpp"

#include <algorithm>
#include <charconv>

namespace rollbook {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 0xff;

constexpr auto base64_values = [] {
    std::array<std::uint8_t, 256> values{};
    values.fill(no_digit);
    for (std::size_t i = 0; i < base64_digits.size(); ++i) {
        values[static_cast<unsigned char>(base64_digits[i])] = static_cast<std::uint8_t>(i);
    }
    return values;
}();

std::uint8_t hex_value(char c)
{
    if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
    return no_digit;
}

std::uint8_t base64_value(char c)
{
    return base64_values[static_cast<unsigned char>(c)];
}

// The first bytes of `text` decoded into `out`; the number of bytes, or nothing when it is not strict base64 or needs
// more room.
std::optional<std::size_t> decode_base64(std::string_view text, std::span<std::uint8_t> out)
{
    if (text.size() % 4 != 0) return std::nullopt;
    std::size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=')
        ++padding;
    const std::size_t length = text.size() / 4 * 3 - padding;
    if (length > out.size()) return std::nullopt;

    std::size_t at = 0;
    for (std::size_t i = 0; i < text.size(); i += 4) {
        const bool last = i + 4 == text.size();
        const std::size_t digits = last ? 4 - padding : 4;
        std::uint32_t group = 0;
        for (std::size_t d = 0; d < 4; ++d) {
            const std::uint8_t v = d < digits ? base64_value(text[i + d]) : std::uint8_t{0};
            if (v == no_digit) return std::nullopt;
            group = group << 6 | v;
        }
        const std::size_t whole = digits - 1;
        // The bits beyond the last whole byte carry nothing; another value there would be a second text for the same
        // bytes.
        if ((group & ((1u << (8 * (3 - whole))) - 1)) != 0) return std::nullopt;
        for (std::size_t b = 0; b < whole; ++b)
            out[at++] = static_cast<std::uint8_t>(group >> (16 - 8 * b));
    }
    return length;
}

} // namespace

std::optional<hash> to_hash(bytes_view bytes) noexcept
{
    hash out;
    if (bytes.size() != out.size()) return std::nullopt;
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
}

void append_hex(std::string& out, bytes_view bytes)
{
    for (const std::uint8_t b : bytes) {
        out += hex_digits[b >> 4];
        out += hex_digits[b & 0xf];
    }
}

std::string to_hex(bytes_view bytes)
{
    std::string out;
    out.reserve(bytes.size() * 2);
    append_hex(out, bytes);
    return out;
}

std::optional<std::vector<std::uint8_t>> from_hex(std::string_view text)
{
    if (text.size() % 2 != 0) return std::nullopt;
    std::vector<std::uint8_t> out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const std::uint8_t high = hex_value(text[i]);
        const std::uint8_t low = hex_value(text[i + 1]);
        if (high == no_digit || low == no_digit) return std::nullopt;
        out.push_back(static_cast<std::uint8_t>(high << 4 | low));
    }
    return out;
}

std::optional<hash> hash_from_hex(std::string_view text)
{
    const auto bytes = from_hex(text);
    return bytes ? to_hash(*bytes) : std::nullopt;
}

void append_base64(std::string& out, bytes_view bytes)
{
    const std::size_t start = out.size();
    out.resize(start + (bytes.size() + 2) / 3 * 4);
    char* to = out.data() + start;
    std::size_t i = 0;
    for (; i + 3 <= bytes.size(); i += 3) {
        const std::uint32_t group = std::uint32_t{bytes[i]} << 16 | std::uint32_t{bytes[i + 1]} << 8 | bytes[i + 2];
        *to++ = base64_digits[group >> 18];
        *to++ = base64_digits[group >> 12 & 63];
        *to++ = base64_digits[group >> 6 & 63];
        *to++ = base64_digits[group & 63];
    }
    if (const std::size_t left = bytes.size() - i; left != 0) {
        const std::uint32_t group = std::uint32_t{bytes[i]} << 16 | (left == 2 ? std::uint32_t{bytes[i + 1]} << 8 : 0u);
        *to++ = base64_digits[group >> 18];
        *to++ = base64_digits[group >> 12 & 63];
        *to++ = left == 2 ? base64_digits[group >> 6 & 63] : '=';
        *to++ = '=';
    }
}

std::string to_base64(bytes_view bytes)
{
    std::string out;
    append_base64(out, bytes);
    return out;
}

std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text)
{
    std::vector<std::uint8_t> out(text.size() / 4 * 3);
    const auto length = decode_base64(text, out);
    if (!length) return std::nullopt;
    out.resize(*length);
    return out;
}

std::optional<hash> hash_from_base64(std::string_view text)
{
    hash out;
    const auto length = decode_base64(text, out);
    if (!length || *length != out.size()) return std::nullopt;
    return out;
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) noexcept
{
    constexpr std::size_t digits_max = 19; // of 2^63 - 1
    if (text.empty() || text.size() > digits_max || (text[0] == '0' && text.size() > 1)) return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (value >> 63 != 0) return std::nullopt;
    return value;
}

void append_decimal(std::string& out, std::uint64_t value)
{
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out.append(digits, end);
}

} // namespace rollbook
