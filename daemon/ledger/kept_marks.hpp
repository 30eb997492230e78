#pragma once

#include "daemon/ports/ledger_reader.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace rollbook {

// Every version of every mark in memory, day by day, for a reader that stays open: 20 bytes each, so six years of 1,200
// pupils are 55 MB. The table itself is in the order in which marks came, with no index by day or pupil, for the sake
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

    // Rows in order of entry. One that replaces a row which came before ends that one.
    void add(const row& one);
    void clear() { *this = {}; }

    // Those held at N of these days, of one pupil or (no_entry) of all, by day, session and pupil, until `use` gives
    // false; without payload.
    void each(const day_range& days, entry_index pupil, entry_index n, const std::function<bool(const mark_view&)>& use)
        const;
    // Their sums by pupil, as ledger_reader::sums_of_days() has them.
    std::map<entry_index, figures> sums(const day_range& days, entry_index n) const;

private:
    struct kept {
        std::uint32_t entry;
        std::uint32_t to_entry; // open_end: none
        std::uint32_t pupil;
        std::uint32_t words;
        std::int16_t minutes;
        std::uint8_t half;
        bool gone;
    };
    static_assert(sizeof(kept) == 20);
    static constexpr std::uint32_t open_end = 0xFFFFFFFF;
    static bool is_held(const kept& each, entry_index n)
    {
        return !each.gone && each.entry < n && (each.to_entry == open_end || each.to_entry >= n);
    }
    struct word_row {
        std::string source, raw, statutory;
        auto operator<=>(const word_row&) const = default;
    };

    std::map<civil_day, std::vector<kept>> days_;
    std::vector<entry_index> pupils_;
    std::map<entry_index, std::uint32_t> numbers_;
    std::vector<word_row> words_;
    std::map<word_row, std::uint32_t> word_numbers_;
};

} // namespace rollbook
