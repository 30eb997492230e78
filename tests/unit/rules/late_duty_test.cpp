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

TEST_CASE("by a rule about a child's safety each earlier day that met it is told of once", "[rules]")
{
    using enum alert_state;
    // A day is its stage and the marks behind it; the first is the one before those that changed, the last today.
    struct a_day {
        int stage = -1;
        std::vector<entry_index> marks;
    };
    const a_day no;
    using days = std::vector<a_day>;
    using told_of = std::vector<std::pair<std::size_t, int>>; // days, and the stages reached
    using row = std::tuple<std::string, days, std::optional<alert_state>, told_of, std::string>;
    // Marks from 10 on were recorded since they were last judged.
    const std::vector<row> rows{
        {"nothing was met", {no, no, no}, {}, {}, "today"},
        {"only today", {no, no, {0, {19}}}, {}, {}, "today"},
        {"yesterday", {no, {0, {18}}, no}, {}, {}, "1, anew"},
        {"yesterday and today", {no, {0, {18}}, {0, {19}}}, {}, {}, "today, anew, beside 1"},
        {"two days, the newest first", {no, {0, {17}}, {0, {18}}, no}, {}, {}, "2, anew, beside 1"},
        {"two days, the highest first", {no, {1, {16, 17}}, {0, {18}}, no}, {}, {}, "1, anew, beside 2"},
        {"more than is met today", {no, {1, {16, 17}}, {0, {19}}}, {}, {}, "1, anew, beside 2, knows 2"},
        {"what was met before the change", {{0, {16}}, no, no}, {}, {}, "today"},
        {"the same marks as the day before", {{0, {16}}, {0, {16}}, no}, {}, {}, "today"},
        {"the same marks, and others", {{0, {16}}, {0, {16, 17}}, no}, {}, {}, "1, anew"},
        {"marks that were judged long ago", {no, {0, {7}}, no}, {}, {}, "today"},
        {"those, and a newer one", {no, {1, {7, 17}}, no}, {}, {}, "1, anew"},
        {"what an alert told of that is over", {no, {0, {18}}, no}, resolved, {{1, 0}}, "today"},
        {"what it told of at a lower stage", {no, {1, {17, 18}}, no}, resolved, {{1, 0}}, "1, anew"},
        {"a day after it", {no, {0, {17}}, {0, {18}}, no}, resolved, {{1, 0}}, "2, anew"},
        {"a day between those that it told of",
         {no, {0, {16}}, {0, {17}}, {0, {18}}, no},
         resolved,
         {{1, 0}, {3, 0}},
         "2, anew"},
        {"a day before what stands", {no, {0, {17}}, {0, {18}}}, open, {{2, 0}}, "today, beside 1"},
        {"a higher one before what stands", {no, {1, {16, 17}}, {0, {18}}}, open, {{2, 0}}, "1"},
        {"a higher one, and today", {no, {1, {16, 17}}, {0, {18}}}, open, {{0, 0}}, "1, beside 2, knows 2"},
        {"a day that the standing one told of", {no, {0, {17}}, {0, {18}}}, open, {{1, 0}, {2, 0}}, "today"},
        {"what stands, and is not met today", {no, {0, {17}}, {0, {18}}, no}, open, {{2, 0}}, "today, beside 1"},
        {"today is decided", {no, {0, {17}}, {0, {18}}}, resolved, {{2, 0}}, "1, anew, knows 2"},
    };
    rule by = england_rule("priority-child-absent");
    by.stages = {{"one", 1, std::nullopt}, {"two", 2, std::nullopt}};
    for (const auto& [why, given, last, known, is_told] : rows) {
        CAPTURE(why);
        std::vector<judged_verdict> all;
        for (std::size_t i = 0; i < given.size(); ++i) {
            judged_verdict each;
            each.judged = {day(i), at_time(day(i), 23, 59)};
            each.found.stage = given[i].stage;
            each.found.threshold = std::max(given[i].stage, 0) + 1;
            each.found.evidence = given[i].marks;
            all.push_back(each);
        }
        alert before;
        before.stage = "one";
        if (last) before.state = *last;
        std::vector<told_day> told;
        for (const auto& [place, stage] : known)
            told.push_back({day(place), stage + 1});
        const judged_verdict today = all.back();
        const verdict first = all.front().found;
        const std::vector<judged_verdict> earlier(all.begin() + 1, all.end() - 1);
        const auto judge = [&](const news_since& since) {
            return with_late_days(by, last ? &before : nullptr, today, first, earlier, told, since);
        };
        const late_duty found = judge({{}, 10});
        std::string text = found.judged.as_of == today.judged.as_of
                               ? std::string("today")
                               : std::to_string((found.judged.as_of - day(0)).count());
        if (found.opens_anew) text += ", anew";
        for (const earlier_duty& each : found.found.met_before) {
            CHECK(each.days.first == each.days.last);
            CHECK(each.says.find("Look into that too.") != std::string::npos);
            text += fmt::format(", beside {}", (each.days.first - day(0)).count());
        }
        for (const told_day& each : found.found.told_besides)
            if (each.day == today.judged.as_of) text += fmt::format(", knows {}", (each.day - day(0)).count());
        CHECK(text == is_told);
        CHECK(judge({{}, no_entry}).found.told_besides.empty());
        const bool is_anything = found.opens_anew || !found.found.told_besides.empty();
        if (why != "marks that were judged long ago")
            CHECK(judge({day(0), no_entry}).found.told_besides.empty() == !is_anything);
        else
            CHECK_FALSE(judge({day(1), no_entry}).found.told_besides.empty());
        CHECK(judge({day(8), no_entry}).found.told_besides.empty());
    }
}
