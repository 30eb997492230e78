#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// Without the spaces, tabs and line ends around it.
std::string_view trimmed(std::string_view text);

// Equal, but for capitals among the letters A to Z.
bool same_text(std::string_view a, std::string_view b);

// "12", "-3", "4.0" or "4.00" around which there may be spaces: a whole number, however it is written. Nothing else.
std::optional<std::int64_t> whole_number(std::string_view text);

// The trimmed parts between separators; empty parts are left out.
std::vector<std::string> split_list(std::string_view text, char separator);

// Leaves each text once, where it stood first.
void drop_repeats(std::vector<std::string>& list);

// A mark that another system leaves in free text to say which of its records this one is a copy of, such as
// "[Wonde:A900]": what stands between `begins` and `ends` is an id of that system.
struct marker {
    std::string begins;
    std::string ends;
    std::string prefix; // put before the id, so that ids of two systems cannot meet
};

// The ids marked in `text`, sorted, each once. An id is 1 to 64 letters, digits, `_` and `-`; anything else between the
// two ends is no marker, so that no other words of the text can come along.
std::vector<std::string> marked_ids(std::string_view text, const std::vector<marker>& markers);

// What a source says of a mark's correction, as canonical JSON {name, on, position, reason}; empty when it says
// nothing.
std::string
amendment_in(std::string_view name, std::string_view on, std::string_view position, std::string_view reason);

} // namespace rollbook
