#include "daemon/domain/calendar.hpp"

#include "tests/unit/domain/days.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <set>

using namespace rollbook;
using namespace std::chrono_literals;
using std::chrono::days;

namespace {

// A school year and the autumn after it. Summer ends with a week of one day.
school_calendar two_years()
{
    return school_calendar(
        {
            {"Autumn 2025", {{on(2025, 9, 3), on(2025, 10, 24)}, {on(2025, 11, 3), on(2025, 12, 19)}}},
            {"Spring 2026", {{on(2026, 1, 5), on(2026, 2, 13)}, {on(2026, 2, 23), on(2026, 4, 1)}}},
            {"Summer 2026", {{on(2026, 4, 13), on(2026, 5, 22)}, {on(2026, 6, 1), on(2026, 7, 20)}}},
            {"Autumn 2026", {{on(2026, 9, 3), on(2026, 10, 23)}, {on(2026, 11, 2), on(2026, 12, 18)}}},
        },
        {
            {on(2026, 5, 4), closed_kind::holiday},
            {on(2026, 11, 27), closed_kind::inset},
            {on(2026, 1, 13), closed_kind::closure},
        },
        {
            {half_day::am, 8h + 45min, 9h + 15min, 15min, on(2025, 9, 1)},
            {half_day::pm, 13h, 13h + 20min, 10min, on(2025, 9, 1)},
            {half_day::am, 8h + 40min, 9h, 20min, on(2026, 9, 1)},
        }
    );
}

} // namespace

TEST_CASE("a school day is a weekday of a half term that is not closed", "[domain]")
{
    const school_calendar calendar = two_years();
    const auto [why, day, open] = GENERATE(table<std::string, civil_day, bool>({
        {"first day of term", on(2026, 9, 3), true},
        {"day before term", on(2026, 9, 2), false},
        {"last day before half term", on(2026, 10, 23), true},
        {"Monday of half term", on(2026, 10, 26), false},
        {"first day back", on(2026, 11, 2), true},
        {"Saturday", on(2026, 11, 7), false},
        {"Sunday", on(2026, 11, 8), false},
        {"INSET", on(2026, 11, 27), false},
        {"bank holiday", on(2026, 5, 4), false},
        {"snow", on(2026, 1, 13), false},
        {"day after snow", on(2026, 1, 14), true},
        {"Sunday the clocks go forward", on(2026, 3, 29), false},
        {"Monday after it", on(2026, 3, 30), true},
        {"Sunday the clocks go back", on(2026, 10, 25), false},
        {"summer", on(2026, 8, 5), false},
        {"beyond the calendar", on(2027, 1, 11), false},
    }));
    CAPTURE(why, day);
    CHECK(calendar.is_school_day(day) == open);
}

TEST_CASE("five school days after the Thursday before half term end on the Thursday after it", "[domain][statutory]")
{
    const school_calendar calendar = two_years();
    const civil_day thursday = on(2026, 10, 22);
    CHECK(calendar.school_day_after(thursday, 1) == on(2026, 10, 23));
    CHECK(calendar.school_day_after(thursday, 2) == on(2026, 11, 2));
    CHECK(calendar.school_day_after(thursday, 5) == on(2026, 11, 5));
    CHECK(calendar.school_days_between(thursday, on(2026, 11, 1)) == 1);
    CHECK(calendar.school_days_between(thursday, on(2026, 11, 5)) == 5);
    CHECK(calendar.school_days_between(thursday, on(2026, 11, 6)) == 6);
}

TEST_CASE("an INSET day is none of the five school days", "[domain][statutory]")
{
    const school_calendar calendar = two_years();
    CHECK(calendar.school_day_after(on(2026, 11, 26), 1) == on(2026, 11, 30));
    CHECK(calendar.school_day_after(on(2026, 11, 26), 5) == on(2026, 12, 4));
    CHECK(calendar.school_days_between(on(2026, 11, 26), on(2026, 11, 27)) == 0);
}

TEST_CASE("a bank holiday is no school day between a Friday and a Tuesday", "[domain]")
{
    const school_calendar calendar = two_years();
    CHECK(calendar.school_days_between(on(2026, 5, 1), on(2026, 5, 4)) == 0);
    CHECK(calendar.school_days_between(on(2026, 5, 1), on(2026, 5, 5)) == 1);
    CHECK(calendar.school_day_back(on(2026, 5, 5), 1) == on(2026, 5, 1));
}

