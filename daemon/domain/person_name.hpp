#pragma once

#include <string>
#include <string_view>

namespace rollbook {

// A name as it is compared, never as it is shown: lower case, without accents, apostrophes and full stops; hyphens and
// runs of space are one space. "O'Brien-Núñez" gives "obrien nunez", "Łukasz" gives "lukasz". Bytes that are no UTF-8
// give an empty text. Sources: Unicode 15 NFKD and case folding; letters that do not decompose as in UTR 30's table.
std::string comparable_name(std::string_view name);

// How two names compare, each already comparable.
enum class name_likeness {
    unknown, // one of them is empty
    equal,
    part,       // one is among the words of the other: "smith" and "smith jones", "mary" and "mary anne"
    short_form, // one begins with the other: "sam" and "samuel"
    close, // one slip of the pen: a letter more, less, other, or two swapped, in a name of five letters or more and
           // not in its first letter
    different,
};
name_likeness likeness_of(std::string_view a, std::string_view b);

} // namespace rollbook
