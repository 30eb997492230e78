#pragma once

#include "daemon/domain/small_numbers.hpp"
#include "daemon/ports/ledger_reader.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace rollbook {

// Every version of every mark in memory, session by session, for a reader that stays open: half a byte to a byte each
// where a session's pupils came in one order, 8 bytes at most, so six years of 1,200 pupils are 2 to 22 MB. The table
// itself is in the order in which marks came, with no index by day or pupil, for the sake of the first poll; without
// this each question about one of them would look through all of it.
class kept_marks {
public:
    kept_marks() = default;
    kept_marks(const kept_marks&) = delete; // its sessions look into it
    kept_marks& operator=(const kept_marks&) = delete;

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
    // Packs what was added, after the last of many.
    void fit();
    void clear();

    // Those held at N of these days, of one pupil or (no_entry) of all, by day, session and pupil, until `use` gives
    // false; without payload.
    void each(const day_range& days, entry_index pupil, entry_index n, const std::function<bool(const mark_view&)>& use)
        const;
    // Their sums by pupil, as ledger_reader::sums_of_days() has them.
    std::map<entry_index, figures> sums(std::string_view source, const day_range& days, entry_index n) const;

private:
    // All that marks share: there are a few hundred of them.
    struct word_row {
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
    // What a session's marks are in order of: the pupil's first entry.
    entry_index place_of(const kept& one) const { return pupils_[one.pupil]; }

    // A session's marks in order. Packed, as all but a few are: marks of which pupil and entry rise by one are a run,
    // and of each there is left which of the session's words it has.
    class session_marks {
    public:
        explicit session_marks(const kept_marks& of) : of_(of) {}
        bool is_packed() const { return !runs_.empty(); }
        std::vector<kept>& plain(); // unpacks
        void pack();                // unless that would save nothing
        // Calls use(const kept&) for each, or for those of one pupil, in order, until it gives false: false then.
        template <class F> bool each(F&& use) const;
        template <class F> bool each_at(entry_index at, std::uint16_t pupil, F&& use) const;

    private:
        struct run {
            std::uint32_t entry;
            std::uint16_t pupil;
            std::uint16_t first; // its place in word_of_
        };
        std::size_t length_of(std::size_t run) const
        {
            return (run + 1 < runs_.size() ? runs_[run + 1].first : word_of_.size()) - runs_[run].first;
        }
        kept mark_of(std::size_t run, std::size_t nth) const
        {
            const auto& [entry, pupil, first] = runs_[run];
            return {
                static_cast<std::uint32_t>(entry + nth),
                static_cast<std::uint16_t>(pupil + nth),
                words_[word_of_[first + nth]]};
        }

        const kept_marks& of_;
        std::vector<kept> plain_;
        std::vector<run> runs_;
        std::vector<std::uint16_t> words_;
        small_numbers word_of_; // places in words_
    };

    bool is_held(const kept& each, entry_index n) const
    {
        const word_row& words = words_[each.words];
        return !words.gone && each.entry < n && (!words.is_ended || ends_.at(each.entry) >= n);
    }
    void end(kept& one, entry_index to_entry);

    std::map<session_id, session_marks> sessions_;
    std::size_t plain_ = 0; // marks of sessions that are not packed, at least
    std::unordered_map<std::uint32_t, entry_index> ends_;
    std::vector<entry_index> pupils_;
    std::map<entry_index, std::uint16_t> numbers_;
    std::vector<word_row> words_;
    std::map<word_row, std::uint16_t> word_numbers_;
};

} // namespace rollbook
