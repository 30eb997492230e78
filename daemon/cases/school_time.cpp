#include "daemon/cases/school_time.hpp"

#include <algorithm>

namespace rollbook {

std::chrono::milliseconds
school_time_between(const school_calendar& calendar, school_hours hours, local_instant from, local_instant to)
{
    std::chrono::milliseconds sum{0};
    const auto& days = calendar.school_days();
    for (auto day = std::ranges::lower_bound(days, day_of(from)); day != days.end() && *day <= day_of(to); ++day) {
        const local_instant opens = std::max<local_instant>(local_instant(*day) + hours.from, from);
        const local_instant closes = std::min<local_instant>(local_instant(*day) + hours.to, to);
        if (opens < closes) sum += closes - opens;
    }
    return sum;
}

local_instant next_school_moment(const school_calendar& calendar, school_hours hours, local_instant at)
{
    const auto& days = calendar.school_days();
    for (auto day = std::ranges::lower_bound(days, day_of(at)); day != days.end(); ++day) {
        if (at < local_instant(*day) + hours.from) return local_instant(*day) + hours.from;
        if (at < local_instant(*day) + hours.to) return at;
    }
    return at;
}

local_instant next_school_day_at(const school_calendar& calendar, std::chrono::minutes time, local_instant at)
{
    const auto& days = calendar.school_days();
    for (auto day = std::ranges::lower_bound(days, day_of(at)); day != days.end(); ++day)
        if (at < local_instant(*day) + time) return local_instant(*day) + time;
    return at;
}

} // namespace rollbook
