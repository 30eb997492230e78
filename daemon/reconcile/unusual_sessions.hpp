#pragma once

#include "daemon/reconcile/finding_kinds.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <vector>

namespace rollbook {

// The sessions of each pupil of which a kind of finding may have something to say: those whose mark is not present in
// its own half of a school day, and school days without a mark while the pupil is on roll. They are one in ten, so that
// judging a pupil again need not look at a whole year. Kept from one judging to the next: what a read touched is looked
// at again, and a pupil whose record changed, wholly.
class unusual_sessions {
public:
    unusual_sessions(const school_calendar& calendar, const day_kinds& days, const finding_settings& settings)
        : calendar_(calendar), days_(days), settings_(settings)
    {
    }

    void forget();
    // Comes before anybody is asked for. Where anything but `read` changed `marks`, the register of `mis`, or it goes
    // further back than before, all is looked at anew, and true is given. `through`: the last day whose marks may be
    // missing; empty: none of any day is.
    bool follow(
        const attendance_register& marks,
        const source_reading& read,
        std::string_view mis,
        std::optional<civil_day> through
    );

    struct of_pupil {
        std::optional<civil_day> marked_from;  // day of the first mark that is held
        std::span<const session_id> sessions;  // in order; valid until the next pupil is asked for
        bool is_made_anew = false;             // nothing was kept, or the pupil's record or first mark is another
        std::optional<civil_day> touched_from; // else: the first day of which something was touched
    };
    // `facts` are those of the pupil's newest record. follow() came before.
    of_pupil of(const attendance_register& marks, pupil_no pupil, const pupil_record_facts& facts);

private:
    struct kept {
        entry_index facts = no_entry; // the record that this rests on
        bool is_made = false;
        std::optional<civil_day> marked_from;
        civil_day through{};               // days up to it were looked at for missing marks
        std::vector<std::uint8_t> at;      // sessions in order, as steps(): they are one in ten of six years
        std::vector<std::int32_t> touched; // to be looked at again
    };

    bool is_ordinary(
        const attendance_register& marks, const held_mark& mark, session_id session, const pupil_record_facts& facts
    ) const;
    day_range marked_days(const pupil_record_facts& facts, const kept& of) const;
    bool is_unusual(
        const attendance_register& marks,
        pupil_no pupil,
        session_id session,
        const pupil_record_facts& facts,
        const kept& of
    ) const;
    template <class F> void for_each_session(const day_range& days, F&& use) const;
    void make(const attendance_register& marks, pupil_no pupil, const pupil_record_facts& facts, kept& of) const;
    void look_again(const attendance_register& marks, pupil_no pupil, const pupil_record_facts& facts, kept& of) const;

    const school_calendar& calendar_;
    const day_kinds& days_;
    const finding_settings& settings_;
    std::uint64_t changes_ = 0; // of the register, that are known
    civil_day first_{};         // of the register
    civil_day through_ = civil_day::min();
    std::vector<kept> pupils_; // by number
    std::vector<session_id> given_;
};

} // namespace rollbook
