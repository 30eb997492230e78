#include "daemon/rules/budget.hpp"

#include "tests/support/england_pack.hpp"
#include "tests/support/school.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace rollbook;
using namespace rollbook::support;

TEST_CASE("the threshold that keeps within a budget is the lowest one that few enough crossed today", "[rules]")
{
    // Six pupils came to their values today; the last stood at 5 yesterday already.
    const std::vector<value_pair> values = {{2, 3}, {2, 3}, {2, 4}, {2, 4}, {3, 6}, {5, 5}};
    const auto [allowed, at_least, opens] = GENERATE(table<int, int, int>({
        {4, 4, 3}, // {2,4} twice and {3,6}
        {3, 4, 3},
        {2, 5, 1},
        {1, 5, 1},
        {0, 7, 0},
    }));
    CAPTURE(allowed);
    const lower_flood found = threshold_within(values, 3, 1, allowed);
    CHECK(found.at_least == at_least);
    CHECK(found.would_open == opens);
    CHECK(threshold_within(values, 300, 100, 0).at_least == 400); // none is left: per cent by whole ones
}

TEST_CASE("no advice touches what the law or a child's safety sets", "[rules]")
{
    for (const rule& each : england_pack()) {
        CAPTURE(each.id);
        const bool is_fixed = each.needs_decision || each.safety || each.measure == "stale_source" ||
                              each.measure == "failed_rule" || each.measure == "unexplained_minutes";
        CHECK(may_be_raised(each) == !is_fixed);
    }
}

TEST_CASE("a pupil's two values are of this school day and the one before", "[rules]")
{
    const school_calendar calendar = example_calendar();
    register_builder book;
    book.mornings(calendar, ymd(2026, 11, 19), "LLL"); // Thursday, Friday, Monday
    const judged_pupil pupil{.number = book.number(), .ref = 1, .year = "9"};
    const rule_facts facts{book.held, calendar};
    const civil_day monday = ymd(2026, 11, 23);
    const auto found =
        values_of(england_rule("repeated-lateness"), pupil_history(facts, pupil, {monday, evening(monday)}));
    REQUIRE(found);
    CHECK(found->before == 2);
    CHECK(found->now == 3);
}
