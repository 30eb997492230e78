#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rollbook {

// Finds any of many byte strings in one pass a length of window: what is left of an erased pupil in a file.
//
// A needle is looked for as it is, in at most its first bytes_max bytes: a longer text in a database page may go on in
// another. Needles shorter than bytes_min are not taken; in so much random data they are found by chance.
class needle_search {
public:
    static constexpr std::size_t bytes_min = 6;
    static constexpr std::size_t bytes_max = 400;

    // Gives the needle's number, or nothing when it is too short. The same text has the same number.
    bool add(std::string_view needle);
    // Never looked for again.
    void drop(std::size_t number) { needles_[number].wanted = false; }

    // Numbers of the needles that `text` holds, each once.
    std::vector<std::size_t> find_in(std::string_view text) const;
    // The number of needles that are looked for.
    std::size_t size() const;

private:
    struct needle {
        std::string text;
        bool wanted = true;
    };
    // Needles whose first `window` bytes have that rolling hash.
    struct group {
        std::size_t window = 0;
        std::vector<bool> maybe; // a quick no for most places
        std::unordered_map<std::uint64_t, std::vector<std::size_t>> by_hash;
    };
    group& group_of(std::size_t size);

    std::vector<needle> needles_;
    std::unordered_map<std::string, std::size_t> numbers_;
    std::vector<group> groups_;
};

} // namespace rollbook
