#include "daemon/rules/measures.hpp"

#include "daemon/domain/register_gate.hpp"
#include "tests/support/cases.hpp"
#include "tests/support/england_pack.hpp"
#include "tests/support/school.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>

using namespace rollbook;
using namespace rollbook::support;

namespace {

constexpr int pupils = 12;
constexpr std::string_view codes = "///////LUNOIGE-D";

using alert_key = std::pair<std::string, entry_index>;

// All of it, what ships switched off as well.
std::vector<rule> whole_pack()
{
    std::vector<rule> rules = england_pack();
    for (rule& each : rules)
        each.enabled = true;
    return rules;
}

std::vector<entry_index> entries_of(std::span<const pupil_history::one> marks)
{
    std::vector<entry_index> entries;
    for (const pupil_history::one& mark : marks)
        entries.push_back(mark.entry);
    return entries;
}

// A school whose marks change at random; after each read the touched pupils are judged, and everybody when the day
// moved on, as a closing does.
struct moving_school {
    school_calendar calendar = example_calendar();
    register_builder book;
    case_builder cases;
    std::vector<rule> rules = whole_pack();
    std::map<alert_key, alert> alerts;
    entry_index next = 1'000'000;

    judged_pupil who(entry_index pupil) { return {book.number(pupil), pupil, "9", ymd(2013, 1, 15)}; }

    // What was amended is one pupil's; by a rule that sets a pupil against the school it changes everybody's.
    void judge_touched(entry_index pupil, const judged_day& judged)
    {
        judge(pupil, judged);
        for (entry_index other = 1; other <= pupils; ++other)
            judge(other, judged, true);
    }

    void judge(entry_index pupil, const judged_day& judged, bool only_with_the_school = false)
    {
        const rule_facts facts{book.held, calendar, &cases.held};
        const judged_pupil judged_pupil = who(pupil);
        const pupil_history history(facts, judged_pupil, judged);
        for (const rule& by : rules) {
            if (!by.enabled || find_measure(by.measure)->by_clock) continue;
            if (only_with_the_school && !compares_with_the_school(by.measure)) continue;
            const auto at = alerts.find({by.id, pupil});
            const bool stands = at != alerts.end() && !is_ended(at->second.state);
            std::optional<verdict> then;
            if (stands) then = evaluate(by, judged_pupil, facts, at->second.opened_for);
            const auto change = next_alert(
                by,
                "1",
                judged_pupil,
                stands ? &at->second : nullptr,
                evaluate(by, history),
                then ? &*then : nullptr,
                judged,
                false,
                instant()
            );
            if (!change) continue;
            alerts[{by.id, pupil}] = change->next;
            if (change->next.id == no_entry) alerts[{by.id, pupil}].id = next++;
        }
    }
};

// School days from 3 September on, and marks at random on each; some are missing.
std::vector<civil_day> mark_some_days(moving_school& school, std::size_t days, std::mt19937& dice)
{
    std::vector<civil_day> all = {ymd(2026, 9, 3)};
    while (all.size() < days)
        all.push_back(school.calendar.school_day_after(all.back(), 1).value());
    for (const civil_day day : all)
        for (const half_day half : {half_day::am, half_day::pm})
            for (entry_index pupil = 1; pupil <= pupils; ++pupil)
                if (dice() % 9 > 0) school.book.mark({day, half}, codes.substr(dice() % codes.size(), 1), pupil);
    return all;
}

// What is open: rule, pupil, value and evidence. Stages only go up, so that they depend on the way there.
std::map<alert_key, std::pair<std::int64_t, std::vector<entry_index>>> standing(const moving_school& school)
{
    std::map<alert_key, std::pair<std::int64_t, std::vector<entry_index>>> found;
    for (const auto& [key, each] : school.alerts)
        if (!is_ended(each.state)) found[key] = {each.value, each.evidence};
    return found;
}

} // namespace

TEST_CASE("judging only who was touched comes to what judging everybody anew does", "[rules]")
{
    const unsigned seed = GENERATE(range(1u, 25u));
    CAPTURE(seed);
    std::mt19937 dice(seed);
    moving_school school;
    const civil_day first = ymd(2026, 9, 3);
    const int days = 25 + static_cast<int>(dice() % 30);
    civil_day day = first;
    for (int n = 0; n < days; ++n) {
        if (n > 0) day = school.calendar.school_day_after(day, 1).value();
        const judged_day judged{day, evening(day)};
        for (entry_index pupil = 1; pupil <= pupils; ++pupil)
            for (const half_day half : {half_day::am, half_day::pm})
                school.book.mark({day, half}, codes.substr(dice() % codes.size(), 1), pupil);
        for (unsigned lessons = dice() % 12; lessons > 0; --lessons)
            school.cases.lesson(day, dice() % 3 ? "N" : "/", 1 + dice() % pupils);
        if (dice() % 8 == 0) school.cases.incident(day, "Aggressor", 1, 1 + dice() % pupils);
        if (dice() % 8 == 0) school.cases.suspension(am(day), pm(day), 2, "Suspension", 1 + dice() % pupils);
        for (entry_index pupil = 1; pupil <= pupils; ++pupil)
            school.judge(pupil, judged);
        // Later reads of the same day: amendments and deletions anywhere in the past.
        for (unsigned amended = dice() % 4; amended > 0; --amended) {
            const entry_index pupil = 1 + dice() % pupils;
            const civil_day past = school.calendar.school_day_after(first, static_cast<int>(dice() % (n + 1))).value();
            const session_id session{past > day ? day : past, dice() % 2 ? half_day::am : half_day::pm};
            if (dice() % 5 == 0)
                school.book.remove(session, pupil);
            else
                school.book.mark(session, codes.substr(dice() % codes.size(), 1), pupil);
            school.judge_touched(pupil, judged);
        }
        if (const entry_index pupil = 1 + dice() % pupils; !school.cases.held.lessons_of(pupil).empty()) {
            const std::uint32_t place = school.cases.held.lessons_of(pupil).front();
            const lesson_absence& lesson = school.cases.held.lessons()[place];
            school.cases.lesson(lesson.day, dice() % 2 ? "M" : dice() % 2 ? "" : "O", pupil, lesson.subject);
            school.judge(pupil, judged);
        }
    }
    const auto incremental = standing(school);
    // Everybody once more, by what is held now: nothing may change.
    for (entry_index pupil = 1; pupil <= pupils; ++pupil)
        school.judge(pupil, {day, evening(day)});
    CHECK(standing(school) == incremental);

    // And from nothing: whatever is met now stands in both, with the same value and evidence.
    for (entry_index pupil = 1; pupil <= pupils; ++pupil) {
        const rule_facts facts{school.book.held, school.calendar, &school.cases.held};
        for (const rule& by : school.rules) {
            if (!by.enabled || find_measure(by.measure)->by_clock) continue;
            const verdict now = evaluate(by, school.who(pupil), facts, {day, evening(day)});
            const auto at = incremental.find({by.id, pupil});
            CAPTURE(by.id, pupil);
            if (now.stage >= 0) {
                REQUIRE(at != incremental.end());
                CHECK(at->second.first == now.value);
                CHECK(at->second.second == now.evidence);
            } else if (at != incremental.end()) {
                // It stands though nothing is met: only until a person decides, or down to the clearing level.
                CHECK((by.needs_decision || now.above_clearing));
            }
        }
    }
}

