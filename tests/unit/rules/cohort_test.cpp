#include "daemon/rules/alert.hpp"

#include "tests/support/england_rules.hpp"
#include "tests/support/school.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::support;

namespace {

using text = std::string;

judged_pupil pupil_of(std::string_view year, std::optional<civil_day> born = std::nullopt)
{
    return {.number = 0, .ref = 1, .year = year, .date_of_birth = born};
}

} // namespace

TEST_CASE("compulsory school age begins on the prescribed day on or after the fifth birthday", "[rules][statutory]")
{
    const auto [born, begins] = GENERATE(table<civil_day, civil_day>({
        {ymd(2021, 8, 31), ymd(2026, 8, 31)},
        {ymd(2021, 9, 1), ymd(2026, 12, 31)},
        {ymd(2021, 12, 31), ymd(2026, 12, 31)},
        {ymd(2022, 1, 1), ymd(2027, 3, 31)},
        {ymd(2022, 3, 31), ymd(2027, 3, 31)},
        {ymd(2022, 4, 1), ymd(2027, 8, 31)},
        {ymd(2020, 2, 29), ymd(2025, 3, 31)},
    }));
    CAPTURE(format_day(born), format_day(compulsory_school_age(born).first));
    CHECK(is_compulsory_school_age(born, begins));
    CHECK_FALSE(is_compulsory_school_age(born, begins - std::chrono::days(1)));
}

TEST_CASE(
    "compulsory school age ends on the last Friday in June of the sixteenth birthday's year", "[rules][statutory]"
)
{
    const auto [born, ends] = GENERATE(table<civil_day, civil_day>({
        {ymd(2010, 8, 31), ymd(2026, 6, 26)}, // the youngest of Year 11 leaves before the birthday
        {ymd(2010, 9, 1), ymd(2027, 6, 25)},
        {ymd(2011, 6, 30), ymd(2027, 6, 25)},
        {ymd(2008, 2, 29), ymd(2024, 6, 28)},
    }));
    CAPTURE(format_day(born), format_day(compulsory_school_age(born).last));
    CHECK(is_compulsory_school_age(born, ends));
    CHECK_FALSE(is_compulsory_school_age(born, ends + std::chrono::days(1)));
}

TEST_CASE("a cohort of years holds those years, however the source writes them", "[rules]")
{
    rule_cohort cohort;
    cohort.years = {"7", "8", "R"};
    const auto [year, is_in] = GENERATE(table<text, bool>({
        {"7", true},
        {"07", true},
        {"Year 8", true},
        {"Yr8", true},
        {"Y8", true},
        {"R", true},
        {"9", false},
        {"17", false},
        {"Y", false},
        {"", false},
    }));
    CAPTURE(year);
    CHECK(in_cohort(cohort, pupil_of(year), ymd(2026, 11, 20)) == is_in);
    CHECK(in_cohort({}, pupil_of(year), ymd(2026, 11, 20)));
}

TEST_CASE("an unknown date of birth leaves out only those above Year 11", "[rules]")
{
    rule_cohort cohort;
    cohort.compulsory_school_age = true;
    const auto [year, is_in] = GENERATE(table<text, bool>({
        {"11", true},
        {"12", false},
        {"Year 13", false},
        {"R", true},
        {"", true},
    }));
    CAPTURE(year);
    CHECK(in_cohort(cohort, pupil_of(year), ymd(2026, 11, 20)) == is_in);
    // A known one decides, whatever the year.
    CHECK(in_cohort(cohort, pupil_of(year, ymd(2011, 1, 1)), ymd(2026, 11, 20)));
}

TEST_CASE("sessions before compulsory school age do not count to the penalty-notice threshold", "[rules][statutory]")
{
    const school_calendar calendar = example_calendar();
    const civil_day as_of = ymd(2027, 1, 8);
    register_builder book;
    book.marks(calendar, ymd(2026, 12, 14), "GGGGGGGGGG");
    book.marks(calendar, ymd(2027, 1, 4), "GGGGGGGGG/");
    const judged_pupil pupil{.number = book.number(), .ref = 1, .year = "R", .date_of_birth = ymd(2021, 12, 15)};

    const verdict before = evaluate(penalty_notice(), pupil, {book.held, calendar}, {as_of, evening(as_of)});
    CHECK(before.value == 9);
    CHECK(before.stage == -1);

    book.mark(pm(as_of), "O");
    CHECK(evaluate(penalty_notice(), pupil, {book.held, calendar}, {as_of, evening(as_of)}).stage == 0);
}

TEST_CASE("a pupil outside the cohort is judged by nothing", "[rules][statutory]")
{
    const school_calendar calendar = example_calendar();
    register_builder book;
    book.marks(calendar, ymd(2026, 6, 22), "OOOOOOOOOOOO");
    const judged_pupil leaver{.number = book.number(), .ref = 1, .year = "11", .date_of_birth = ymd(2010, 5, 1)};

    const civil_day last_friday = ymd(2026, 6, 26);
    CHECK(evaluate(penalty_notice(), leaver, {book.held, calendar}, {last_friday, evening(last_friday)}).stage == 0);
    const civil_day monday = ymd(2026, 6, 29);
    const verdict after = evaluate(penalty_notice(), leaver, {book.held, calendar}, {monday, evening(monday)});
    CHECK(after.stage == -1);
    CHECK(after.value == 0);
    CHECK(after.evidence.empty());
    CHECK(after.fit == cohort_fit::other_age);
}
