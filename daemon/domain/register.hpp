#pragma once

#include "daemon/domain/calendar.hpp"
#include "daemon/domain/code_book.hpp"
#include "daemon/domain/figures.hpp"
#include "daemon/domain/small_numbers.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace rollbook {

// The place of an entry in the ledger, from 0; also the leaf's place in the tree.
using entry_index = std::uint64_t;
inline constexpr entry_index no_entry = ~entry_index{0};

// A pupil's place in the register, dense from 0, given in order of meeting. Lives as long as the register; never
// stored.
using pupil_no = std::uint32_t;

// What the register holds of one session of one pupil.
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

// The marks of one half of a day by pupil_no, 4 bytes each and 4 for its digest, which need not be here: a year has
// half a million of them, and all that were ever read are held. Marks that came together have entries near each other,
// and what else tells them apart is of few kinds. Packed, they are a byte each or half of one where pupils came in
// the order of their numbers.
class half_day_marks {
public:
    // A mark of one of these kinds, but for its entry and digest.
    class kinds {
    public:
        // The number of the mark's kind. At most 65,000 of them: beyond that the source is inventing codes, and the
        // mark is refused by the exception failure_error.
        std::uint16_t intern(const held_mark& mark);
        held_mark mark(std::uint16_t kind) const { return marks_[kind]; }

    private:
        std::vector<held_mark> marks_; // without entry; with digest where they are gone
        std::unordered_map<std::uint32_t, std::uint16_t> numbers_;
        std::uint32_t last_key_ = ~std::uint32_t{0};
        std::uint16_t last_ = 0;
    };

    std::size_t size() const { return is_packed() ? packed_.size() : cells_.size(); } // one more than the highest met
    // A mark that is not met() where nothing ever was.
    held_mark at(pupil_no pupil, const kinds& known) const
    {
        const auto [entry, kind] = is_packed() ? packed_at(pupil) : cell_at(pupil);
        if (entry == held_mark::nothing) return {};
        held_mark mark = known.mark(kind);
        if (pupil < digests_.size()) mark.digest = digests_[pupil];
        mark.entry = entry;
        return mark;
    }
    // `pupils`: how many there are to be, for room. It has_digests().
    void put(pupil_no pupil, const held_mark& mark, kinds& known, std::size_t pupils);
    // Until the next put(), unless that would save nothing.
    void pack();

    // Without them at() gives marks that are held the digest 0, which all have where there are none.
    bool has_digests() const { return !is_forgetful_; }
    void forget_digests();
    void take_digests(std::vector<std::uint32_t> by_pupil);
    // The entries of all marks met, with whose they are, in order.
    std::vector<std::pair<std::uint32_t, pupil_no>> entries() const;

private:
    struct cell {
        std::uint16_t distance = unmet; // of its entry from first_
        std::uint16_t kind = 0;
    };
    static constexpr std::uint16_t unmet = 0xffff;
    static constexpr std::uint16_t far = 0xfffe; // its entry is in far_entries_ or in entries_
    // Pupils from this one on, of whom each has the entry after that of the one before.
    struct run {
        pupil_no pupil;
        std::uint32_t entry;
    };
    struct entry_and_kind {
        std::uint32_t entry = held_mark::nothing;
        std::uint16_t kind = 0;
    };

    bool is_packed() const { return !packed_.empty(); }
    entry_and_kind cell_at(pupil_no pupil) const
    {
        if (pupil >= cells_.size() || cells_[pupil].distance == unmet) return {};
        const cell& from = cells_[pupil];
        return {from.distance == far ? entry_of_far(pupil) : first_ + from.distance, from.kind};
    }
    entry_and_kind packed_at(pupil_no pupil) const
    {
        if (pupil >= packed_.size()) return {};
        const std::uint8_t kind = packed_[pupil];
        if (kind == kinds_here_.size()) return {};
        std::size_t low = 0; // the last run that begins at the pupil or before
        for (std::size_t many = runs_.size(); many > 1;) {
            const std::size_t half = many / 2;
            if (runs_[low + half].pupil <= pupil) low += half;
            many -= half;
        }
        return {runs_[low].entry + (pupil - runs_[low].pupil), kinds_here_[kind]};
    }
    std::uint32_t entry_of_far(pupil_no pupil) const;
    void put_far(pupil_no pupil, std::uint32_t entry);
    void set_entry(pupil_no pupil, std::uint32_t entry);
    void unpack();

    std::vector<cell> cells_;            // none while packed
    std::vector<std::uint32_t> digests_; // by pupil, or none
    small_numbers packed_;               // by pupil: place in kinds_here_, and its end where none was met
    std::vector<std::uint16_t> kinds_here_;
    std::vector<run> runs_;                                       // by pupil
    bool is_forgetful_ = false;                                   // there are digests, not in memory
    bool is_as_packed_ = false;                                   // nothing was put since pack()
    std::uint32_t first_ = 0;                                     // the lowest entry that needs no more than a distance
    std::vector<std::pair<pupil_no, std::uint32_t>> far_entries_; // by pupil, while they are few
    std::vector<std::uint32_t> entries_;                          // by pupil, once they are many
};

