// The simulated school must have the figures of a real one, or what is tested against it proves little.
// Source of every rate: statutory.md section 8 (secondary schools, England).

#include "tests/school/school.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <set>

using namespace rollbook::school;
using namespace std::chrono;

namespace {

date on(const char* text)
{
    date d;
    REQUIRE(parse_date(text, d));
    return d;
}

const simulated_school& full_year()
{
    static const simulated_school made({1, 1200, 190, on("2026-07-31")});
    return made;
}

bool is_absence(const mark& m)
{
    const code_class c = code_list()[m.code].counts_as;
    return c == code_class::authorised || c == code_class::unauthorised;
}

// Percent of the listed marks that have this code.
double share(const simulated_school& school, std::string_view text)
{
    const auto& marks = school.marks();
    return 100.0 *
           double(std::count_if(marks.begin(), marks.end(), [&](const mark& m) { return m.code == code(text); })) /
           double(marks.size());
}

// The share of the whole that the largest `percent` of the values have.
double held_by_top(std::vector<int> values, int percent)
{
    std::sort(values.rbegin(), values.rend());
    const auto top = values.begin() + std::ptrdiff_t(values.size()) * percent / 100;
    return double(std::accumulate(values.begin(), top, 0)) / double(std::accumulate(values.begin(), values.end(), 0));
}

} // namespace

TEST_CASE("every pupil has a mark for each session of each school day and no other", "[school]")
{
    const auto [pupils, days] = GENERATE(table<int, int>({{1200, 60}, {30, 190}, {7, 1}, {40, 400}}));
    CAPTURE(pupils, days);
    const simulated_school school({3, pupils, days, on("2026-11-23")});
    REQUIRE(school.marks().size() == std::size_t(pupils) * std::size_t(days) * 2);
    std::set<std::tuple<int, int, int>> seen;
    for (const mark& m : school.marks())
        seen.emplace(m.pupil, m.ordinal, m.session);
    CHECK(seen.size() == school.marks().size());
}

TEST_CASE("a school year has 190 days, none of them at a weekend or on a closed day", "[school]")
{
    for (int begins = 2020; begins < 2040; ++begins) {
        CAPTURE(begins);
        const academic_year year = make_academic_year(begins);
        CHECK(year.school_days.size() == 190);
        CHECK(std::is_sorted(year.school_days.begin(), year.school_days.end()));
        for (const date d : year.school_days) {
            CHECK(weekday(d).iso_encoding() <= 5);
            CHECK(std::none_of(year.closed.begin(), year.closed.end(), [&](auto& c) { return c.day == d; }));
            const bool in_term = std::any_of(year.terms.begin(), year.terms.end(), [&](const term& t) {
                return std::any_of(t.half_terms.begin(), t.half_terms.end(), [&](auto& h) {
                    return h.first <= d && d <= h.second;
                });
            });
            CHECK(in_term);
        }
        // A calendar that closed days fall outside of would be refused by whoever reads it with care.
        CHECK(std::count_if(year.closed.begin(), year.closed.end(), [](auto& c) { return c.kind == "inset"; }) == 5);
        CHECK(year.school_days.back() < date(std::chrono::year(begins + 1) / July / 31));
    }
}

TEST_CASE("the year 2026/27 has the terms of the contract's example", "[school]")
{
    const academic_year year = make_academic_year(2026);
    CHECK(format_date(year.terms[0].half_terms[0].first) == "2026-09-03");
    CHECK(format_date(year.terms[0].half_terms[0].second) == "2026-10-23");
    CHECK(format_date(year.terms[0].half_terms[1].first) == "2026-11-02");
    CHECK(format_date(year.terms[0].half_terms[1].second) == "2026-12-18");
}

TEST_CASE("a day without school means the last school day before it", "[school]")
{
    const auto [today, last] = GENERATE(table<std::string, std::string>(
        {{"2026-11-23", "2026-11-23"},
         {"2026-11-22", "2026-11-20"},
         {"2026-11-27", "2026-11-26"},
         {"2026-08-20", "2026-07-22"}}
    ));
    const simulated_school school({1, 10, 5, on(today.c_str())});
    CHECK(format_date(school.calendar().day(school.calendar().last())) == last);
}

TEST_CASE("absence by code over a year is that of secondary schools", "[school]")
{
    struct expected {
        const char* code;
        double percent, tolerance;
    };
    // The tolerance is wide where few pupils make the figure.
    const auto e = GENERATE(values<expected>({
        {"L", 2.79, 0.15},  {"U", 0.30, 0.04},  {"I", 3.63, 0.35},   {"O", 2.61, 0.35},    {"M", 0.38, 0.06},
        {"N", 0.05, 0.03},  {"G", 0.31, 0.06},  {"C", 0.43, 0.08},   {"C2", 0.32, 0.15},   {"E", 0.289, 0.05},
        {"R", 0.058, 0.03}, {"S", 0.100, 0.02}, {"V", 0.73, 0.08},   {"B", 0.30, 0.15},    {"W", 0.31, 0.06},
        {"P", 0.142, 0.04}, {"K", 0.079, 0.06}, {"J1", 0.016, 0.01}, {"C1", 0.005, 0.005}, {"T", 0.003, 0.006},
    }));
    CAPTURE(e.code);
    CHECK(share(full_year(), e.code) == Approx(e.percent).margin(e.tolerance));
}

