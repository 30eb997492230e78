#pragma once

#include "daemon/ports/ledger_reader.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace rollbook {

// Every version of every mark in memory, day by day, for a reader that stays open: 8 bytes each, so six years of 1,200
// pupils are 22 MB. The table itself is in the order in which marks came, with no index by day or pupil, for the sake
// of the first poll; without this each question about one of them would look through all of it.
class kept_marks {
public:
    struct row {
        entry_index entry = 0;
        entry_index to_entry = no_entry; // what replaced it
        session_id session{};
        entry_index pupil = no_entry;
        std::string_view source, raw, statutory;
        std::int16_t minutes = -1;
        bool gone = false;
    };

    // Rows in order of entry. One that replaces a row which came before ends that one. Throws failure_error where more
    // pupils or kinds of mark come than any school has.
    void add(const row& one);
    // Gives back the room that was kept for more.
    void fit();
    void clear() { *this = {}; }

    // Those held at N of these days, of one pupil or (no_entry) of all, by day, session and pupil, until `use` gives
    // false; without payload.
    void each(const day_range& days, entry_index pupil, entry_index n, const std::function<bool(const mark_view&)>& use)
        const;
    // Their sums by pupil, as ledger_reader::sums_of_days() has them.
    std::map<entry_index, figures> sums(const day_range& days, entry_index n) const;

private:
    // All that marks share: there are a few hundred of them.
    struct word_row {
        half_day half{};
        std::string source, raw, statutory;
        std::int16_t minutes = -1;
        bool gone = false;
        bool is_ended = false; // its end is in ends_
        auto operator<=>(const word_row&) const = default;
    };
    struct kept {
        std::uint32_t entry;
        std::uint16_t pupil;
        std::uint16_t words;
    };
    static_assert(sizeof(kept) == 8);
    bool is_held(const kept& each, entry_index n) const
    {
        const word_row& words = words_[each.words];
        return !words.gone && each.entry < n && (!words.is_ended || ends_.at(each.entry) >= n);
    }
    void end(kept& one, entry_index to_entry);

    std::map<civil_day, std::vector<kept>> days_; // each by half and pupil
    std::unordered_map<std::uint32_t, entry_index> ends_;
    std::vector<entry_index> pupils_;
    std::map<entry_index, std::uint16_t> numbers_;
    std::vector<word_row> words_;
    std::map<word_row, std::uint16_t> word_numbers_;
};

} // namespace rollbook
