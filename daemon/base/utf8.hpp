#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rollbook {

// Whether the whole text is well-formed UTF-8 (Unicode table 3-7: no overlong forms, no surrogates, nothing above
// U+10FFFF). The empty text is.
bool is_valid_utf8(std::string_view text) noexcept;

// Bytes of the well-formed character `text` begins with; 0 when it begins with none.
std::size_t utf8_length(std::string_view text) noexcept;

// The text with each byte that is part of no character replaced by '?', for texts that libraries and systems make.
std::string as_utf8(std::string_view text);

// `text` with each control character (C0, DEL and C1) replaced by '?': what a source wrote must not steer a terminal,
// or begin another line.
std::string plain(std::string_view text);

} // namespace rollbook