TEST_CASE("overall absence over a year is that of secondary schools, whatever the seed", "[school]")
{
    const auto seed = GENERATE(1u, 2u, 77u);
    const simulated_school school({seed, 1200, 190, on("2026-07-31")});
    const auto& marks = school.marks();
    CHECK(
        100.0 * double(std::count_if(marks.begin(), marks.end(), is_absence)) / double(marks.size()) ==
        Approx(8.49).margin(0.4)
    );
}

TEST_CASE("codes that need a reason of their own are never made up", "[school]")
{
    for (const char* text : {"D", "X", "Q", "Y1", "Y4", "Y7", "Z", "#", "-", "Q9"}) {
        CAPTURE(text);
        CHECK(share(full_year(), text) == 0);
    }
}

TEST_CASE("a fifth to a quarter of pupils are persistently and a few severely absent", "[school]")
{
    int persistent = 0, severe = 0;
    const auto truth = full_year().truth(on("2025-09-01"), on("2026-07-31"));
    for (const figures& f : truth) {
        const int absent = f.authorised + f.unauthorised;
        persistent += absent * 10 >= f.possible;
        severe += absent * 2 >= f.possible;
        CHECK(f.possible == f.present + absent);
    }
    CHECK(persistent >= 1200 * 20 / 100);
    CHECK(persistent <= 1200 * 28 / 100);
    CHECK(severe >= 1200 * 15 / 1000);
    CHECK(severe <= 1200 * 35 / 1000);
}

TEST_CASE("absence is higher on Fridays than from Monday to Thursday by about a fifth", "[school]")
{
    std::array<double, 8> absent{}, all{};
    for (const mark& m : full_year().marks()) {
        const unsigned w = weekday(full_year().calendar().day(m.ordinal)).iso_encoding();
        absent[w] += is_absence(m);
        all[w] += 1;
    }
    const double friday = absent[5] / all[5];
    const double others = (absent[1] + absent[2] + absent[3] + absent[4]) / (all[1] + all[2] + all[3] + all[4]);
    CHECK(friday / others > 1.1);
    CHECK(friday / others < 1.35);
    for (int w = 1; w < 5; ++w)
        CHECK(friday > absent[std::size_t(w)] / all[std::size_t(w)]);
}

TEST_CASE("about half of the lates belong to a tenth of the pupils, and three quarters are in the morning", "[school]")
{
    std::vector<int> lates(1200);
    double morning = 0, all = 0;
    for (const mark& m : full_year().marks()) {
        if (m.code != code("L") && m.code != code("U")) continue;
        ++lates[m.pupil];
        morning += m.session == 0;
        ++all;
    }
    CHECK(all / 1200 == Approx(11.7).margin(0.8));
    CHECK(held_by_top(lates, 10) > 0.40);
    CHECK(held_by_top(lates, 10) < 0.60);
    CHECK(morning / all == Approx(0.75).margin(0.04));
}

TEST_CASE("N is common on the day itself and rare when two weeks have passed", "[school]")
{
    // Looked at over many days, because one day's absence is a small sample.
    simulated_school school({5, 1200, 30, on("2026-03-03")});
    double same_day = 0, a_week = 0, two_weeks = 0;
    constexpr int looks = 15;
    for (int i = 0; i < looks; ++i) {
        school.advance();
        const int last = school.calendar().last();
        for (const mark& m : school.marks()) {
            if (m.code != code("N")) continue;
            same_day += m.ordinal == last;
            a_week += m.ordinal == last - 5;
            two_weeks += m.ordinal == last - 14;
        }
    }
    const double sessions = looks * 2400.0;
    CHECK(100 * same_day / sessions > 1.0);
    CHECK(100 * same_day / sessions < 4.0);
    CHECK(a_week < same_day / 3);
    CHECK(100 * two_weeks / sessions < 0.2);
    CHECK(two_weeks > 0);
}

TEST_CASE("most N turn into a reason, and some into an attendance", "[school]")
{
    simulated_school school({2, 1200, 10, on("2026-03-03")});
    std::vector<std::uint32_t> before;
    for (const std::uint32_t at : school.listed()) {
        if (school.marks()[at].code == code("N")) before.push_back(at);
    }
    for (int i = 0; i < 15; ++i)
        school.advance();
    std::map<std::string, int> became;
    for (const std::uint32_t at : before)
        ++became[std::string(code_list()[school.marks()[at].code].text)];
    CHECK(became["I"] + became["O"] > int(before.size()) / 2);
    CHECK(became["L"] + became["U"] + became["/"] + became["\\"] > 0);
    CHECK(became["N"] < int(before.size()) / 10);
}

