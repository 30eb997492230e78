// How long the rules of the pack take: everybody after a year, and one pupil after one changed mark.

#include "tests/bench/year_of_marks.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

using namespace rollbook;
using namespace rollbook::support;
using namespace rollbook::bench;

namespace {

constexpr int runs = 9;

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
    const year_of_marks school;
    const std::vector<rule> rules = whole_england_pack();
    const local_instant read_at = evening(ymd(2026, 7, 22));
    const judged_day judged = judge_at(school.calendar, read_at).value();
    std::int64_t met = 0;
    const auto judge = [&](pupil_no number, const rule_facts& facts) {
        met += stages_met(rules, facts, number, judged);
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
