#include "daemon/domain/session.hpp"

#include "tests/unit/domain/days.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;

TEST_CASE("a half day reads AM or PM in either case and nothing else", "[domain]")
{
    CHECK(parse_half_day("AM") == half_day::am);
    CHECK(parse_half_day("pm") == half_day::pm);
    CHECK(parse_half_day(name_of(half_day::am)) == half_day::am);
    CHECK(parse_half_day(name_of(half_day::pm)) == half_day::pm);
    for (const std::string_view text : {"", "A", "A M", "AMS", "AM ", " pm", "XM", "morning", "1", "0"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_half_day(text));
    }
}

TEST_CASE("sessions follow one another by day and then by half", "[domain]")
{
    const session_id monday_am{on(2026, 3, 30), half_day::am};
    const session_id monday_pm{on(2026, 3, 30), half_day::pm};
    const session_id tuesday_am{on(2026, 3, 31), half_day::am};
    CHECK(monday_am < monday_pm);
    CHECK(monday_pm < tuesday_am);
    CHECK(monday_am == session_id{on(2026, 3, 30), half_day::am});
}