TEST_CASE("illness comes in runs of days", "[school]")
{
    std::map<std::pair<int, int>, int> ill;
    for (const mark& m : full_year().marks()) {
        if (m.code == code("I")) ++ill[{m.pupil, m.ordinal}];
    }
    const auto followed = std::count_if(ill.begin(), ill.end(), [&](const auto& one) {
        return ill.contains({one.first.first, one.first.second + 1});
    });
    CHECK(double(followed) / double(ill.size()) > 0.35);
}

TEST_CASE("a pupil has E exactly in the first five days of a suspension", "[school]")
{
    const simulated_school& school = full_year();
    std::set<std::pair<int, int>> expected;
    for (const suspension& x : school.suspensions()) {
        for (int n = 0; n < std::min(x.sessions, 10); ++n)
            expected.emplace(x.pupil, x.first + n);
    }
    std::set<std::pair<int, int>> found;
    for (const mark& m : school.marks()) {
        if (m.code == code("E")) found.emplace(m.pupil, m.ordinal * 2 + m.session);
    }
    CHECK(found == expected);
    CHECK(double(school.suspensions().size()) == Approx(1200 * 0.226).margin(30));
}

TEST_CASE("every E in a period has its suspension, even one that began before the period", "[school]")
{
    for (int days = 1; days < 60; days += 3) {
        const simulated_school school({4, 1200, days, on("2026-06-15")});
        std::set<std::pair<int, int>> explained;
        for (const suspension& x : school.suspensions()) {
            for (int n = 0; n < x.sessions; ++n)
                explained.emplace(x.pupil, x.first + n);
        }
        for (const mark& m : school.marks()) {
            if (m.code == code("E")) CHECK(explained.contains({m.pupil, m.ordinal * 2 + m.session}));
        }
    }
}

TEST_CASE("behaviour incidents are as many and as concentrated as in real schools", "[school]")
{
    std::vector<int> of(1200);
    for (const incident& x : full_year().incidents())
        ++of[std::size_t(x.plan.pupil)];
    CHECK(double(full_year().incidents().size()) / 1200 == Approx(6.8).margin(0.7));
    CHECK(held_by_top(of, 8) == Approx(0.5).margin(0.1));
    CHECK(std::count(of.begin(), of.end(), 0) == Approx(1200 * 0.33).margin(120));
}

TEST_CASE("15 to 30 percent of pupils have a safeguarding concern in a year", "[school]")
{
    std::set<int> pupils;
    for (const concern& c : full_year().concerns()) {
        pupils.insert(c.plan.pupil);
        CHECK(c.happened <= c.entered);
    }
    CHECK(pupils.size() >= 180);
    CHECK(pupils.size() <= 360);
}

TEST_CASE("every UPN has its check letter and belongs to one pupil", "[school]")
{
    CHECK(upn_check_letter("207000016049") == 'P');
    CHECK(upn_check_letter("801200005001") == 'B');
    CHECK(upn_check_letter("80120000500A") != 0);
    const simulated_school school({9, 3000, 1, on("2026-11-23")});
    std::set<std::string> seen;
    const auto check = [&](const std::string& upn) {
        REQUIRE(upn.size() == 13);
        CHECK(upn[0] == upn_check_letter(std::string_view(upn).substr(1)));
        CHECK(seen.insert(upn).second);
    };
    for (const pupil& p : school.people().pupils)
        check(p.upn);
    for (const former_pupil& f : school.people().left)
        check(f.upn);
    for (const former_pupil& f : school.people().strangers)
        check(f.upn);
}

TEST_CASE("a pupil's date of birth belongs to the pupil's year", "[school]")
{
    const simulated_school school({1, 1200, 1, on("2026-11-23")});
    for (const pupil& p : school.people().pupils) {
        // The age on 31 August before the academic year begins, in whole years.
        const year_month_day born(p.born), before{2026y / August / 31};
        const int age = int(before.year()) - int(born.year()) - (born.month() > August ? 1 : 0);
        CHECK(age == p.year + 4);
    }
}

TEST_CASE("the same seed gives the same marks, and another seed others", "[school]")
{
    const school_options options{11, 300, 40, on("2026-05-20")};
    const auto codes = [](const simulated_school& s) {
        std::string out;
        for (const mark& m : s.marks())
            out += code_list()[m.code].text;
        return out;
    };
    const simulated_school a(options), b(options), c({12, 300, 40, on("2026-05-20")});
    CHECK(codes(a) == codes(b));
    CHECK(codes(a) != codes(c));
}

TEST_CASE("a school moved on by some days shows what one started then shows", "[school]")
{
    simulated_school moved({6, 400, 20, on("2026-03-10")});
    for (int i = 0; i < 4; ++i)
        moved.advance();
    const date last = moved.calendar().day(moved.calendar().last());
    simulated_school started({6, 400, 24, last});
    REQUIRE(moved.marks().size() == started.marks().size());
    const int shift = moved.calendar().first() - started.calendar().first();
    int different = 0;
    for (std::size_t i = 0; i < moved.marks().size(); ++i) {
        const mark &a = moved.marks()[i], &b = started.marks()[i];
        different += a.pupil != b.pupil || a.session != b.session || a.ordinal != b.ordinal + shift || a.code != b.code;
    }
    CHECK(different == 0);
}
