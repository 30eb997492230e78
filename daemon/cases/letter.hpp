#pragma once

#include "daemon/base/error.hpp"

#include <map>
#include <string>
#include <string_view>

namespace rollbook {

// Words that a letter's template may hold between {{ and }}, and what they stand for.
using letter_words = std::map<std::string, std::string, std::less<>>;

// The template with every {{word}} filled in; all else stays as the school wrote it. Fails with usage and the line on
// which a word stands that is not among `words`, or one that is not closed: no letter goes out with a gap in it.
result<std::string> fill_letter(std::string_view text, const letter_words& words);

} // namespace rollbook
