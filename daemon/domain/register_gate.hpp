#pragma once

#include "daemon/domain/register.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rollbook {

// Why something cannot be said of a session yet.
enum class held_back {
    nothing,          // it is known
    register_untaken, // the pupil's register of that session was not taken
    not_read_yet,     // it was taken, or not, after the last complete read
    read_incomplete,  // the newest read of the marks broke off
    source_refused,   // the source refuses the marks
};
std::string_view name_of(held_back reason);

// School days for which something may be held back. After that a register that nobody handed in counts as one that was
// never taken, and its sessions count nowhere; figures would otherwise wait for ever.
inline constexpr int held_back_days = 5;

// How the reading of one source's marks stands.
struct marks_read {
    std::optional<local_instant> through; // start of the newest read to the end, on the school's clock; empty: none yet
    held_back trouble = held_back::nothing; // of the newest try: read_incomplete or source_refused
};

// The completeness gate: what may be said of one pupil and session, learned from the marks themselves. A form's
// register counts as taken when more than half of its pupils have a mark recorded, so that one untaken register holds
// back its own pupils and nobody else.
//
// Counts of a session are made when first asked for and kept until changed() names it. Cost: one look at each pupil.
class register_gate {
public:
    // Both must outlive it.
    register_gate(const attendance_register& marks, const school_calendar& calendar);

    // The pupil is on roll in this form ("" where the source names none: then one with the others of no form). The year
    // says when the register closes; "" where it is not known.
    void put_pupil(pupil_no pupil, std::string_view form, std::string_view year = {});
    void drop_pupil(pupil_no pupil);
    // A mark of the session came, changed or went.
    void changed(session_id session) { counted_.erase(session); }
    void know_read(const marks_read& state) { read_ = state; }

    // Whether the register of the pupil's form was taken in that session. False for a pupil who is not on roll.
    bool is_taken(session_id session, pupil_no pupil) const;
    // Why nothing may be concluded from what is held, or is missing, of the session. A recorded mark is known whatever
    // became of the others.
    held_back reason(session_id session, pupil_no pupil) const;
    // Whether the pupil is on roll in some form. Of nobody else anything is held back.
    bool knows(pupil_no pupil) const { return pupil < form_of_.size() && form_of_[pupil] != no_form; }
    // Whether a figure of the pupil waits for this session: on roll, unrecorded for a reason, and not too long ago.
    bool holds_back(session_id session, pupil_no pupil) const;

    // The registers of a session that were not taken, with the number of pupils whom that holds back. Nothing when the
    // session is of no school day, or when no register at all was taken.
    struct untaken_form {
        std::string form;
        int pupils = 0;
    };
    std::vector<untaken_form> untaken(session_id session) const;
    // Whether any register was taken.
    bool any_taken(session_id session) const;

private:
    struct form_count {
        int pupils = 0;
        int recorded = 0;
        bool is_taken() const { return recorded * 2 > pupils; }
    };
    const std::vector<form_count>& count(session_id session) const;
    std::string_view year_of(pupil_no pupil) const;

    const attendance_register& marks_;
    const school_calendar& calendar_;
    marks_read read_;
    static constexpr std::uint32_t no_form = ~std::uint32_t{0};
    std::vector<std::uint32_t> form_of_; // by pupil_no
    std::vector<std::string> forms_;
    std::vector<const std::string*> year_of_; // by pupil_no, into years_; null: not known
    std::set<std::string, std::less<>> years_;
    std::map<std::string, std::uint32_t, std::less<>> form_numbers_;
    mutable std::map<session_id, std::vector<form_count>> counted_;
};

} // namespace rollbook
