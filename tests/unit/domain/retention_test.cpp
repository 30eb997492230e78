#include "daemon/domain/retention.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;

namespace {

civil_day on(const char* text)
{
    return parse_day(text).value();
}

} // namespace

TEST_CASE("an entry of the register may go on its sixth anniversary and not a day before", "[domain][statutory]")
{
    const auto [from, may_go] = GENERATE(table<const char*, const char*>({
        {"2026-09-01", "2032-09-01"},
        {"2024-02-29", "2030-03-01"},
        {"2022-02-28", "2028-02-28"},
    }));
    CAPTURE(from);
    CHECK(may_go_on(retention_clocks().attendance, on(from)) == on(may_go));
}

TEST_CASE("a safeguarding entry may go on the twenty-fifth birthday", "[domain][statutory]")
{
    CHECK(may_go_on(retention_clocks().safeguarding, on("2012-02-29")) == on("2037-03-01"));
    CHECK(may_go_on(retention_clocks().safeguarding, on("2012-05-17")) == on("2037-05-17"));
}

TEST_CASE("nothing must go by age unless the school set a maximum", "[domain]")
{
    const retention_clocks usual;
    for (const retention_clock& clock : {usual.attendance, usual.safeguarding, usual.behaviour})
        CHECK_FALSE(must_go_on(clock, on("1990-01-01")));
    CHECK(must_go_on(retention_clock{6, 7}, on("2026-09-01")) == on("2033-09-01"));
}
