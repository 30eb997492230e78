#pragma once

#include "tests/school/calendar.hpp"
#include "tests/school/codes.hpp"
#include "tests/school/plan.hpp"
#include "tests/school/roll.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook::school {

struct school_options {
    std::uint64_t seed = 1;
    int pupils = 1200;
    int school_days = 60;
    date today;
    bool is_tidy = false; // every reason is known within two school days, and nobody is in one system only
};

// One session mark as the MIS holds it now.
struct mark {
    std::uint16_t pupil;
    std::uint16_t ordinal; // school day, a position in the calendar
    std::uint8_t session;  // 0 AM, 1 PM
    std::uint8_t code;     // shown now
    std::uint8_t settled;  // what an N will turn into
    bool deleted;
    std::uint16_t settles_on; // first school day on which `settled` is shown
};
constexpr std::uint16_t never = 0xffff;

struct suspension {
    int number;
    int pupil;
    int first; // session number: ordinal * 2, + 1 for PM
    int sessions;
    int reason;
};

struct incident {
    int number;
    int ordinal;
    planned_incident plan;
};

struct concern {
    int number;
    int entered;  // ordinal
    int happened; // ordinal
    planned_concern plan;
};

struct figures {
    int possible = 0, present = 0, authorised = 0, unauthorised = 0, late = 0;
};

// An English secondary school, invented, with the figures of a real one. Everything in it follows from the options and
// from what was asked of it since; there is no other clock and no other chance.
class simulated_school {
public:
    explicit simulated_school(const school_options& options);

    const school_options& options() const { return options_; }
    const school_calendar& calendar() const { return calendar_; }
    const roll& people() const { return roll_; }
    const std::vector<mark>& marks() const { return marks_; }
    const std::vector<suspension>& suspensions() const { return suspensions_; }
    const std::vector<incident>& incidents() const { return incidents_; }
    const std::vector<concern>& concerns() const { return concerns_; }
    const std::vector<std::string>& deletions() const { return deletions_; }

    // Positions in marks() of those listed, in ascending id order.
    const std::vector<std::uint32_t>& listed() const { return listed_; }

    static std::string mark_id(std::uint32_t position);
    std::optional<std::uint32_t> find_mark(std::string_view id) const;
    std::optional<int> find_pupil(std::string_view id) const;
    std::optional<std::uint32_t> find_mark(int pupil, date day, int session) const;

    // The school's own time in seconds UTC: 15:30 on the last school day, and a second later with each change.
    long long now() const { return now_; }

    // Makes the marks and events of the next school day; marks whose reason became known change.
    void advance();
    void amend(std::uint32_t mark, std::uint8_t to);
    // N marks to change: those at least `older_than_days` school days old, spread over the school by the seed, or the
    // oldest of one pupil.
    std::vector<std::uint32_t> pick_unexplained(int count, int older_than_days, std::optional<int> pupil) const;
    void delete_mark(std::uint32_t mark);
    void delete_pupil(int pupil);
    void restore_mark(std::uint32_t mark);
    void restore_pupil(int pupil);
    // A record that the office changes by hand.
    pupil& change_pupil(int pupil);

    // What an honest reader must find for every pupil, from listed marks between two days.
    std::vector<figures> truth(date from, date to) const;

private:
    void show_day(int ordinal);
    const year_plan& plan_of(int which_year);
    void relist();
    void touch(int pupil);

    school_options options_;
    school_calendar calendar_;
    roll roll_;
    std::map<int, year_plan> plans_;
    std::vector<mark> marks_;
    std::vector<std::uint32_t> listed_;
    std::vector<std::uint32_t> pending_; // marks shown as N that will settle
    std::vector<suspension> suspensions_;
    std::vector<incident> incidents_;
    std::vector<concern> concerns_;
    std::vector<std::string> deletions_;
    long long now_ = 0;
};

} // namespace rollbook::school
