#include "daemon/cases/letter.hpp"

#include "daemon/base/ascii.hpp"

#include <algorithm>

namespace rollbook {
namespace {

std::string known(const letter_words& words)
{
    std::string text;
    for (const auto& [word, value] : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

} // namespace

result<std::string> fill_letter(std::string_view text, const letter_words& words)
{
    std::string out;
    for (std::size_t at = 0;;) {
        const std::size_t open = text.find("{{", at);
        out += text.substr(at, open == text.npos ? open : open - at);
        if (open == text.npos) return out;
        const std::size_t close = text.find("}}", open);
        const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(open), '\n');
        const auto word =
            close == text.npos ? words.end() : words.find(trimmed(text.substr(open + 2, close - open - 2), " "));
        if (word == words.end())
            return failure(
                errc::usage,
                "line " + std::to_string(line) + " of the template has a {{word}} that nothing is known for",
                "Use one of: " + known(words) + "."
            );
        out += word->second;
        at = close + 2;
    }
}

} // namespace rollbook
