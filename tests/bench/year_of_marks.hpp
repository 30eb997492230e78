#pragma once

#include "daemon/rules/alert.hpp"
#include "tests/support/cases.hpp"
#include "tests/support/england_pack.hpp"

#include <random>
#include <string_view>
#include <vector>

// A year of an invented school in memory, and the whole pack over it. No ledger, no source.
namespace rollbook::bench {

using namespace rollbook::support;

inline constexpr int pupils = 1'200;
// Of a hundred sessions: absence and lateness about as in an English secondary school (statutory rates of 2025/26).
inline constexpr std::string_view codes = "IIIIOOOGNMCELLLU";

struct year_of_marks {
    school_calendar calendar = example_calendar();
    register_builder book;
    case_builder cases;

    year_of_marks()
    {
        std::mt19937 dice(1);
        for (entry_index pupil = 1; pupil <= pupils; ++pupil)
            (void)book.held.number_of(pupil);
        for (const civil_day day : calendar.school_days()) {
            if (!calendar.academic_year_to(ymd(2026, 7, 22)).contains(day)) continue;
            for (entry_index pupil = 1; pupil <= pupils; ++pupil)
                for (const half_day half : {half_day::am, half_day::pm}) {
                    const auto roll = dice() % 120;
                    const std::string_view code = roll < codes.size() ? codes.substr(roll, 1) : std::string_view("/");
                    book.mark({day, half}, code, pupil);
                }
            for (int each = 0; each < 43; ++each) // 6.8 incidents a pupil and year
                cases.incident(day, "Aggressor", 1, 1 + dice() % pupils);
            if (dice() % 2) cases.suspension(am(day), pm(day), 2, "Suspension", 1 + dice() % pupils);
        }
    }
};

// Those that the pack ships switched off, too.
inline std::vector<rule> whole_england_pack()
{
    std::vector<rule> rules = england_pack();
    for (rule& each : rules)
        each.enabled = true;
    return rules;
}

inline std::int64_t
stages_met(const std::vector<rule>& rules, const rule_facts& facts, pupil_no number, const judged_day& judged)
{
    judged_pupil who{number, number + 1, "9", ymd(2012, 1, 15)};
    who.is_watched = true;
    const pupil_history history(facts, who, judged);
    std::int64_t met = 0;
    for (const rule& by : rules)
        met += evaluate(by, history).stage >= 0 ? 1 : 0;
    return met;
}

} // namespace rollbook::bench
