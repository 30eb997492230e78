#pragma once

#include "tests/school/calendar.hpp"
#include "tests/school/roll.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace rollbook::school {

// How one session ends up, and for how many school days the register says N before anybody knows why.
struct planned_mark {
    std::uint8_t code;
    std::uint8_t unknown_for; // school days; never_known when the reason stays unknown
};
constexpr std::uint8_t never_known = 255;

struct planned_suspension {
    int pupil;
    int first_session; // day * 2 + 1 for PM
    int sessions;
    int reason;
};

struct planned_incident {
    int day;
    int minute; // of the school day
    int pupil;
    int second_pupil; // -1 for none
    int kind;
    int points;
    int resolved_after; // school days
};

struct planned_concern {
    int entered_day;
    int entered_minute; // after midnight
    int happened_day;   // not after entered_day: entries can be made late
    int happened_minute;
    int pupil;
    int second_pupil; // -1 for none
    int category;
    bool second_category;
    int closed_after; // school days
};

// What happens to every pupil in one academic year, whatever part of it is shown. Days are positions in the academic
// year's school days. The same seed and year give the same plan, so that a school started today and one that was
// started yesterday and moved on a day agree.
struct year_plan {
    int days;
    std::vector<planned_mark> marks;             // pupil by pupil, then session by session
    std::vector<planned_suspension> suspensions; // by first session
    std::vector<planned_incident> incidents;     // by day and minute
    std::vector<planned_concern> concerns;       // by the time they were entered

    const planned_mark& mark(int pupil, int day, int session) const
    {
        return marks[(static_cast<std::size_t>(pupil) * days + day) * 2 + session];
    }
};

year_plan make_plan(std::uint64_t seed, const roll& who, const academic_year& year);

} // namespace rollbook::school
