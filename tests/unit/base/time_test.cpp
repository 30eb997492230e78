#include "daemon/base/time.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace std::chrono_literals;

TEST_CASE("an instant is read and written in the ledger's form", "[base][time]")
{
    const auto [text, form] = GENERATE(table<std::string, std::string>({
        {"2026-09-01T08:50:00.000Z", "2026-09-01T08:50:00.000Z"},
        {"2026-09-01T08:50:00Z", "2026-09-01T08:50:00.000Z"},
        {"2026-09-01t08:50:00z", "2026-09-01T08:50:00.000Z"},
        {"2026-09-01T09:50:00+01:00", "2026-09-01T08:50:00.000Z"},
        {"2026-08-31T23:20:00.1-09:30", "2026-09-01T08:50:00.100Z"},
        {"2026-09-01T08:50:00.2509999Z", "2026-09-01T08:50:00.250Z"},
        {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
        {"2024-02-29T12:00:00-00:00", "2024-02-29T12:00:00.000Z"},
        {"0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"},
        {"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
    }));
    CAPTURE(text);
    const auto at = parse_instant(text);
    REQUIRE(at);
    CHECK(format_instant(*at) == form);
    CHECK(parse_instant(form) == at);
}

TEST_CASE("an instant in any other form is refused", "[base][time]")
{
    const std::string text = GENERATE(values<std::string>(
        {"",
         "2026-09-01",
         "2026-09-01T08:50:00",
         "2026-09-01 08:50:00Z",
         "2026-09-01T08:50Z",
         "2026-09-01T08:50:00.Z",
         "2026-09-01T08:50:00,5Z",
         "2026-09-01T24:00:00Z",
         "2026-09-01T08:60:00Z",
         "2026-12-31T23:59:60Z",
         "2026-02-30T08:50:00Z",
         "2026-13-01T08:50:00Z",
         "2026-00-01T08:50:00Z",
         "2026-09-00T08:50:00Z",
         "2026-9-1T08:50:00Z",
         "2026-09-01T08:50:00Zx",
         "2026-09-01T08:50:00Z ",
         " 2026-09-01T08:50:00Z",
         "2026-09-01T08:50:00+0100",
         "2026-09-01T08:50:00+01",
         "2026-09-01T08:50:00+24:00",
         "2026-09-01T08:50:00+01:60",
         "+2026-09-01T08:50:00Z",
         "9999-12-31T23:59:59-01:00",
         "0000-01-01T00:00:00+01:00"}
    ));
    CAPTURE(text);
    CHECK_FALSE(parse_instant(text));
}

TEST_CASE("an instant beyond the year 9999 is written in a form that is not read back", "[base][time]")
{
    const instant far = std::chrono::sys_days(std::chrono::year(12026) / 9 / 1);
    CHECK(format_instant(far) == "+12026-09-01T00:00:00.000Z");
    CHECK(format_instant(std::chrono::sys_days(std::chrono::year(-5) / 9 / 1)) == "-0005-09-01T00:00:00.000Z");
    CHECK_FALSE(parse_instant(format_instant(far)));
}

TEST_CASE("a day is a real day of the calendar and nothing else", "[base][time]")
{
    const auto leap_day = parse_day("2024-02-29");
    REQUIRE(leap_day);
    CHECK(format_day(*leap_day) == "2024-02-29");
    CHECK(*parse_day("2024-03-01") - *leap_day == std::chrono::days(1));
    for (const char* text :
         {"2026-02-30",
          "2025-02-29",
          "2026-04-31",
          "2026-00-10",
          "2026-9-1",
          "2026-09-01 ",
          "2026-09-01T",
          "20260901",
          "01/09/2026",
          "-026-09-01",
          ""}) {
        CAPTURE(text);
        CHECK_FALSE(parse_day(text));
    }
}

TEST_CASE("every day of eight centuries is written and read back", "[base][time]")
{
    const civil_day first{std::chrono::local_days(std::chrono::year(1600) / 1 / 1)};
    const civil_day last{std::chrono::local_days(std::chrono::year(2400) / 1 / 1)};
    bool same = true;
    std::string before;
    for (civil_day day = first; day < last; day += std::chrono::days(1)) {
        const std::string text = format_day(day);
        same = same && parse_day(text) == day && before < text;
        before = text;
    }
    CHECK(same);
}

TEST_CASE("a duration is one whole number and one unit", "[base][time]")
{
    CHECK(parse_duration("2h") == std::chrono::milliseconds(2h));
    CHECK(parse_duration("10m") == std::chrono::milliseconds(10min));
    CHECK(parse_duration("30s") == std::chrono::milliseconds(30s));
    CHECK(parse_duration("1d") == std::chrono::milliseconds(24h));
    CHECK(parse_duration("500ms") == 500ms);
    CHECK(parse_duration("0s") == 0ms);
    CHECK(parse_duration("36525d") == std::chrono::milliseconds(std::chrono::days(36525)));
    for (const char* text :
         {"",
          "10",
          "h",
          "-1h",
          "+1h",
          "1.5h",
          "1h30m",
          "1 h",
          " 1h",
          "1h ",
          "1w",
          "1H",
          "36526d",
          "99999999999999999999d",
          "9223372036854775807d"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text));
    }
}

TEST_CASE("a time is read by a source's own format", "[base][time]")
{
    const auto [text, format, reading] = GENERATE(table<std::string, std::string, std::string>({
        {"01/09/2026 08:50", "%d/%m/%Y %H:%M", "2026-09-01T08:50:00.000Z"},
        {"1/9/2026 8:05", "%d/%m/%Y %H:%M", "2026-09-01T08:05:00.000Z"},
        {"20260901T085007", "%Y%m%dT%H%M%S", "2026-09-01T08:50:07.000Z"},
        {"2026-09-01 08:50:07.5", "%Y-%m-%d %H:%M:%S.%f", "2026-09-01T08:50:07.500Z"},
        {"2026-09-01 08:50:07.123456", "%Y-%m-%d %H:%M:%S.%f", "2026-09-01T08:50:07.123Z"},
        {"08:50", "%H:%M", "1970-01-01T08:50:00.000Z"},
        {"100% of 2026", "100%% of %Y", "2026-01-01T00:00:00.000Z"},
    }));
    CAPTURE(text, format);
    const auto found = parse_time(text, format);
    REQUIRE(found);
    CHECK(format_instant(time_zone::utc().to_instant(found->local)) == reading);
    CHECK_FALSE(found->offset);
}

TEST_CASE("an offset is read beside the wall clock", "[base][time]")
{
    const std::string format = "%Y-%m-%dT%H:%M:%S%z";
    CHECK(parse_time("2026-09-01T08:50:00+01:00", format)->offset == 60min);
    CHECK(parse_time("2026-09-01T08:50:00-0530", format)->offset == -330min);
    CHECK(parse_time("2026-09-01T08:50:00+01", format)->offset == 60min);
    CHECK(parse_time("2026-09-01T08:50:00Z", format)->offset == 0min);
    CHECK_FALSE(parse_time("2026-09-01T08:50:00", format));
    CHECK_FALSE(parse_time("2026-09-01T08:50:00+25:00", format));
    CHECK_FALSE(parse_time("2026-09-01T08:50:00+1:00", format));
}

TEST_CASE("a time that does not match its format is refused", "[base][time]")
{
    const auto [text, format] = GENERATE(table<std::string, std::string>({
        {"2026-02-30", "%Y-%m-%d"},
        {"2026-09-01 ", "%Y-%m-%d"},
        {"2026-09-01x", "%Y-%m-%d"},
        {"26-09-01", "%Y-%m-%d"},
        {"2026/09/01", "%Y-%m-%d"},
        {"2026-09-", "%Y-%m-%d"},
        {"2026-009-01", "%Y-%m-%d"},
        {"2026911", "%Y%m%d"},
        {"24:00", "%H:%M"},
        {"08:60", "%H:%M"},
        {"08:50:60", "%H:%M:%S"},
        {"08:50:00.", "%H:%M:%S.%f"},
        {"08:50:00.1234567890", "%H:%M:%S.%f"},
        {"1 Sep 2026", "%d %b %Y"},
        {"2026%", "%Y%"},
    }));
    CAPTURE(text, format);
    CHECK_FALSE(parse_time(text, format));
}

TEST_CASE("a London school day follows the clocks on the days they change", "[base][time]")
{
    const auto london = time_zone::named("Europe/London");
    REQUIRE(london);
    CHECK(london->name() == "Europe/London");
    // Source: the Summer Time Act 1972: clocks change at 01:00 GMT on the last Sundays of March and October.
    const auto [wall, moment] = GENERATE(table<std::string, std::string>({
        {"2026-03-29 00:59:59", "2026-03-29T00:59:59.000Z"},
        {"2026-03-29 02:00:00", "2026-03-29T01:00:00.000Z"},
        {"2026-03-29 08:50:00", "2026-03-29T07:50:00.000Z"},
        {"2026-10-25 00:59:59", "2026-10-24T23:59:59.000Z"},
        {"2026-10-25 02:00:00", "2026-10-25T02:00:00.000Z"},
        {"2026-10-26 08:50:00", "2026-10-26T08:50:00.000Z"},
        {"2036-07-01 08:50:00", "2036-07-01T07:50:00.000Z"},
    }));
    CAPTURE(wall, moment);
    const auto local = parse_time(wall, "%Y-%m-%d %H:%M:%S")->local;
    const auto at = *parse_instant(moment);
    CHECK(london->to_instant(local) == at);
    CHECK(london->to_local(at) == local);
}

TEST_CASE("an hour that does not happen means the moment the clocks changed", "[base][time]")
{
    const auto london = *time_zone::named("Europe/London");
    for (const char* wall : {"2026-03-29 01:00", "2026-03-29 01:30", "2026-03-29 01:59"}) {
        CAPTURE(wall);
        CHECK(
            format_instant(london.to_instant(parse_time(wall, "%Y-%m-%d %H:%M")->local)) == "2026-03-29T01:00:00.000Z"
        );
    }
}

TEST_CASE("an hour that happens twice means the earlier one", "[base][time]")
{
    const auto london = *time_zone::named("Europe/London");
    const auto local = parse_time("2026-10-25 01:30", "%Y-%m-%d %H:%M")->local;
    CHECK(format_instant(london.to_instant(local)) == "2026-10-25T00:30:00.000Z");
    CHECK(london.to_local(*parse_instant("2026-10-25T00:30:00Z")) == local);
    CHECK(london.to_local(*parse_instant("2026-10-25T01:30:00Z")) == local);
}

TEST_CASE("a day near midnight belongs to the school's own calendar", "[base][time]")
{
    const auto london = *time_zone::named("Europe/London");
    CHECK(format_day(day_of(london.to_local(*parse_instant("2026-06-30T23:30:00Z")))) == "2026-07-01");
    CHECK(format_day(day_of(time_zone::utc().to_local(*parse_instant("2026-06-30T23:30:00Z")))) == "2026-06-30");
    CHECK(format_day(day_of(time_zone::utc().to_local(*parse_instant("1969-12-31T23:30:00Z")))) == "1969-12-31");
}

TEST_CASE("a zone the database does not have is refused", "[base][time]")
{
    for (const char* name : {"Europe/Atlantis", "", "../../etc/passwd", "europe/london"}) {
        CAPTURE(name);
        CHECK_FALSE(time_zone::named(name));
    }
    CHECK(time_zone::named("UTC"));
    CHECK(time_zone::utc().name() == "UTC");
}
