#include "daemon/domain/person_name.hpp"

#include "daemon/base/ascii.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utf8proc.h>
#include <utility>

namespace rollbook {
namespace {

constexpr std::size_t name_bytes_max = 1000;
constexpr std::size_t close_length_min = 5;
constexpr std::size_t short_form_min = 3;

// Letters that Unicode does not take apart, and what English registers write for them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> plain_letters = {{
    {"ø", "o"},
    {"ł", "l"},
    {"đ", "d"},
    {"ð", "d"},
    {"þ", "th"},
    {"æ", "ae"},
    {"œ", "oe"},
    {"ı", "i"},
}};

struct c_free {
    void operator()(utf8proc_uint8_t* text) const { std::free(text); }
};

// Bytes of the sign that a name loses at `at`; 0 when what stands there is kept.
std::size_t dropped(std::string_view text, std::size_t at)
{
    for (const std::string_view sign : {"'", "\u2019", "\u2018", "\u02bc", "`", "."})
        if (text.substr(at).starts_with(sign)) return sign.size();
    return 0;
}

std::size_t spaced(std::string_view text, std::size_t at)
{
    for (const std::string_view sign : {" ", "-", "\u2010", "\u2011", "\u2013", "\t", ",", "_"})
        if (text.substr(at).starts_with(sign)) return sign.size();
    return 0;
}

bool is_letter_or_figure(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// Without capitals, accents and signs that are not seen; nothing for what is no UTF-8.
std::optional<std::string> folded(std::string_view name)
{
    if (std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) return lowered(name);
    utf8proc_uint8_t* raw = nullptr;
    const auto options = static_cast<utf8proc_option_t>(
        UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE |
        UTF8PROC_STRIPMARK
    );
    const auto length = utf8proc_map(
        reinterpret_cast<const utf8proc_uint8_t*>(name.data()),
        static_cast<utf8proc_ssize_t>(name.size()),
        &raw,
        options
    );
    const std::unique_ptr<utf8proc_uint8_t, c_free> owner(raw);
    if (length < 0) return std::nullopt;
    return std::string(reinterpret_cast<const char*>(raw), static_cast<std::size_t>(length));
}

bool has_word(std::string_view words, std::string_view word)
{
    for (std::size_t at = 0; at <= words.size();) {
        const std::size_t end = std::min(words.find(' ', at), words.size());
        if (words.substr(at, end - at) == word) return true;
        at = end + 1;
    }
    return false;
}

// One letter more, less or other, or two neighbours swapped.
bool is_one_slip(std::string_view a, std::string_view b)
{
    if (a.size() > b.size()) std::swap(a, b);
    if (b.size() - a.size() > 1) return false;
    const auto [in_a, in_b] = std::mismatch(a.begin(), a.end(), b.begin());
    const std::string_view rest_a(in_a, a.end());
    const std::string_view rest_b(in_b, b.end());
    if (a.size() < b.size()) return rest_a == rest_b.substr(1);
    if (rest_a.substr(1) == rest_b.substr(1)) return true;
    return rest_a.size() > 1 && rest_a[0] == rest_b[1] && rest_a[1] == rest_b[0] &&
           rest_a.substr(2) == rest_b.substr(2);
}

} // namespace

std::string comparable_name(std::string_view name)
{
    if (name.empty() || name.size() > name_bytes_max) return {};
    const std::optional<std::string> kept = folded(name);
    if (!kept) return {};
    const std::string_view text = *kept;

    std::string plain;
    plain.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        if (is_letter_or_figure(text[at])) {
            plain += text[at++];
            continue;
        }
        if (const std::size_t skip = dropped(text, at)) {
            at += skip;
            continue;
        }
        if (const std::size_t space = spaced(text, at)) {
            if (!plain.empty() && plain.back() != ' ') plain += ' ';
            at += space;
            continue;
        }
        const auto* letter = std::find_if(plain_letters.begin(), plain_letters.end(), [&](const auto& each) {
            return text.substr(at).starts_with(each.first);
        });
        if (letter != plain_letters.end()) {
            plain += letter->second;
            at += letter->first.size();
        } else
            plain += text[at++];
    }
    if (!plain.empty() && plain.back() == ' ') plain.pop_back();
    return plain;
}

name_likeness likeness_of(std::string_view a, std::string_view b)
{
    if (a.empty() || b.empty()) return name_likeness::unknown;
    if (a == b) return name_likeness::equal;
    if (has_word(a, b) || has_word(b, a)) return name_likeness::part;
    const std::string_view shorter = a.size() < b.size() ? a : b;
    const std::string_view longer = a.size() < b.size() ? b : a;
    if (shorter.size() >= short_form_min && longer.starts_with(shorter)) return name_likeness::short_form;
    if (a.front() == b.front() && longer.size() >= close_length_min && is_one_slip(a, b)) return name_likeness::close;
    return name_likeness::different;
}

} // namespace rollbook
