#include "tests/support/planted_ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>

// What judging findings costs: everybody over one year, and one changed mark with six years held. "--check" fails when
// it is more than a second and a millisecond.

namespace {

using namespace rollbook;
using namespace rollbook::support;
using clock_type = std::chrono::steady_clock;

template <class F> double seconds_of(F&& work)
{
    const auto begun = clock_type::now();
    work();
    return std::chrono::duration<double>(clock_type::now() - begun).count();
}

double everybody_over_a_year()
{
    const planted_school school(1, 1'200);
    planted_ledger book(school);
    finding_judge judge(book.what_is_wanted(), school.calendar, "mis");
    return seconds_of([&] { book.judge(judge, book.begin()); });
}

double one_change_after_six_years()
{
    const planted_school school(1, 1'200, planted_school::years_before(6));
    planted_ledger book(school);
    finding_judge judge(book.what_is_wanted(), school.calendar, "mis");
    book.judge(judge, book.begin());
    std::vector<double> each;
    for (int pupil = 0; pupil < 400; ++pupil)
        each.push_back(seconds_of([&] { book.change_one(judge, pupil, pupil % 2 ? "Q9" : "I"); }));
    std::ranges::sort(each);
    fmt::print(
        "one changed mark, six years held: median {:.3f} ms, slowest {:.3f} ms\n", each[200] * 1e3, each.back() * 1e3
    );
    return each[200];
}

} // namespace

int main(int argc, char** argv)
{
    const double year_s = everybody_over_a_year();
    fmt::print("everybody, one year of 1,200 pupils: {:.3f} s\n", year_s);
    const double change_s = one_change_after_six_years();
    const bool checks = argc > 1 && std::strcmp(argv[1], "--check") == 0;
    return checks && (year_s > 1 || change_s > 1e-3) ? 1 : 0;
}