TEST_CASE("the weekend the clocks change is a weekend like another", "[domain]")
{
    const auto [friday, monday] = GENERATE(table<civil_day, civil_day>({
        {on(2026, 3, 27), on(2026, 3, 30)},
        {on(2026, 10, 23), on(2026, 10, 26)},
    }));
    const school_calendar calendar({{"whole year", {{on(2026, 1, 1), on(2026, 12, 31)}}}}, {}, {});
    CHECK(calendar.school_days_between(friday, monday) == 1);
    CHECK(calendar.school_day_after(friday, 1) == monday);
    CHECK(calendar.school_day_back(monday, 1) == friday);
    CHECK(calendar.last_school_weeks(monday, 1) == from_to(monday, monday));
    CHECK(calendar.counts_from({monday, half_day::am}) - calendar.counts_from({friday, half_day::am}) == 72h);
}

TEST_CASE("counting back stops at the calendar's first school day and counting on ends with its last", "[domain]")
{
    const school_calendar calendar = two_years();
    CHECK(calendar.school_day_back(on(2025, 9, 5), 2) == on(2025, 9, 3));
    CHECK(calendar.school_day_back(on(2025, 9, 5), 3) == on(2025, 9, 3));
    CHECK(calendar.school_day_back(on(2025, 9, 5), 1'000'000'000) == on(2025, 9, 3));
    CHECK(calendar.school_day_back(on(2026, 8, 20), 0) == on(2026, 7, 20));
    CHECK(calendar.school_day_back(on(2025, 9, 2), 0) == std::nullopt);
    CHECK(calendar.school_day_after(on(2025, 9, 2), 1) == on(2025, 9, 3));
    CHECK(calendar.school_day_after(on(2026, 12, 17), 1) == on(2026, 12, 18));
    CHECK(calendar.school_day_after(on(2026, 12, 17), 2) == std::nullopt);
    CHECK(calendar.school_day_after(on(2026, 12, 17), 2'000'000'000) == std::nullopt);
    CHECK(calendar.ordinal_at_or_before(on(2025, 9, 2)) == -1);
    CHECK(calendar.ordinal_at_or_before(on(2025, 9, 3)) == 0);
    CHECK(calendar.ordinal_at_or_before(on(2025, 9, 7)) == 2);
    CHECK(calendar.school_days_between(on(2026, 11, 5), on(2026, 10, 22)) == 0);
}

TEST_CASE("a window of school days begins on a school day and ends where it was asked to", "[domain]")
{
    const school_calendar calendar = two_years();
    CHECK(calendar.last_school_days(on(2026, 11, 6), 5) == from_to(on(2026, 11, 2), on(2026, 11, 6)));
    CHECK(calendar.last_school_days(on(2026, 11, 6), 6) == from_to(on(2026, 10, 23), on(2026, 11, 6)));
    CHECK(calendar.last_school_days(on(2026, 11, 8), 1) == from_to(on(2026, 11, 6), on(2026, 11, 8)));
    CHECK(calendar.last_school_days(on(2025, 9, 4), 10) == from_to(on(2025, 9, 3), on(2025, 9, 4)));
    CHECK(calendar.last_school_days(on(2025, 9, 2), 10) == std::nullopt);
    CHECK(calendar.last_school_days(on(2026, 11, 6), 0) == std::nullopt);
}

TEST_CASE("ten school weeks reach across the summer and count a week of one day as one", "[domain][statutory]")
{
    const school_calendar calendar = two_years();
    // Autumn: the weeks of 14 and 7 September and 31 August. Summer: 20 July, that Monday alone, and six before it.
    CHECK(calendar.last_school_weeks(on(2026, 9, 18), 10) == from_to(on(2026, 6, 8), on(2026, 9, 18)));
    CHECK(calendar.last_school_weeks(on(2026, 9, 18), 4) == from_to(on(2026, 7, 20), on(2026, 9, 18)));
    CHECK(calendar.last_school_weeks(on(2026, 9, 18), 3) == from_to(on(2026, 8, 31), on(2026, 9, 18)));
}

TEST_CASE("weeks of holiday are no school weeks", "[domain][statutory]")
{
    const school_calendar calendar = two_years();
    CHECK(calendar.last_school_weeks(on(2026, 11, 3), 2) == from_to(on(2026, 10, 19), on(2026, 11, 3)));
    CHECK(calendar.last_school_weeks(on(2026, 10, 28), 1) == from_to(on(2026, 10, 19), on(2026, 10, 28)));
    CHECK(calendar.last_school_weeks(on(2026, 11, 1), 1) == from_to(on(2026, 10, 19), on(2026, 11, 1)));
    CHECK(calendar.last_school_weeks(on(2026, 1, 9), 2) == from_to(on(2025, 12, 15), on(2026, 1, 9)));
}

TEST_CASE("a school week begins on its Monday, open or not, and counts once a school day has come", "[domain]")
{
    const school_calendar calendar = two_years();
    CHECK(calendar.last_school_weeks(on(2026, 5, 5), 1) == from_to(on(2026, 5, 4), on(2026, 5, 5)));
    CHECK(calendar.last_school_weeks(on(2026, 5, 4), 1) == from_to(on(2026, 4, 27), on(2026, 5, 4)));
    CHECK(calendar.last_school_weeks(on(2025, 9, 4), 10) == from_to(on(2025, 9, 1), on(2025, 9, 4)));
    CHECK(calendar.last_school_weeks(on(2025, 9, 2), 10) == std::nullopt);
    CHECK(calendar.last_school_weeks(on(2026, 5, 5), 0) == std::nullopt);
}

TEST_CASE("the half term and the term of a day end there, and those before a holiday at their own end", "[domain]")
{
    const school_calendar calendar = two_years();
    const auto [why, last, half_term, term] =
        GENERATE(table<std::string, civil_day, std::optional<day_range>, std::optional<day_range>>({
            {"second half term",
             on(2026, 11, 10),
             from_to(on(2026, 11, 2), on(2026, 11, 10)),
             from_to(on(2026, 9, 3), on(2026, 11, 10))},
            {"half-term break",
             on(2026, 10, 28),
             from_to(on(2026, 9, 3), on(2026, 10, 23)),
             from_to(on(2026, 9, 3), on(2026, 10, 28))},
            {"summer holiday",
             on(2026, 8, 10),
             from_to(on(2026, 6, 1), on(2026, 7, 20)),
             from_to(on(2026, 4, 13), on(2026, 7, 20))},
            {"first day",
             on(2025, 9, 3),
             from_to(on(2025, 9, 3), on(2025, 9, 3)),
             from_to(on(2025, 9, 3), on(2025, 9, 3))},
            {"beyond the calendar",
             on(2027, 3, 1),
             from_to(on(2026, 11, 2), on(2026, 12, 18)),
             from_to(on(2026, 9, 3), on(2026, 12, 18))},
            {"before the calendar", on(2025, 9, 2), std::nullopt, std::nullopt},
        }));
    CAPTURE(why);
    CHECK(calendar.half_term_to(last) == half_term);
    CHECK(calendar.term_to(last) == term);
}

TEST_CASE("the academic year begins on 1 August", "[domain][statutory]")
{
    CHECK(school_calendar::academic_year_start(on(2026, 7, 31)) == on(2025, 8, 1));
    CHECK(school_calendar::academic_year_start(on(2026, 8, 1)) == on(2026, 8, 1));
    CHECK(school_calendar::academic_year_start(on(2027, 1, 1)) == on(2026, 8, 1));
    CHECK(school_calendar().academic_year_to(on(2026, 11, 23)) == day_range{on(2026, 8, 1), on(2026, 11, 23)});
}

TEST_CASE("the times of a session are those of the newest row that has begun", "[domain]")
{
    const school_calendar calendar = two_years();
    CHECK(calendar.times_of({on(2026, 8, 31), half_day::am})->closes == 9h + 15min);
    CHECK(calendar.times_of({on(2026, 9, 1), half_day::am})->closes == 9h);
    CHECK(calendar.times_of({on(2026, 9, 1), half_day::pm})->closes == 13h + 20min);
    CHECK_FALSE(calendar.times_of({on(2025, 8, 31), half_day::am}));
    CHECK_FALSE(calendar.times_of({on(2025, 8, 31), half_day::pm}));
}

TEST_CASE("of two times for the same half and first day the last given holds", "[domain]")
{
    const school_calendar calendar(
        {}, {}, {{half_day::am, 8h, 9h, 0min, on(2026, 9, 1)}, {half_day::am, 8h, 10h, 0min, on(2026, 9, 1)}}
    );
    REQUIRE(calendar.sessions().size() == 1);
    CHECK(calendar.times_of({on(2026, 9, 1), half_day::am})->closes == 10h);
}

namespace {

weekday_set fridays()
{
    return weekday_set().set(4);
}

// AM at 9:00 for all; 9:10 on Fridays; year 7 at 8:50, and at 8:40 on Fridays from October on.
school_calendar staggered()
{
    return school_calendar(
        {},
        {},
        {{half_day::am, 8h, 9h, 5min, on(2026, 9, 1)},
         {half_day::am, 8h, 9h + 10min, 5min, on(2026, 9, 1), {}, fridays()},
         {half_day::am, 8h, 8h + 50min, 5min, on(2026, 9, 1), {"7"}, {}},
         {half_day::am, 8h, 8h + 40min, 5min, on(2026, 10, 1), {"7"}, fridays()},
         {half_day::am, 8h, 9h + 5min, 5min, on(2027, 1, 1)}}
    );
}

} // namespace

TEST_CASE("times of a year go before those of a weekday, and those before everybody's", "[domain]")
{
    const auto [why, day, year, closes] = GENERATE(table<std::string, civil_day, std::string, std::chrono::minutes>({
        {"everybody's", on(2026, 9, 3), "8", 9h},
        {"everybody's on a Friday", on(2026, 9, 4), "8", 9h + 10min},
        {"the year's", on(2026, 9, 3), "7", 8h + 50min},
        {"the year's, however it is written", on(2026, 9, 3), "Year 07", 8h + 50min},
        {"the year's on a Friday before it has its own", on(2026, 9, 4), "7", 8h + 50min},
        {"the year's own Friday", on(2026, 10, 2), "7", 8h + 40min},
        {"a later row for everybody replaces everybody's", on(2027, 1, 6), "8", 9h + 5min},
        {"and neither the Fridays'", on(2027, 1, 8), "8", 9h + 10min},
        {"nor the year's", on(2027, 1, 6), "7", 8h + 50min},
        {"of no year in particular, the last to close", on(2026, 9, 3), "", 9h},
    }));
    CAPTURE(why);
    const school_calendar calendar = staggered();
    REQUIRE(calendar.times_of({day, half_day::am}, year));
    CHECK(calendar.times_of({day, half_day::am}, year)->closes == closes);
    CHECK(calendar.counts_from({day, half_day::am}, year) == day + closes + 5min);
}

TEST_CASE("a session counts at several moments where years have their own times", "[domain]")
{
    const civil_day friday = on(2026, 10, 2);
    CHECK(
        staggered().counting_moments({friday, half_day::am}) ==
        std::vector<local_instant>{friday + 8h + 45min, friday + 9h + 15min}
    );
    CHECK(staggered().all_times_of({friday, half_day::am}).size() == 2);
    CHECK(staggered().counting_moments({friday, half_day::pm}) == std::vector<local_instant>{friday + 16h});
    const school_calendar only_sevens({}, {}, {{half_day::am, 8h, 9h, 0min, on(2026, 9, 1), {"7"}, {}}});
    CHECK(
        only_sevens.counting_moments({friday, half_day::am}) == std::vector<local_instant>{friday + 9h, friday + 12h}
    );
    CHECK_FALSE(only_sevens.times_of({friday, half_day::am}, "8"));
}

TEST_CASE("times of years and weekdays come back from the ledger as they were", "[domain]")
{
    const school_calendar calendar = staggered();
    const auto back = school_calendar::from_json(calendar.to_json());
    REQUIRE(back);
    CHECK(back->sessions() == calendar.sessions());
    CHECK(back->to_json() == calendar.to_json());
    CHECK(two_years().to_json().find("weekdays") == std::string::npos);
    std::string odd = calendar.to_json();
    odd.replace(odd.find("friday"), 6, "sunday");
    CHECK_FALSE(school_calendar::from_json(odd));
}

TEST_CASE("a session counts once its register has closed and settled", "[domain]")
{
    const school_calendar calendar = two_years();
    CHECK(calendar.counts_from({on(2026, 3, 30), half_day::am}) == on(2026, 3, 30) + 9h + 30min);
    CHECK(calendar.counts_from({on(2026, 3, 30), half_day::pm}) == on(2026, 3, 30) + 13h + 30min);
    CHECK(calendar.counts_from({on(2026, 9, 3), half_day::am}) == on(2026, 9, 3) + 9h + 20min);
    CHECK(school_calendar().counts_from({on(2026, 9, 3), half_day::am}) == on(2026, 9, 3) + 12h);
    CHECK(school_calendar().counts_from({on(2026, 9, 3), half_day::pm}) == on(2026, 9, 3) + 16h);
}

TEST_CASE("an empty calendar has no school day and no window", "[domain]")
{
    const school_calendar calendar = GENERATE(
        school_calendar(),
        school_calendar({{"no half term", {}}}, {}, {}),
        school_calendar({{"backwards", {{on(2026, 9, 30), on(2026, 9, 1)}}}}, {}, {}),
        school_calendar({{"a weekend", {{on(2026, 9, 5), on(2026, 9, 6)}}}}, {}, {})
    );
    const civil_day day = on(2026, 11, 23);
    CHECK(calendar.empty());
    CHECK_FALSE(calendar.is_school_day(day));
    CHECK(calendar.ordinal_at_or_before(day) == -1);
    CHECK(calendar.school_days_between(on(2026, 9, 1), day) == 0);
    CHECK(calendar.school_day_back(day, 3) == std::nullopt);
    CHECK(calendar.school_day_after(day, 0) == std::nullopt);
    CHECK(calendar.school_day_after(day, 1) == std::nullopt);
    CHECK(calendar.last_school_days(day, 10) == std::nullopt);
    CHECK(calendar.last_school_weeks(day, 10) == std::nullopt);
    CHECK(calendar.half_term_to(day) == std::nullopt);
    CHECK(calendar.term_to(day) == std::nullopt);
}

TEST_CASE("a day of two half terms is one school day", "[domain]")
{
    const day_range week{on(2026, 9, 7), on(2026, 9, 11)};
    const school_calendar calendar({{"a", {week, week}}, {"b", {{on(2026, 9, 10), on(2026, 9, 14)}}}}, {}, {});
    CHECK(calendar.school_days().size() == 6);
}

TEST_CASE("any calendar answers as counting day by day does", "[domain]")
{
    std::mt19937 random(20260903);
    const auto up_to = [&random](int most) { return static_cast<int>(random() % static_cast<unsigned>(most + 1)); };
    for (int run = 0; run < 30; ++run) {
        CAPTURE(run);
        const civil_day begin = on(2026, 1, 1) + days(up_to(30));
        std::vector<day_range> half_terms;
        civil_day at = begin;
        for (int i = 0; i < 4; ++i) {
            half_terms.push_back({at, at + days(up_to(30))});
            at = half_terms.back().last + days(1 + up_to(20));
        }
        std::set<civil_day> closed;
        for (int i = 0; i < 20; ++i)
            closed.insert(begin + days(up_to(100)));
        std::vector<closed_day> closed_list;
        for (const civil_day day : closed)
            closed_list.push_back({day, closed_kind::closure});
        const school_calendar calendar({{"a", half_terms}}, closed_list, {});

        const auto is_open = [&](civil_day day) {
            const bool is_in = std::ranges::any_of(half_terms, [&](const day_range& r) { return r.contains(day); });
            return is_in && std::chrono::weekday(day).iso_encoding() <= 5 && !closed.contains(day);
        };
        const int count = 1 + up_to(9);
        int so_far = 0;
        for (civil_day day = begin - days(10); day < at + days(10); day += days(1)) {
            if (is_open(day)) ++so_far;
            REQUIRE(calendar.is_school_day(day) == is_open(day));
            REQUIRE(calendar.ordinal_at_or_before(day) == so_far - 1);

            // Back from `day`: the first day of the count-th school day, and the Monday of the count-th school week.
            int days_left = count;
            std::set<civil_day> mondays;
            std::optional<day_range> by_days;
            std::optional<day_range> by_weeks;
            for (civil_day back = day; back >= begin; back -= days(1)) {
                if (!is_open(back)) continue;
                const civil_day monday = back - days(std::chrono::weekday(back).iso_encoding() - 1);
                mondays.insert(monday);
                if (days_left-- > 0) by_days = {back, day};
                if (static_cast<int>(mondays.size()) <= count) by_weeks = {monday, day};
            }
            REQUIRE(calendar.last_school_days(day, count) == by_days);
            REQUIRE(calendar.last_school_weeks(day, count) == by_weeks);

            std::optional<civil_day> after;
            int wanted = count;
            for (civil_day next = day + days(1); next < at; next += days(1)) {
                if (is_open(next) && --wanted == 0) after = next;
            }
            REQUIRE(calendar.school_day_after(day, count) == after);
            if (after) REQUIRE(calendar.school_days_between(day, *after) == count);
        }
    }
}

TEST_CASE("a calendar is written with its keys in order and its lists by day", "[domain]")
{
    const school_calendar calendar(
        {
            {"Spring", {{on(2027, 1, 4), on(2027, 2, 12)}}},
            {"Autumn", {{on(2026, 11, 2), on(2026, 12, 18)}, {on(2026, 9, 3), on(2026, 10, 23)}}},
        },
        {{on(2026, 11, 27), closed_kind::inset}, {on(2026, 9, 3), closed_kind::holiday}},
        {{half_day::pm, 13h, 13h + 20min, 10min, on(2026, 9, 1)}, {half_day::am, 8h + 45min, 9h, 0min, on(2026, 9, 1)}}
    );
    CHECK(
        calendar.to_json() ==
        R"({"closed":[{"day":"2026-09-03","kind":"holiday"},{"day":"2026-11-27","kind":"inset"}],)"
        R"("sessions":[{"closes_minutes":540,"from":"2026-09-01","half":"AM","opens_minutes":525,"settle_minutes":0},)"
        R"({"closes_minutes":800,"from":"2026-09-01","half":"PM","opens_minutes":780,"settle_minutes":10}],)"
        R"("terms":[{"half_terms":[{"first_day":"2026-09-03","last_day":"2026-10-23"},)"
        R"({"first_day":"2026-11-02","last_day":"2026-12-18"}],"name":"Autumn"},)"
        R"({"half_terms":[{"first_day":"2027-01-04","last_day":"2027-02-12"}],"name":"Spring"}]})"
    );
    CHECK(school_calendar().to_json() == R"({"closed":[],"sessions":[],"terms":[]})");
}

TEST_CASE("a calendar read back is the calendar that was written", "[domain]")
{
    const school_calendar calendar = two_years();
    const auto read = school_calendar::from_json(calendar.to_json());
    REQUIRE(read);
    CHECK(read->to_json() == calendar.to_json());
    CHECK(read->school_days() == calendar.school_days());
    CHECK(read->terms() == calendar.terms());
    CHECK(read->closed() == calendar.closed());
    CHECK(read->sessions() == calendar.sessions());
    CHECK(school_calendar::from_json(school_calendar().to_json())->empty());
}

TEST_CASE("what is given in another order is the same calendar", "[domain]")
{
    const school_calendar calendar = two_years();
    auto terms = calendar.terms();
    auto closed = calendar.closed();
    auto sessions = calendar.sessions();
    std::ranges::reverse(terms);
    for (term& each : terms)
        std::ranges::reverse(each.half_terms);
    std::ranges::reverse(closed);
    closed.push_back(closed.front());
    std::ranges::reverse(sessions);
    CHECK(school_calendar(terms, closed, sessions).to_json() == calendar.to_json());
}

TEST_CASE("a calendar with a part missing or unreadable is not read", "[domain]")
{
    const std::string text = GENERATE(
        as<std::string>(),
        "",
        "null",
        "[]",
        "{}",
        R"({"closed":[],"sessions":[]})",
        R"({"closed":{},"sessions":[],"terms":[]})",
        R"({"closed":[{"day":"2026-02-29","kind":"inset"}],"sessions":[],"terms":[]})",
        R"({"closed":[{"day":"2026-02-28","kind":"snow"}],"sessions":[],"terms":[]})",
        R"({"closed":[{"day":20260228,"kind":"inset"}],"sessions":[],"terms":[]})",
        R"({"closed":[],"sessions":[],"terms":[{"half_terms":[],"name":null}]})",
        R"({"closed":[],"sessions":[],"terms":[{"name":"Autumn"}]})",
        R"({"closed":[],"sessions":[],"terms":[{"half_terms":[{"first_day":"2026-09-03"}],"name":"Autumn"}]})",
        R"({"closed":[],"sessions":[{"closes_minutes":540}],"terms":[]})",
        R"({"closed":[],"sessions":[{"closes_minutes":-1,"from":"2026-09-01","half":"AM","opens_minutes":0,)"
        R"("settle_minutes":0}],"terms":[]})",
        R"({"closed":[],"sessions":[],"terms":[]} {})"
    );
    CAPTURE(text);
    CHECK_FALSE(school_calendar::from_json(text));
}

TEST_CASE("the name of each kind of closed day reads back as that kind", "[domain]")
{
    for (const closed_kind kind : {closed_kind::inset, closed_kind::holiday, closed_kind::closure}) {
        CHECK(parse_closed_kind(name_of(kind)) == kind);
    }
    CHECK_FALSE(parse_closed_kind("INSET"));
    CHECK_FALSE(parse_closed_kind(""));
}
