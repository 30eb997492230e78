#pragma once

#include "daemon/domain/calendar.hpp"
#include "daemon/domain/register.hpp"

#include <string_view>

// Builders of a school's calendar and register for tests. Pupils and dates are invented.
namespace rollbook::support {

constexpr civil_day ymd(int year, unsigned month, unsigned day)
{
    return civil_day(std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day));
}

constexpr local_instant at_time(civil_day day, int hour, int minute = 0)
{
    return day + std::chrono::hours(hour) + std::chrono::minutes(minute);
}

// After every register of `day` has closed and settled.
constexpr local_instant evening(civil_day day)
{
    return at_time(day, 18);
}

// From June 2024 to July 2027 (the 2024/25 and 2025/26 years in part), with one INSET day, 27 November 2026. AM closes
// at 09:15 and PM at 13:30; both settle for 30 minutes.
inline school_calendar example_calendar(std::vector<closed_day> more_closed = {})
{
    using namespace std::chrono_literals;
    std::vector<term> terms = {
        {"Summer 2024", {{ymd(2024, 6, 3), ymd(2024, 7, 23)}}},
        {"Autumn 2024", {{ymd(2024, 8, 19), ymd(2024, 10, 25)}, {ymd(2024, 11, 4), ymd(2024, 12, 20)}}},
        {"Autumn 2025", {{ymd(2025, 9, 3), ymd(2025, 10, 24)}, {ymd(2025, 11, 3), ymd(2025, 12, 19)}}},
        {"Spring 2026", {{ymd(2026, 1, 5), ymd(2026, 2, 13)}, {ymd(2026, 2, 23), ymd(2026, 3, 27)}}},
        {"Summer 2026", {{ymd(2026, 4, 13), ymd(2026, 5, 22)}, {ymd(2026, 6, 1), ymd(2026, 7, 22)}}},
        {"Autumn 2026", {{ymd(2026, 9, 3), ymd(2026, 10, 23)}, {ymd(2026, 11, 2), ymd(2026, 12, 18)}}},
        {"Spring 2027", {{ymd(2027, 1, 4), ymd(2027, 2, 12)}, {ymd(2027, 2, 22), ymd(2027, 3, 25)}}},
        {"Summer 2027", {{ymd(2027, 4, 12), ymd(2027, 5, 28)}, {ymd(2027, 6, 7), ymd(2027, 7, 21)}}},
    };
    std::vector<closed_day> closed = std::move(more_closed);
    closed.push_back({ymd(2026, 11, 27), closed_kind::inset});
    std::vector<session_time> times = {
        {half_day::am, 8h + 45min, 9h + 15min, 30min, ymd(2020, 1, 1)},
        {half_day::pm, 13h, 13h + 30min, 30min, ymd(2020, 1, 1)},
    };
    return {std::move(terms), std::move(closed), std::move(times)};
}

inline session_id am(civil_day day)
{
    return {day, half_day::am};
}

inline session_id pm(civil_day day)
{
    return {day, half_day::pm};
}

// A register filled by hand. Entries are numbered from 1,000 in the order of writing, as a ledger would.
class register_builder {
public:
    register_builder() : held(std::make_shared<code_book>()) {}

    // Writes one mark and returns its entry. The school's own codes are the statutory ones.
    entry_index mark(session_id session, std::string_view code, entry_index pupil = 1)
    {
        held_mark made;
        made.entry = next_entry++;
        made.code = held.codes().intern(code, code);
        held.put(session, held.number_of(pupil), made);
        return made.entry;
    }

    // The source no longer has it.
    void remove(session_id session, entry_index pupil = 1)
    {
        held_mark made = held.find(session, held.number_of(pupil));
        made.entry = next_entry++;
        made.gone = true;
        held.put(session, held.number_of(pupil), made);
    }

    // One code a session, AM then PM, over the school days from `first` on. A space leaves the session without a mark.
    void marks(const school_calendar& calendar, civil_day first, std::string_view codes, entry_index pupil = 1)
    {
        fill(calendar, first, codes, pupil, 2);
    }

    // One code a school day, in the morning.
    void mornings(const school_calendar& calendar, civil_day first, std::string_view codes, entry_index pupil = 1)
    {
        fill(calendar, first, codes, pupil, 1);
    }

    pupil_no number(entry_index pupil = 1) { return held.number_of(pupil); }

    attendance_register held;
    std::uint32_t next_entry = 1'000;

private:
    void fill(const school_calendar& calendar, civil_day first, std::string_view codes, entry_index pupil, int a_day)
    {
        int ordinal = calendar.ordinal_at_or_before(first - std::chrono::days(1)) + 1;
        for (std::size_t i = 0; i < codes.size(); ++i) {
            const std::size_t per_day = static_cast<std::size_t>(a_day);
            const civil_day day = calendar.school_days().at(static_cast<std::size_t>(ordinal) + i / per_day);
            const half_day half = i % per_day == 0 ? half_day::am : half_day::pm;
            if (codes[i] != ' ') mark({day, half}, codes.substr(i, 1), pupil);
        }
    }
};

} // namespace rollbook::support
