#pragma once

#include "daemon/domain/calendar.hpp"
#include "daemon/domain/code_book.hpp"
#include "daemon/domain/figures.hpp"

#include <cstdint>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

namespace rollbook {

// The place of an entry in the ledger, from 0; also the leaf's place in the tree.
using entry_index = std::uint64_t;
inline constexpr entry_index no_entry = ~entry_index{0};

// A pupil's place in the register, dense from 0, given in order of meeting. Lives as long as the register; never
// stored.
using pupil_no = std::uint32_t;

// What the register holds of one session of one pupil: 12 bytes, because a year has half a million of them.
struct held_mark {
    static constexpr std::uint32_t nothing = ~std::uint32_t{0};
    static constexpr std::uint32_t out_of_scope_digest = 1; // of one that is gone; 0: it vanished

    std::uint32_t entry = nothing; // the entry that gave this version
    std::uint32_t digest = 0;      // keyed digest of what is not compared field by field: id, comment, taken-by
    code_id code = 0;
    std::uint8_t minutes = 255; // minutes late, 255: not given; 254 stands for 254 and more
    bool gone = false;          // the source no longer has it; `entry` is the entry that says so

    bool met() const { return entry != nothing; }   // some version was ever held
    bool is_held() const { return met() && !gone; } // a version is held now
    // The source had it, and may have it still: it is asked otherwise by now.
    bool is_out_of_scope() const { return gone && digest == out_of_scope_digest; }
};

inline std::uint8_t minutes_byte(int minutes)
{
    return minutes < 0 ? std::uint8_t{255} : static_cast<std::uint8_t>(minutes > 254 ? 254 : minutes);
}

// One session of one pupil.
struct register_slot {
    session_id session{};
    pupil_no pupil = 0;
    auto operator<=>(const register_slot&) const = default;
};

// The current register of one source in memory: every session mark of the years in use, by day, half and pupil.
//
// Changed only by put(), after the change was committed. Cost: 24 bytes a pupil and school day; find() is two array
// look-ups.
class attendance_register {
public:
    explicit attendance_register(std::shared_ptr<code_book> codes) : codes_(std::move(codes)) {}

    const code_book& codes() const { return *codes_; }
    code_book& codes() { return *codes_; }

    // The number of the pupil whose first entry is `ref`; a new one when not yet met.
    pupil_no number_of(entry_index ref);
    std::optional<pupil_no> find_pupil(entry_index ref) const;
    entry_index ref_of(pupil_no pupil) const { return refs_[pupil]; }
    std::size_t pupils() const { return refs_.size(); }

    // What is held; a mark that is not met() when nothing ever was.
    const held_mark& find(session_id session, pupil_no pupil) const;
    void put(session_id session, pupil_no pupil, const held_mark& mark);

    // Calls use(session_id, const held_mark&) for each mark ever met, gone ones too, of `pupil` within `days`, in order
    // of time.
    template <class F> void for_each_met(pupil_no pupil, const day_range& days, F&& use) const
    {
        for (std::size_t i = index_of(days.first, true); i < days_.size(); ++i) {
            const civil_day day = first_ + std::chrono::days(static_cast<int>(i));
            if (day > days.last) break;
            if (!days_[i]) continue;
            for (const half_day half : {half_day::am, half_day::pm}) {
                const auto& marks = days_[i]->halves[static_cast<int>(half)];
                if (pupil < marks.size() && marks[pupil].met()) use(session_id{day, half}, marks[pupil]);
            }
        }
    }

    // The same for those that are held now.
    template <class F> void for_each(pupil_no pupil, const day_range& days, F&& use) const
    {
        for_each_met(pupil, days, [&](session_id session, const held_mark& mark) {
            if (mark.is_held()) use(session, mark);
        });
    }

    // Calls use(session_id, pupil_no, const held_mark&) for every mark held now within `days`.
    template <class F> void for_each_mark(const day_range& days, F&& use) const
    {
        for (std::size_t i = index_of(days.first, true); i < days_.size(); ++i) {
            const civil_day day = first_ + std::chrono::days(static_cast<int>(i));
            if (day > days.last) break;
            if (!days_[i]) continue;
            for (const half_day half : {half_day::am, half_day::pm}) {
                const auto& marks = days_[i]->halves[static_cast<int>(half)];
                for (pupil_no pupil = 0; pupil < marks.size(); ++pupil)
                    if (marks[pupil].is_held()) use(session_id{day, half}, pupil, marks[pupil]);
            }
        }
    }

    // The first and last day with any mark ever met; empty when there is none.
    std::optional<day_range> extent() const;
    std::uint64_t held() const { return held_; } // marks held now

    // The few marks that findings watch, kept as they come and go: still N (no reason yet), of a code the law does not
    // list, and gone from the source.
    const std::set<register_slot>& unexplained() const { return unexplained_; }
    const std::set<register_slot>& unmapped() const { return unmapped_; }
    const std::set<register_slot>& gone() const { return gone_; }

    figures figures_of(pupil_no pupil, const day_range& days) const;

private:
    struct one_day {
        std::vector<held_mark> halves[2]; // by pupil_no
    };
    void watch(const held_mark& was, const register_slot& slot, const held_mark& is);
    // Index of `day`, or of the first stored day after it when `clamp`.
    std::size_t index_of(civil_day day, bool clamp) const;

    std::shared_ptr<code_book> codes_;
    std::vector<entry_index> refs_;
    std::unordered_map<entry_index, pupil_no> numbers_;
    civil_day first_{};
    std::vector<std::unique_ptr<one_day>> days_; // one for each calendar day from first_, null without marks
    std::uint64_t held_ = 0;
    std::set<register_slot> unexplained_;
    std::set<register_slot> unmapped_;
    std::set<register_slot> gone_;
};

} // namespace rollbook
