#include "daemon/service/pace.hpp"

#include "tests/support/school.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::support;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

TEST_CASE("a page is tried again after twice the wait each time, a fifth either way, and then given up", "[service]")
{
    const retry_pace pace{4, 500ms, 30s};
    const failure down(errc::source_unreachable, "down");
    const auto [failed, least, most] = GENERATE(table<int, milliseconds, milliseconds>({
        {1, 400ms, 600ms},
        {2, 800ms, 1200ms},
        {3, 1600ms, 2400ms},
    }));
    CAPTURE(failed);
    for (std::uint64_t dice = 0; dice < 2000; dice += 7) {
        const auto wait = next_wait(pace, down, failed, dice).value();
        CHECK((least <= wait && wait <= most));
    }
    CHECK(next_wait(pace, down, failed, 0) == least);
    CHECK_FALSE(next_wait(pace, down, 4, 0));
    const retry_pace patient{100, 500ms, 30s};
    CHECK(next_wait(patient, down, 60, 0) == 24s);
    CHECK(next_wait(patient, down, 60, 12'000) == 36s);
}

TEST_CASE("what trying again cannot mend is not tried again", "[service]")
{
    const auto [code, again] = GENERATE(table<errc, bool>({
        {errc::source_unreachable, true},
        {errc::source_throttled, true},
        {errc::source_refused, false},
        {errc::source_misconfigured, false},
        {errc::page_malformed, false},
        {errc::mass_change, false},
        {errc::stopped, false},
    }));
    CAPTURE(static_cast<int>(code));
    CHECK(next_wait({}, failure(code, "x"), 1, 0).has_value() == again);
}

TEST_CASE("a wait that the source asks for is kept as asked, unless it is too long", "[service]")
{
    const retry_pace pace{4, 500ms, 30s};
    for (const std::uint64_t dice : {0u, 1u, 999u}) {
        CHECK(next_wait(pace, failure(errc::source_throttled, "x", "", 30s), 1, dice) == 30s);
        CHECK(next_wait(pace, failure(errc::source_throttled, "x", "", 0s), 1, dice) == 0s);
        CHECK_FALSE(next_wait(pace, failure(errc::source_throttled, "x", "", 31s), 1, dice));
    }
}

TEST_CASE("a message that was refused is tried again after an hour at least, for as long as any other", "[service]")
{
    const failure no(errc::delivery_refused, "no");
    const auto attempt = GENERATE(1, 2, 500);
    for (const std::uint64_t dice : {0u, 1u, 123'456'789u}) {
        const auto wait = next_delivery(no, attempt, 0s, dice).value();
        CHECK((1h <= wait && wait <= 90min));
        CHECK(next_delivery(no, attempt, 72h, dice));
        CHECK_FALSE(next_delivery(no, attempt, 72h + 1ms, dice));
    }
}

TEST_CASE("a message is tried again ever more slowly until it is three days old", "[service]")
{
    const failure down(errc::delivery_unreachable, "down");
    const auto [attempt, wait] = GENERATE(
        table<int, milliseconds>({{1, 30s}, {2, 2min}, {3, 5min}, {4, 15min}, {5, 30min}, {6, 1h}, {7, 1h}, {500, 1h}})
    );
    CAPTURE(attempt);
    CHECK(next_delivery(down, attempt, 0s, 0) == wait * 4 / 5);
    const auto any = next_delivery(down, attempt, 0s, 123'456'789).value();
    CHECK((wait * 4 / 5 <= any && any <= wait * 6 / 5));
    CHECK(next_delivery(down, attempt, 72h, 0));
    CHECK_FALSE(next_delivery(down, attempt, 72h + 1ms, 0));
    CHECK(next_delivery(failure(errc::delivery_unreachable, "later", "", 2h), attempt, 0s, 0) == 2h);
    CHECK(next_delivery(failure(errc::delivery_unreachable, "later", "", 1s), attempt, 0s, 0) == wait * 4 / 5);
}

TEST_CASE("a poll reads from the widest window that is due, and the near one always", "[service]")
{
    source_configuration source;
    source.reread = {{2, 10min}, {30, 24h}, {std::nullopt, 168h}};
    const school_calendar calendar = example_calendar();
    const civil_day today = ymd(2026, 11, 20); // a Friday
    const civil_day near = ymd(2026, 11, 19);  // two school days
    const civil_day month = *calendar.school_day_back(today, 29);
    const civil_day year = school_calendar::academic_year_start(today);
    using ages = std::vector<std::pair<std::optional<civil_day>, milliseconds>>;
    const auto all = std::optional<civil_day>();

    const auto [why, known, from] = GENERATE_COPY(table<std::string, ages, std::optional<civil_day>>({
        {"nothing was ever read", {}, all},
        {"all was read just now", {{all, 0s}}, near},
        {"a day ago less a moment", {{all, 24h - 1ms}}, near},
        {"a day ago", {{all, 24h}}, month},
        {"a week ago less a moment", {{all, 168h - 1ms}}, month},
        {"a week ago", {{all, 168h}}, year},
        {"the month was read since", {{month, 1h}, {all, 167h}}, near},
        {"the near window covers no month", {{near, 1h}, {all, 25h}}, month},
        {"a wider window covers a narrower", {{year, 1h}}, near},
        {"all was read by a clock that was ahead", {{all, -24h}}, year},
    }));
    CAPTURE(why);
    CHECK(read_from(source, calendar, today, false, known, false) == from);
    CHECK(read_from(source, calendar, today, false, known, true) == all);
    source.history_from = ymd(2026, 11, 1);
    const auto bounded = from ? std::max(*from, *source.history_from) : *source.history_from;
    CHECK(read_from(source, calendar, today, false, known, false) == bounded);
}

TEST_CASE("in school hours a wide window waits for the evening, and a day at most", "[service]")
{
    source_configuration source;
    source.reread = {{2, 10min}, {10, 2h}, {30, 24h}};
    const school_calendar calendar = example_calendar();
    const civil_day today = ymd(2026, 11, 20);
    const civil_day fortnight = *calendar.school_day_back(today, 9);
    const civil_day month = *calendar.school_day_back(today, 29);
    const auto [age, in_school_hours, from] = GENERATE_COPY(table<milliseconds, bool, civil_day>({
        {2h - 1ms, true, ymd(2026, 11, 19)},
        {2h, true, fortnight},
        {24h, false, month},
        {24h, true, fortnight},
        {48h - 1ms, true, fortnight},
        {48h, true, month},
    }));
    CAPTURE(age.count(), in_school_hours);
    CHECK(read_from(source, calendar, today, in_school_hours, {{std::nullopt, age}}, false) == from);
    CHECK(read_from(source, calendar, today, true, {}, false) == std::optional<civil_day>()); // the first read
}

TEST_CASE("without windows to read again everything is read each time", "[service]")
{
    const school_calendar calendar = example_calendar();
    CHECK_FALSE(read_from({}, calendar, ymd(2026, 11, 20), true, {{std::nullopt, 0s}}, false));
}

TEST_CASE("a long read has a checkpoint every thirty seconds, and at once when the clock went back", "[service]")
{
    const instant last = parse_instant("2026-09-14T12:00:00Z").value();
    CHECK_FALSE(checkpoint_is_due(last, last));
    CHECK_FALSE(checkpoint_is_due(last, last + 30s - 1ms));
    CHECK(checkpoint_is_due(last, last + 30s));
    CHECK(checkpoint_is_due(last, last - 1ms));
}