// The current register of one source in memory: every session mark of the years in use, by day, half and pupil.
//
// Changed only by put(), after the change was committed. Cost once it rests: 8 bytes a pupil and school day for digests
// of the last year, and 2 to 8 for the marks; find() is a few array look-ups.
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
    held_mark find(session_id session, pupil_no pupil) const;
    // The same for who does not ask for the digest of a mark that is held: it may be 0. As in all that follows.
    held_mark find_but_digest(session_id session, pupil_no pupil) const;
    void put(session_id session, pupil_no pupil, const held_mark& mark);

    // Reads digests of entries from `first` to `last` where the ledger keeps them, and calls use(entry, digest).
    using digest_use = std::function<void(entry_index, std::uint32_t)>;
    using digest_reader = std::function<void(entry_index first, entry_index last, const digest_use& use)>;
    void read_digests_by(digest_reader read) { read_digests_ = std::move(read); }
    // Packs the marks, and lets go of the digests of days over 400 days before that of the newest: a source is rarely
    // asked for them again, and find() reads them where it is. Only where they can be read, and not while changes are
    // uncommitted.
    void rest();

    // Calls use(session_id, const held_mark&) for each mark ever met, gone ones too, of `pupil` within `days`, in order
    // of time.
    template <class F> void for_each_met(pupil_no pupil, const day_range& days, F&& use) const
    {
        for_each_half(days, [&](session_id session, const half_day_marks& marks) {
            if (const held_mark mark = marks.at(pupil, kinds_); mark.met()) use(session, mark);
        });
    }

    // The same for those that are held now.
    template <class F> void for_each(pupil_no pupil, const day_range& days, F&& use) const
    {
        for_each_met(pupil, days, [&](session_id session, const held_mark& mark) {
            if (mark.is_held()) use(session, mark);
        });
    }

    // Calls use(i, session_id, const held_mark&) for each mark of pupils[i] held now within `days`, the days in order
    // and of each the pupils. Marks of a day lie beside each other: sooner than pupil by pupil.
    template <class F> void for_each_of(std::span<const pupil_no> pupils, const day_range& days, F&& use) const
    {
        for_each_half(days, [&](session_id session, const half_day_marks& marks) {
            for (std::size_t n = 0; n < pupils.size(); ++n)
                if (const held_mark mark = marks.at(pupils[n], kinds_); mark.is_held()) use(n, session, mark);
        });
    }

    // Calls use(session_id, pupil_no, const held_mark&) for every mark held now within `days`.
    template <class F> void for_each_mark(const day_range& days, F&& use) const
    {
        for_each_half(days, [&](session_id session, const half_day_marks& marks) {
            for (pupil_no pupil = 0; pupil < marks.size(); ++pupil)
                if (const held_mark mark = marks.at(pupil, kinds_); mark.is_held()) use(session, pupil, mark);
        });
    }

    // The first and last day with any mark ever met; empty when there is none.
    std::optional<day_range> extent() const;
    std::uint64_t held() const { return held_; }       // marks held now
    std::uint64_t changes() const { return changes_; } // how often put() was called

    // The pupil's first session that is still N: no reason has come yet. Empty when there is none.
    std::optional<session_id> first_unexplained(pupil_no pupil) const;

    figures figures_of(pupil_no pupil, const day_range& days) const;

private:
    struct one_day {
        half_day_marks halves[2];
    };
    // Calls use(session_id, const half_day_marks&) for each half within `days` of a day that has marks, in order.
    template <class F> void for_each_half(const day_range& days, F&& use) const
    {
        for (std::size_t i = index_of(days.first, true); i < days_.size(); ++i) {
            const civil_day day = first_ + std::chrono::days(static_cast<int>(i));
            if (day > days.last) break;
            if (!days_[i]) continue;
            for (const half_day half : {half_day::am, half_day::pm})
                use(session_id{day, half}, days_[i]->halves[static_cast<int>(half)]);
        }
    }
    const half_day_marks* marks_of(session_id session) const;
    void fetch_digests(half_day_marks& marks) const;
    void note_fetched(half_day_marks& marks) const;
    // Index of `day`, or of the first stored day after it when `clamp`.
    std::size_t index_of(civil_day day, bool clamp) const;

    std::shared_ptr<code_book> codes_;
    half_day_marks::kinds kinds_;
    digest_reader read_digests_; // empty: all are in memory
    // Those whose digests find() read since rest(), the oldest first, and of these the ones that it let go of again. A
    // source that goes back to one of them does not list by day: then all are kept until rest().
    mutable std::deque<half_day_marks*> fetched_;
    mutable std::unordered_set<const half_day_marks*> let_go_;
    mutable bool goes_back_ = false;
    std::vector<entry_index> refs_;
    std::unordered_map<entry_index, pupil_no> numbers_;
    civil_day first_{};
    std::vector<std::unique_ptr<one_day>> days_; // one for each calendar day from first_, null without marks
    std::uint64_t held_ = 0;
    std::uint64_t changes_ = 0;
    std::set<std::pair<pupil_no, session_id>> unexplained_;
};

} // namespace rollbook
