#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// A SHA-256 value. Also the shape of every 32-byte key and seed.
using hash = std::array<std::uint8_t, 32>;

using bytes_view = std::span<const std::uint8_t>;

inline bytes_view as_bytes(std::string_view text) noexcept
{
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(bytes_view bytes) noexcept
{
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Exactly 32 bytes, or nothing: a hash of another length is never padded or cut.
std::optional<hash> to_hash(bytes_view bytes) noexcept;

// Lower-case hexadecimal.
std::string to_hex(bytes_view bytes);
void append_hex(std::string& out, bytes_view bytes);

// Either case; an odd length or any other character gives nothing.
std::optional<std::vector<std::uint8_t>> from_hex(std::string_view text);
std::optional<hash> hash_from_hex(std::string_view text);

// RFC 4648 section 4: standard alphabet, padded, one line.
std::string to_base64(bytes_view bytes);
void append_base64(std::string& out, bytes_view bytes);

// Strict: wrong or missing padding, other characters, white space and unused bits that are not zero give nothing, so
// that one value has one text.
std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text);
std::optional<hash> hash_from_base64(std::string_view text);

// ASCII decimal without sign or leading zero, at most 2^63 - 1; nothing else. The form of every size and index in the
// ledger's texts.
std::optional<std::uint64_t> parse_decimal(std::string_view text) noexcept;
void append_decimal(std::string& out, std::uint64_t value);

} // namespace rollbook
