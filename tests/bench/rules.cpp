// How long the rules of the pack take: everybody after a year, and one pupil after one changed mark.

#include "daemon/rules/alert.hpp"
#include "tests/support/cases.hpp"
#include "tests/support/england_pack.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>

using namespace rollbook;
using namespace rollbook::support;

namespace {

constexpr int pupils = 1'200;
constexpr int runs = 9;

// Of a hundred sessions: absence and lateness about as in an English secondary school (statutory rates of 2025/26).
constexpr std::string_view codes = "IIIIOOOGNMCELLLU";

struct whole_school {
    school_calendar calendar = example_calendar();
    register_builder book;
    case_builder cases;

    whole_school()
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

template <class Work> double median_ms(Work&& work)
{
    std::vector<double> took;
    for (int run = 0; run < runs; ++run) {
        const auto began = std::chrono::steady_clock::now();
        work();
        took.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count());
    }
    std::ranges::nth_element(took, took.begin() + runs / 2);
    return took[runs / 2];
}

} // namespace

int main()
{
    whole_school school;
    std::vector<rule> rules = england_pack();
    for (rule& each : rules)
        each.enabled = true;
    const local_instant read_at = evening(ymd(2026, 7, 22));
    const judged_day judged = judge_at(school.calendar, read_at).value();
    std::int64_t met = 0;
    const auto judge = [&](pupil_no number, const rule_facts& facts) {
        judged_pupil who{number, number + 1, "9", ymd(2012, 1, 15)};
        who.is_watched = true;
        const pupil_history history(facts, who, judged);
        for (const rule& by : rules)
            met += evaluate(by, history).stage >= 0 ? 1 : 0;
    };
    const double everybody = median_ms([&] {
        const school_rates rates(school.book.held, school.calendar, judged);
        const rule_facts facts{school.book.held, school.calendar, &school.cases.held, &rates, std::nullopt};
        for (pupil_no number = 0; number < pupils; ++number)
            judge(number, facts);
    });
    const std::int64_t verdicts = met / runs;
    const school_rates rates(school.book.held, school.calendar, judged);
    (void)rates.over(school.calendar.term_to(judged.as_of).value());
    const rule_facts facts{school.book.held, school.calendar, &school.cases.held, &rates, std::nullopt};
    const double one = median_ms([&] { judge(600, facts); });
    std::printf(
        "%zu rules, %d pupils, %llu marks, %lld stages met\n",
        rules.size(),
        pupils,
        static_cast<unsigned long long>(school.book.held.held()),
        static_cast<long long>(verdicts)
    );
    std::printf("everybody            %8.1f ms   (at most 100)\n", everybody);
    std::printf("one pupil, one mark  %8.1f us   (at most 200)\n", one * 1000);
    return everybody <= 100 && one * 1000 <= 200 ? 0 : 1;
}
