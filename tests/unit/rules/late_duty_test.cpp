#include "daemon/rules/late_duty.hpp"

#include "tests/support/england_rules.hpp"
#include "tests/support/school.hpp"

#include <catch2/catch.hpp>

#include <fmt/format.h>

using namespace rollbook;
using namespace rollbook::support;

namespace {

civil_day day(std::size_t place)
{
    return ymd(2026, 11, 2) + std::chrono::days(place);
}

// A day as one letter: "." nothing, "-" no stage but the clearing level, "1" and "2" the stages.
judged_verdict met(std::size_t place, char letter)
{
    judged_verdict made;
    made.judged = {day(place), at_time(day(place), 23, 59)};
    made.found.stage = letter == '2' ? 1 : letter == '1' ? 0 : -1;
    made.found.above_clearing = letter != '.';
    return made;
}

struct known_alert {
    alert_state state = alert_state::open;
    std::string stage;
    std::size_t opened_for = 0;
    std::optional<std::size_t> met_until;
    std::int64_t value = 10;
};

// "today" or the place of the day that the next version goes by; "anew" where it opens; then the other episodes.
std::string
told(const std::string& days, const std::optional<known_alert>& last, const std::vector<std::pair<int, int>>& decided)
{
    rule by = england_rule("continuous-absence");
    by.stages = {{"one", 10, std::nullopt}, {"two", 20, std::nullopt}};
    alert before;
    if (last) {
        before.state = last->state;
        before.stage = last->stage;
        before.opened_for.as_of = day(last->opened_for);
        if (last->met_until) before.met_until = day(*last->met_until);
        before.value = last->value;
    }
    std::vector<judged_verdict> earlier;
    for (std::size_t i = 0; i + 1 < days.size(); ++i)
        earlier.push_back(met(i, days[i]));
    std::vector<day_range> ranges;
    for (const auto& [from, to] : decided)
        ranges.push_back({day(static_cast<std::size_t>(from)), day(static_cast<std::size_t>(to))});
    const late_duty found =
        with_late_duties(by, last ? &before : nullptr, met(days.size() - 1, days.back()), std::move(earlier), ranges);
    const auto place = [](civil_day of) { return (of - day(0)).count(); };
    std::string text = place(found.judged.as_of) + 1 == static_cast<std::int64_t>(days.size())
                           ? "today"
                           : std::to_string(place(found.judged.as_of));
    if (found.opens_anew) text += ", anew";
    for (const earlier_duty& each : found.found.met_before)
        text += fmt::format(", beside {}-{}", place(each.days.first), place(each.days.last));
    return text;
}

} // namespace

TEST_CASE("a duty of earlier days is told once for each of its episodes, and what is known is not", "[rules]")
{
    using enum alert_state;
    const known_alert open_at_6{open, "one", 6, {}};
    const known_alert over_at_8{open, "one", 6, 8};
    const known_alert decided_at_6{resolved, "one", 6, {}};
    const known_alert decided_and_gone{resolved, "one", 6, {}, 3};
    using row =
        std::tuple<std::string, std::string, std::optional<known_alert>, std::vector<std::pair<int, int>>, std::string>;
    const auto [why, days, last, decided, is_told] = GENERATE_COPY(
        table<std::string, std::string, std::optional<known_alert>, std::vector<std::pair<int, int>>, std::string>({
            row{"nothing was met", ".-..-", {}, {}, "today"},
            row{"an earlier day alone", ".11-.", {}, {}, "1, anew"},
            row{"the first day of the highest stage", ".1221.", {}, {}, "2, anew"},
            row{"today's own episode began earlier", "..111", {}, {}, "today"},
            row{"today's own episode stood higher", "..121", {}, {}, "3, anew"},
            row{"another before today's", ".1-.11", {}, {}, "today, anew, beside 1-2"},
            row{"two others", "1.11.", {}, {}, "0, anew, beside 2-3"},
            row{"two others before today's", "1.11.1", {}, {}, "today, anew, beside 0-0, beside 2-3"},
            row{"what was decided", ".111.", {}, {{1, 3}}, "today"},
            row{"what had begun before what was decided", ".111.", {}, {{2, 3}}, "today"},
            row{"what went on after what was decided", ".111.", {}, {{1, 2}}, "3, anew"},
            row{"a standing alert's own days", "......11.1", open_at_6, {}, "today"},
            row{"a standing alert had begun sooner", "...11-11.", open_at_6, {}, "today"},
            row{"a standing alert was met for longer", "......1111..", over_at_8, {}, "today"},
            row{"another before a standing alert", ".12...11.", open_at_6, {}, "2, beside 2-2"},
            row{"another of no higher stage before it", ".11...11.", open_at_6, {}, "today, beside 1-2"},
            row{"another after it was met no more", "......11..1.", over_at_8, {}, "today, beside 10-10"},
            row{"a standing alert was met higher", "......12.", open_at_6, {}, "7"},
            row{"what was decided and goes on", "......1111", decided_at_6, {{6, 7}}, "today"},
            row{"another before what was decided and goes on",
                ".1....1111",
                decided_at_6,
                {{6, 7}},
                "today, anew, beside 1-1"},
            row{"the same, which is below its stage today", ".1....111-", decided_at_6, {{6, 7}}, "1, anew"},
            row{"another before what was decided and is over", ".1....11..", decided_and_gone, {{6, 7}}, "1, anew"},
        })
    );
    CAPTURE(why, days);
    CHECK(told(days, last, decided) == is_told);
}