TEST_CASE("what a later history says of an earlier moment is what was known then", "[rules]")
{
    const unsigned seed = GENERATE(range(1u, 9u));
    CAPTURE(seed);
    std::mt19937 dice(seed);
    moving_school school;
    const std::vector<civil_day> all = mark_some_days(school, 40, dice);
    const civil_day first = all.front();

    register_gate gate(school.book.held, school.calendar);
    for (entry_index pupil = 1; pupil <= pupils; ++pupil)
        gate.put_pupil(school.book.number(pupil), pupil % 2 ? "9A" : "9B", "9");
    gate.know_read({local_instant(all[20]) + std::chrono::hours(12), held_back::nothing});
    const rule_facts facts{school.book.held, school.calendar, &school.cases.held, nullptr, std::nullopt, &gate};
    const judged_pupil who = school.who(1);
    const pupil_history later(facts, who, {all.back(), local_instant(all.back() + std::chrono::days(2))});
    for (const civil_day day : all)
        for (const int hour : {0, 9, 13, 17, 24}) {
            CAPTURE(format_day(day), hour);
            const judged_day moment{day, local_instant(day) + std::chrono::hours(hour)};
            const pupil_history then(facts, who, moment);
            const pupil_history seen = later.as_of(moment);
            CHECK(entries_of(then.in({first, day})) == entries_of(seen.in({first, day})));
            CHECK(std::ranges::equal(then.held_back(), seen.held_back()));
            for (const rule& by : school.rules)
                if (!find_measure(by.measure)->by_clock) CHECK(evaluate(by, then).value == evaluate(by, seen).value);
        }
}

TEST_CASE("from whichever day on a history is gathered, it says the same", "[rules]")
{
    const unsigned seed = GENERATE(range(1u, 5u));
    CAPTURE(seed);
    std::mt19937 dice(seed);
    moving_school school;
    const std::vector<civil_day> all = mark_some_days(school, 60, dice);
    const civil_day first = all.front();

    const rule_facts facts{school.book.held, school.calendar, &school.cases.held};
    const std::vector<judged_pupil> who = {school.who(1), school.who(2)};
    const judged_day now{all.back(), local_instant(all.back() + std::chrono::days(2))};
    const pupil_history whole(facts, who[1], now);
    const std::vector<entry_index> everything = entries_of(whole.in({first, now.as_of}));
    std::vector<entry_index> used;
    for (std::size_t i = 0; i < everything.size(); i += 3)
        used.push_back(everything[i]);

    for (const civil_day from :
         {all.front() - std::chrono::days(9),
          all[1],
          all[20],
          all[40],
          all.back(),
          all.back() + std::chrono::days(1)}) {
        CAPTURE(format_day(from));
        const auto gathered = [&] { return std::move(pupil_history::of_several(facts, who, now, from)[1]); };

        const pupil_history later = gathered();
        const auto of_end = later.in({all[50], now.as_of});
        const auto of_middle = later.in({all[10], all[30]});
        CHECK(entries_of(later.in({civil_day::min(), now.as_of})) == everything);
        CHECK(entries_of(of_middle) == entries_of(whole.in({all[10], all[30]}))); // still good
        CHECK(entries_of(of_end) == entries_of(whole.in({all[50], now.as_of})));
        CHECK(
            entries_of(gathered().without(used).in({first, now.as_of})) ==
            entries_of(whole.without(used).in({first, now.as_of}))
        );

        for (const civil_day day : {all[5], all[30], now.as_of}) {
            const judged_day then{day, local_instant(day) + std::chrono::hours(24)};
            const pupil_history known = gathered();
            for (const rule& by : school.rules) {
                if (find_measure(by.measure)->by_clock) continue;
                CAPTURE(by.id, format_day(day));
                const verdict expected = evaluate_fresh(by, whole.as_of(then), used);
                const verdict found = evaluate_fresh(by, known.as_of(then), used);
                CHECK(found.stage == expected.stage);
                CHECK(found.value == expected.value);
                CHECK(found.evidence == expected.evidence);
            }
        }
    }
}
