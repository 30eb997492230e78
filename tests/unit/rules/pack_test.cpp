#include "daemon/rules/alert.hpp"

#include "tests/support/cases.hpp"
#include "tests/support/england_pack.hpp"
#include "tests/support/school.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::support;

namespace {

using text = std::string;

// A pupil of year 9, whom every cohort of the pack is about.
struct one_pupil {
    school_calendar calendar = example_calendar();
    register_builder book;
    case_builder cases;
    flag_set flags = flag_set().set(0); // a social worker
    std::optional<local_instant> accounted_at;
    std::optional<civil_day> on_roll_to;

    verdict judge(std::string_view id, local_instant read_at)
    {
        const judged_day judged = judge_at(calendar, read_at).value();
        return judge_as_of(england_rule(id), judged);
    }
    verdict judge_as_of(const rule& by, const judged_day& judged)
    {
        judged_pupil pupil{.number = book.number(), .ref = 1, .year = "9", .date_of_birth = ymd(2013, 1, 15)};
        pupil.flags = flags;
        pupil.accounted_at = accounted_at;
        pupil.on_roll_to = on_roll_to;
        return evaluate(by, pupil, {book.held, calendar, &cases.held}, judged);
    }
    // By the clock, at that minute.
    verdict at(std::string_view id, local_instant now) { return judge_as_of(england_rule(id), {day_of(now), now}); }
};

text repeated(int times, text what)
{
    text all;
    for (int i = 0; i < times; ++i)
        all += what;
    return all;
}

} // namespace

TEST_CASE("absence is persistent at ten per cent of possible sessions, and not a session below", "[rules][statutory]")
{
    // Absent and possible sessions, over days from 3 September 2026 on; D is not possible.
    const auto [why, absent, present, more, stage, value] = GENERATE(table<text, int, int, text, int, int>({
        {"nothing absent", 0, 40, "", -1, 0},
        {"7.99 % is below the early stage", 8, 92, "/", -1, 792},
        {"8 % exactly is early", 8, 92, "", 0, 800},
        {"9.90 % is still early", 10, 90, "/", 0, 990},
        {"10 % exactly is persistent", 10, 90, "", 1, 1000},
        {"D leaves the denominator", 10, 90, "DDDDDD", 1, 1000},
        {"K counts as present", 10, 89, "K", 1, 1000},
        {"49.49 % is persistent", 49, 50, "", 1, 4949},
        {"50 % exactly is severe", 50, 50, "", 2, 5000},
        {"nineteen possible sessions are too few", 19, 0, "", -1, 10000},
        {"twenty are enough", 20, 0, "", 2, 10000},
    }));
    CAPTURE(why);
    one_pupil one;
    one.book.marks(one.calendar, ymd(2026, 9, 3), repeated(absent, "I") + repeated(present, "/") + more);
    const verdict found = one.judge("persistent-absence", evening(ymd(2026, 12, 1)));
    CHECK(found.stage == stage);
    CHECK(found.value == value);
    REQUIRE(found.parts);
    CHECK(found.parts->absent == absent);
    CHECK(found.evidence.size() == static_cast<std::size_t>(absent));
}

TEST_CASE("9.96 per cent is not ten, whatever it would round to", "[rules][statutory]")
{
    one_pupil one;
    one.book.marks(one.calendar, ymd(2025, 9, 3), repeated(28, "O") + repeated(253, "/"));
    const verdict found = one.judge("persistent-absence", evening(ymd(2026, 7, 20)));
    CHECK(found.parts == absence_parts{28, 281});
    CHECK(found.value == 996);
    CHECK(found.stage == 0);
}

TEST_CASE("absence is of the academic year, which begins on 1 August", "[rules][statutory]")
{
    one_pupil one;
    one.book.marks(one.calendar, ymd(2026, 7, 1), repeated(20, "I"));
    CHECK(one.judge("persistent-absence", evening(ymd(2026, 7, 21))).stage == 2);
    CHECK(one.judge("persistent-absence", evening(ymd(2026, 9, 3))).stage == -1);
}

TEST_CASE("continuous absence is met by twenty sessions in a row, across the summer too", "[rules][statutory]")
{
    const auto [why, first, codes, as_of, stage, value] = GENERATE(table<text, civil_day, text, civil_day, int, int>({
        {"nineteen sessions are nine days", ymd(2026, 11, 2), repeated(19, "O"), ymd(2026, 11, 13), -1, 9},
        {"twenty are ten", ymd(2026, 11, 2), repeated(20, "O"), ymd(2026, 11, 13), 0, 10},
        {"any mix of G, N, O and U", ymd(2026, 11, 2), repeated(5, "GNOU"), ymd(2026, 11, 13), 0, 10},
        {"an attended session begins it again",
         ymd(2026, 11, 2),
         "OOOO/" + repeated(19, "O"),
         ymd(2026, 11, 18),
         -1,
         9},
        {"and so does illness", ymd(2026, 11, 2), "OOOOI" + repeated(19, "O"), ymd(2026, 11, 18), -1, 9},
        {"a session not required neither counts nor ends it",
         ymd(2026, 11, 2),
         repeated(10, "O") + "D" + repeated(10, "O"),
         ymd(2026, 11, 16),
         0,
         10},
        {"the last week of July and the first of September",
         ymd(2026, 7, 16),
         repeated(20, "G"),
         ymd(2026, 9, 9),
         0,
         10},
        {"it is over once the pupil is back", ymd(2026, 11, 2), repeated(20, "O") + "/", ymd(2026, 11, 16), -1, 0},
    }));
    CAPTURE(why);
    one_pupil one;
    one.book.marks(one.calendar, first, codes);
    const verdict found = one.judge("continuous-absence", evening(as_of));
    CHECK(found.stage == stage);
    CHECK(found.value == value);
}

TEST_CASE(
    "ten sessions without leave that no decision was made on meet the penalty threshold again", "[rules][statutory]"
)
{
    // Ten in the first week of November, on which a person decided; then so many more.
    const auto [why, more, as_of, opens] = GENERATE(table<text, int, civil_day, bool>({
        {"the same ten", 0, ymd(2026, 11, 6), false},
        {"nine more, nineteen in all", 9, ymd(2026, 11, 20), false},
        {"ten more: the count was never below ten between", 10, ymd(2026, 11, 20), true},
    }));
    CAPTURE(why);
    one_pupil one;
    const rule by = england_rule("penalty-notice");
    const judged_pupil pupil{.number = one.book.number(), .ref = 1, .year = "9", .date_of_birth = ymd(2013, 1, 15)};
    const rule_facts facts{one.book.held, one.calendar, &one.cases.held};
    const judged_day friday{ymd(2026, 11, 6), evening(ymd(2026, 11, 6))};
    one.book.marks(one.calendar, ymd(2026, 11, 2), repeated(10, "O"));
    alert opened =
        next_alert(by, "1", pupil, nullptr, one.judge_as_of(by, friday), nullptr, friday, false, instant())->next;
    opened.id = opened.latest = 7;
    const alert_decision decided{alert_verb::close, "lead", "A Lead", "notice", "referred"};
    const alert closed = *decide_alert(opened, decided, true, instant()).value();
    one.book.marks(one.calendar, ymd(2026, 11, 16), repeated(more, "O"));
    const judged_day judged{as_of, evening(as_of)};
    const verdict now = evaluate_fresh(by, pupil_history(facts, pupil, judged), used_before(by, &closed));
    const auto change = next_alert(by, "1", pupil, &closed, now, nullptr, judged, false, instant());
    CHECK((change && change->tell == telling::opened) == opens);
    if (opens) CHECK(change->next.value == more);
}

TEST_CASE(
    "illness is reviewed at ten days and returned at fifteen, or when the pace comes to fifteen", "[rules][statutory]"
)
{
    const auto [why, sick, well, more, stage, value, predicted] = GENERATE(table<text, int, int, text, int, int, bool>({
        {"nine days and a half", 19, 0, "", -1, 9, false},
        {"ten days in ten, and the year is long", 20, 0, "", 1, 10, true},
        {"ten days of a hundred and fifty", 20, 280, "", 0, 10, false},
        {"fourteen days and a half near the year's end", 29, 341, "", 0, 14, false},
        {"fifteen days", 30, 340, "", 1, 15, false},
        {"a medical appointment is none", 19, 0, "M", -1, 9, false},
    }));
    CAPTURE(why);
    one_pupil one;
    const text codes = repeated(sick, "I") + more + repeated(well, "/");
    one.book.marks(one.calendar, ymd(2025, 9, 3), codes);
    const civil_day last =
        one.calendar.school_day_after(ymd(2025, 9, 2), static_cast<int>(codes.size() + 1) / 2).value();
    const verdict found = one.judge("illness", evening(last));
    CHECK(found.stage == stage);
    CHECK(found.value == value);
    CHECK(found.is_predicted == predicted);
}

TEST_CASE("the pace of illness reaches fifteen days or it does not", "[rules]")
{
    // Ten days of illness so far; 2025/26 has as many school days as the calendar says.
    one_pupil one;
    one.book.marks(one.calendar, ymd(2025, 9, 3), repeated(20, "I"));
    const int in_all = one.calendar.school_days_between(ymd(2025, 8, 1), ymd(2026, 7, 31));
    const int last_at_pace = 10 * in_all / 15;
    const auto day_of_year = [&](int n) { return one.calendar.school_day_after(ymd(2025, 8, 1), n).value(); };
    CHECK(one.judge("illness", evening(day_of_year(last_at_pace))).stage == 1);
    CHECK(one.judge("illness", evening(day_of_year(last_at_pace + 1))).stage == 0);
}

TEST_CASE("suspended days are over five, fifteen and forty-five by half days", "[rules][statutory]")
{
    const auto [why, sessions, stage] = GENERATE(table<text, int, int>({
        {"five days are not over five", 10, -1},
        {"five and a half are", 11, 0},
        {"fourteen and a half", 29, 0},
        {"fifteen are not over fifteen", 30, 0},
        {"fifteen and a half are", 31, 1},
    }));
    CAPTURE(why);
    one_pupil one;
    // In pieces of a day and one of a half, from 8 September 2026.
    civil_day day = ymd(2026, 9, 8);
    for (int left = sessions; left > 0; left -= 2) {
        one.cases.suspension(am(day), left == 1 ? am(day) : pm(day));
        day = one.calendar.school_day_after(day, 2).value();
    }
    const verdict found = one.judge("suspension-days", evening(ymd(2026, 12, 17)));
    CHECK(found.stage == stage);
    CHECK(found.value == sessions);
}

TEST_CASE("more than forty-five days are counted over the whole school year", "[rules][statutory]")
{
    const auto [is_over, stage] = GENERATE(table<bool, int>({{false, 0}, {true, 2}}));
    one_pupil one;
    // 30 days in the autumn and 15 or 15.5 in the spring.
    one.cases.suspension(am(ymd(2025, 9, 8)), pm(ymd(2025, 10, 17)), 60);
    one.cases.suspension(am(ymd(2026, 1, 5)), pm(ymd(2026, 1, 23)), 30);
    if (is_over) one.cases.suspension(am(ymd(2026, 3, 2)), am(ymd(2026, 3, 2)), 1);
    const verdict found = one.judge("suspension-days", evening(ymd(2026, 3, 3)));
    CHECK(found.stage == stage);
    CHECK(found.value == (is_over ? 91 : 30));
}

TEST_CASE("the days of a suspension that runs past December count in the year from its first day", "[rules][statutory]")
{
    // 42.5 days, and one of four more, two of which are in January.
    const auto [why, from, as_of, stage, value] = GENERATE(table<text, civil_day, civil_day, int, int>({
        {"on its first day", ymd(2026, 12, 17), ymd(2026, 12, 17), 2, 93},
        {"the evening before", ymd(2026, 12, 17), ymd(2026, 12, 16), 1, 85},
    }));
    CAPTURE(why);
    one_pupil one;
    one.cases.suspension(am(ymd(2026, 9, 7)), am(ymd(2026, 11, 13)), 85);
    civil_day last = from;
    for (int more = 0; more < 3; ++more)
        last = one.calendar.school_day_after(last, 1).value();
    REQUIRE(last > ymd(2026, 12, 31));
    one.cases.suspension(am(from), pm(last), 8);
    const verdict found = one.judge("suspension-days", evening(as_of));
    CHECK(found.stage == stage);
    CHECK(found.value == value);
}

TEST_CASE("a source that says nothing of how long, or 0, is counted by its dates", "[rules][statutory]")
{
    const auto [why, stated, kind, value] = GENERATE(table<text, int, text, int>({
        {"it says nothing", -1, "Suspension", 8},
        {"it says 0", 0, "Suspension", 8},
        {"it says less than its dates have", 5, "Suspension", 5},
        {"lunchtimes are half a day each", -1, "Lunchtime suspension", 4},
        {"lunchtimes as the source counts them", 3, "Lunchtime suspension", 3},
        {"a permanent exclusion is in no total", 8, "Permanent exclusion", 0},
        {"nor is one without a number", -1, "PERMANENT", 0},
    }));
    CAPTURE(why);
    one_pupil one;
    one.cases.suspension(am(ymd(2026, 11, 9)), pm(ymd(2026, 11, 12)), stated, kind);
    CHECK(one.judge("suspension-days", evening(ymd(2026, 11, 20))).value == value);
}

TEST_CASE("a suspension without a last day ends with the sessions that the source states", "[rules][statutory]")
{
    struct row {
        text why;
        session_id from;
        int stated;
        text kind;
        civil_day as_of;
        int value;
        int stage;
    };
    const auto [why, from, stated, kind, as_of, value, stage] = GENERATE(values<row>({
        {"twelve sessions, on the first day", am(ymd(2026, 11, 9)), 12, "Suspension", ymd(2026, 11, 9), 12, 0},
        {"and no more weeks later", am(ymd(2026, 11, 9)), 12, "Suspension", ymd(2026, 12, 17), 12, 0},
        {"ten are not over five days", am(ymd(2026, 11, 9)), 10, "Suspension", ymd(2026, 12, 17), 10, -1},
        {"eleven are", am(ymd(2026, 11, 9)), 11, "Suspension", ymd(2026, 11, 9), 11, 0},
        {"no length: so far as it is known", am(ymd(2026, 11, 9)), -1, "Suspension", ymd(2026, 11, 10), 4, -1},
        {"0 is no length", am(ymd(2026, 11, 9)), 0, "Suspension", ymd(2026, 11, 10), 4, -1},
        {"lunchtimes", am(ymd(2026, 11, 9)), 3, "Lunchtime suspension", ymd(2026, 12, 17), 3, -1},
        {"to the term's last session", pm(ymd(2026, 12, 17)), 3, "Suspension", ymd(2026, 12, 17), 3, -1},
        {"one more is the next term's", pm(ymd(2026, 12, 17)), 4, "Suspension", ymd(2026, 12, 17), 3, -1},
        {"which has that one", pm(ymd(2026, 12, 17)), 4, "Suspension", ymd(2027, 1, 11), 1, -1},
        {"lunchtimes into the next term", am(ymd(2026, 12, 17)), 4, "Lunchtime suspension", ymd(2027, 1, 11), 2, -1},
    }));
    CAPTURE(why);
    one_pupil one;
    one.cases.suspension_from(from, stated, kind);
    const verdict found = one.judge("suspension-days", evening(as_of));
    CHECK(found.value == value);
    CHECK(found.stage == stage);
}

TEST_CASE("of a cancelled suspension without a last day what is served in its length counts", "[rules][statutory]")
{
    one_pupil one;
    one.book.marks(one.calendar, ymd(2026, 11, 9), "EEEE////EE");
    one.cases.suspension_from(am(ymd(2026, 11, 9)), 4, "Suspension (cancelled)");
    CHECK(one.judge("suspension-days", evening(ymd(2026, 11, 20))).value == 4);
}

TEST_CASE("of a cancelled permanent exclusion what was served counts", "[rules][statutory]")
{
    const auto kind = GENERATE(
        as<text>(), "Permanent exclusion (cancelled)", "Permanent exclusion, withdrawn", "permanent: RESCINDED"
    );
    CAPTURE(kind);
    one_pupil one;
    one.book.marks(one.calendar, ymd(2026, 11, 9), "EEE/");
    one.cases.suspension(am(ymd(2026, 11, 9)), pm(ymd(2026, 11, 20)), 20, kind);
    CHECK(one.judge("suspension-days", evening(ymd(2026, 11, 20))).value == 3);
}

TEST_CASE("the terms of suspensions end on 31 December, Easter Monday and 31 July", "[rules][statutory]")
{
    const auto [why, day, first, last] = GENERATE(table<text, civil_day, civil_day, civil_day>({
        {"the last day of December", ymd(2026, 12, 31), ymd(2026, 8, 1), ymd(2026, 12, 31)},
        {"the first of January", ymd(2027, 1, 1), ymd(2027, 1, 1), ymd(2027, 3, 29)},
        {"Easter Monday 2027", ymd(2027, 3, 29), ymd(2027, 1, 1), ymd(2027, 3, 29)},
        {"the day after it", ymd(2027, 3, 30), ymd(2027, 3, 30), ymd(2027, 7, 31)},
        {"Easter Monday 2026", ymd(2026, 4, 6), ymd(2026, 1, 1), ymd(2026, 4, 6)},
        {"Easter Monday 2024, on the first of April", ymd(2024, 4, 1), ymd(2024, 1, 1), ymd(2024, 4, 1)},
        {"Easter Monday 2038, the latest there is", ymd(2038, 4, 26), ymd(2038, 1, 1), ymd(2038, 4, 26)},
        {"the last day of July", ymd(2027, 7, 31), ymd(2027, 3, 30), ymd(2027, 7, 31)},
        {"the first of August", ymd(2027, 8, 1), ymd(2027, 8, 1), ymd(2027, 12, 31)},
    }));
    CAPTURE(why);
    CHECK(school_calendar::suspension_term_of(day) == day_range{first, last});
}

TEST_CASE("suspensions of one term do not count in the next", "[rules][statutory]")
{
    one_pupil one;
    one.cases.suspension(am(ymd(2026, 11, 2)), pm(ymd(2026, 11, 6)), 10);
    one.cases.suspension(am(ymd(2027, 1, 11)), am(ymd(2027, 1, 11)), 1);
    CHECK(one.judge("suspension-days", evening(ymd(2026, 12, 17))).value == 10);
    CHECK(one.judge("suspension-days", evening(ymd(2027, 1, 12))).value == 1);
}

TEST_CASE("days that a suspension still has to run count from its first", "[rules][statutory]")
{
    one_pupil one;
    one.cases.suspension(pm(ymd(2026, 11, 9)), pm(ymd(2026, 11, 16)));
    CHECK(one.judge("suspension-days", evening(ymd(2026, 11, 6))).value == 0);
    const verdict found = one.judge("suspension-days", evening(ymd(2026, 11, 9)));
    CHECK(found.value == 11);
    CHECK(found.stage == 0);
}

TEST_CASE("of a cancelled suspension only what was served counts", "[rules][statutory]")
{
    one_pupil one;
    one.book.marks(one.calendar, ymd(2026, 11, 9), "EEE/");
    one.cases.suspension(am(ymd(2026, 11, 9)), pm(ymd(2026, 11, 20)), 20, "Suspension (cancelled)");
    const verdict found = one.judge("suspension-days", evening(ymd(2026, 11, 20)));
    CHECK(found.value == 3);
    CHECK(found.detail == "1 was cancelled; the sessions served before count.");
    CHECK(one.judge("suspension-duties", evening(ymd(2026, 11, 20))).stage == -1);
}

TEST_CASE(
    "each suspension has its checklist, with education from the sixth day where it lasts so long", "[rules][statutory]"
)
{
    const auto [why, last, has_sixth] = GENERATE(table<text, civil_day, bool>({
        {"five days", ymd(2026, 11, 13), false},
        {"into the sixth", ymd(2026, 11, 16), true},
    }));
    CAPTURE(why);
    one_pupil one;
    const entry_index entry = one.cases.suspension(am(ymd(2026, 11, 9)), am(last));
    const verdict found = one.judge("suspension-duties", evening(ymd(2026, 11, 9)));
    CHECK(found.stage == 0);
    CHECK(found.evidence == std::vector<entry_index>{entry});
    CHECK_THAT(found.detail, Catch::Contains("by the end of the afternoon session of 9 November 2026"));
    const bool says_sixth = found.detail.find("from 16 November 2026, the sixth school day") != text::npos;
    CHECK(says_sixth == has_sixth);
}

TEST_CASE("without a last day the stated sessions say whether a sixth day comes", "[rules][statutory]")
{
    const auto [stated, has_sixth] = GENERATE(table<int, bool>({{10, false}, {11, true}, {-1, true}}));
    CAPTURE(stated);
    one_pupil one;
    one.cases.suspension_from(am(ymd(2026, 11, 9)), stated);
    const verdict found = one.judge("suspension-duties", evening(ymd(2026, 11, 9)));
    CHECK((found.detail.find("from 16 November 2026, the sixth school day") != text::npos) == has_sixth);
}

TEST_CASE("the sixth day is counted over suspensions that follow each other", "[rules][statutory]")
{
    struct row {
        text why;
        session_id first_to;
        text first_kind;
        session_id from, to;
        text kind;
        text says; // empty: nothing of education
    };
    // The first from Monday 9 November 2026; Monday 16 November is the sixth school day from it.
    const session_id wednesday = pm(ymd(2026, 11, 11)), thursday = am(ymd(2026, 11, 12)),
                     friday = am(ymd(2026, 11, 13));
    const text fixed = "Suspension", chained = "16 November 2026; the sixth school day is counted from 9 November 2026";
    const auto [why, first_to, first_kind, from, to, kind, says] = GENERATE_COPY(values<row>({
        {"the next school day", wednesday, fixed, thursday, pm(ymd(2026, 11, 18)), fixed, chained},
        {"and to the sixth day", wednesday, fixed, thursday, am(ymd(2026, 11, 16)), fixed, chained},
        {"to the fifth alone", wednesday, fixed, thursday, pm(ymd(2026, 11, 13)), fixed, ""},
        {"a school day between", wednesday, fixed, friday, pm(ymd(2026, 11, 18)), fixed, ""},
        {"a weekend between",
         pm(ymd(2026, 11, 13)),
         fixed,
         am(ymd(2026, 11, 16)),
         am(ymd(2026, 11, 16)),
         fixed,
         chained},
        {"after the sixth day had come",
         pm(ymd(2026, 11, 17)),
         fixed,
         am(ymd(2026, 11, 18)),
         am(ymd(2026, 11, 18)),
         fixed,
         "18 November 2026; the sixth school day is counted from 9 November 2026"},
        {"the first was cancelled", wednesday, "Suspension (cancelled)", thursday, pm(ymd(2026, 11, 18)), fixed, ""},
        {"the first was of lunchtimes", wednesday, "Lunchtime", thursday, pm(ymd(2026, 11, 18)), fixed, ""},
        {"an exclusion has days of its own",
         wednesday,
         fixed,
         thursday,
         pm(ymd(2026, 11, 18)),
         "Permanent exclusion",
         "19 November 2026, the sixth school day"},
    }));
    CAPTURE(why);
    one_pupil one;
    const entry_index first = one.cases.suspension(am(ymd(2026, 11, 9)), first_to, -1, first_kind);
    one.cases.suspension(from, to, -1, kind);
    const judged_day judged{from.day, evening(from.day)};
    const judged_pupil pupil{.number = one.book.number(), .ref = 1, .year = "9", .date_of_birth = std::nullopt};
    const rule_facts facts{one.book.held, one.calendar, &one.cases.held};
    // The first one's checklist was dealt with.
    const text said =
        evaluate_fresh(england_rule("suspension-duties"), pupil_history(facts, pupil, judged), {first}).detail;
    CAPTURE(said);
    const auto at = said.find("education from ");
    CHECK((at == text::npos ? text() : said.substr(at + 15, says.size())) == says);
}

TEST_CASE("a second suspension has its checklist though the first one's was dealt with", "[rules]")
{
    one_pupil one;
    const rule by = england_rule("suspension-duties");
    const judged_pupil pupil{.number = one.book.number(), .ref = 1, .year = "9", .date_of_birth = std::nullopt};
    const judged_day monday{ymd(2026, 11, 9), evening(ymd(2026, 11, 9))};
    one.cases.suspension(am(ymd(2026, 11, 9)), pm(ymd(2026, 11, 9)));
    const verdict first = one.judge_as_of(by, monday);
    alert decided = next_alert(by, "1", pupil, nullptr, first, nullptr, monday, false, instant())->next;
    decided.id = decided.latest = 7;
    decided.state = alert_state::resolved; // by a person
    const rule_facts facts{one.book.held, one.calendar, &one.cases.held};
    const auto judge = [&](const judged_day& judged) {
        const verdict now = evaluate_fresh(by, pupil_history(facts, pupil, judged), used_before(by, &decided));
        return next_alert(by, "1", pupil, &decided, now, nullptr, judged, false, instant());
    };
    CHECK_FALSE(judge(monday));

    const entry_index second = one.cases.suspension(am(ymd(2026, 11, 12)), pm(ymd(2026, 11, 12)));
    const auto again = judge({ymd(2026, 11, 12), evening(ymd(2026, 11, 12))});
    REQUIRE(again);
    CHECK(again->tell == telling::opened);
    CHECK(again->next.id == no_entry);
    CHECK(again->next.evidence == std::vector<entry_index>{second});
    CHECK_THAT(again->next.reason, Catch::Contains("Suspended from 12 November 2026"));
    CHECK_THAT(again->next.reason, !Catch::Contains("9 November 2026 to"));
}

TEST_CASE("a missing child is called for as the register closes, and so on by the minute", "[rules]")
{
    const civil_day day = ymd(2026, 11, 20);
    const auto [why, hour, minute, stage, value] = GENERATE(table<text, int, int, int, int>({
        {"before the register closes", 9, 14, -1, 0},
        {"as it closes", 9, 15, 0, 0},
        {"a minute before the second contact", 9, 44, 0, 29},
        {"the second contact", 9, 45, 1, 30},
        {"a minute before the safeguarding lead", 10, 14, 1, 59},
        {"the safeguarding lead", 10, 15, 2, 60},
        {"a minute before the visit", 11, 14, 2, 119},
        {"the visit", 11, 15, 3, 120},
    }));
    CAPTURE(why);
    one_pupil one;
    one.book.mark(am(ymd(2026, 11, 19)), "/");
    one.book.mark(pm(ymd(2026, 11, 19)), "\\");
    const entry_index entry = one.book.mark(am(day), "N");
    const verdict found = one.at("missing-child", at_time(day, hour, minute));
    CHECK(found.stage == stage);
    CHECK(found.value == value);
    CHECK(found.evidence == (stage < 0 ? std::vector<entry_index>{} : std::vector<entry_index>{entry}));
}

TEST_CASE("a register that is not there is waited for ten minutes, and told with when marks were last read", "[rules]")
{
    const civil_day day = ymd(2026, 11, 20);
    const auto [why, mark, minute, stage] = GENERATE(table<text, text, int, int>({
        {"no mark after nine minutes", "", 24, -1},
        {"no mark after ten", "", 25, 0},
        {"a dash is no mark", "-", 25, 0},
        {"U is on site", "U", 25, -1},
        {"illness says where the pupil is", "I", 25, -1},
        {"a code that the law does not list is another mark", "?", 25, -1},
    }));
    CAPTURE(why);
    one_pupil one;
    one.book.marks(one.calendar, ymd(2026, 11, 19), "/\\");
    if (!mark.empty()) one.book.mark(am(day), mark);
    CHECK(one.at("missing-child", at_time(day, 9, minute)).stage == stage);

    rule waits = england_rule("missing-child");
    waits.when_unknown = rule::unknown::wait;
    CHECK(one.judge_as_of(waits, {day, at_time(day, 9, minute)}).stage == -1);
}

TEST_CASE("present in the morning and unexplained in the afternoon begins again at noon", "[rules]")
{
    one_pupil one;
    const civil_day day = ymd(2026, 11, 20);
    one.book.marks(one.calendar, day, "/N");
    CHECK(one.at("missing-child", at_time(day, 13, 29)).stage == -1);
    const verdict found = one.at("missing-child", at_time(day, 14, 0));
    CHECK(found.stage == 1);
    CHECK(found.value == 30);
}

TEST_CASE("a night that goes by is no news of a child", "[rules]")
{
    one_pupil one;
    one.book.marks(one.calendar, ymd(2026, 11, 19), "NN");
    const auto at_night = one.at("missing-child", at_time(ymd(2026, 11, 19), 23));
    CHECK(at_night.value == 405); // 09:15 to 16:00
    CHECK(one.at("missing-child", at_time(ymd(2026, 11, 20), 9, 20)).value == 405);
    one.book.mark(am(ymd(2026, 11, 20)), "/");
    CHECK(one.at("missing-child", at_time(ymd(2026, 11, 20), 9, 20)).stage == -1);
}

TEST_CASE("the clock next matters when a register closes, is overdue, or a stage is reached", "[rules]")
{
    const school_calendar calendar = example_calendar();
    const std::vector<rule> rules = {england_rule("missing-child")};
    const civil_day friday = ymd(2026, 11, 20);
    const auto [now, next] = GENERATE_REF(table<local_instant, local_instant>({
        {at_time(friday, 6), at_time(friday, 9, 15)},
        {at_time(friday, 9, 15), at_time(friday, 9, 25)},
        {at_time(friday, 9, 25), at_time(friday, 9, 45)},
        {at_time(friday, 11, 15), at_time(friday, 13, 30)},
        {at_time(friday, 15, 30), at_time(ymd(2026, 11, 23), 9, 15)},
        {at_time(ymd(2026, 11, 21), 12), at_time(ymd(2026, 11, 23), 9, 15)},
    }));
    CHECK(next_clock_change(calendar, rules, now) == next);
    CHECK_FALSE(next_clock_change(calendar, std::vector{england_rule("penalty-notice")}, now));
}

TEST_CASE("who came in the morning and is unexplained in the afternoon is looked for, whoever it is", "[rules]")
{
    const civil_day day = ymd(2026, 11, 19);
    const auto [why, codes, hour, minute, stage, value] = GENERATE(table<text, text, int, int, int, int>({
        {"before the afternoon's register closes", "/N", 13, 29, -1, 0},
        {"as it closes", "/N", 13, 30, 0, 0},
        {"a minute before the call", "/N", 13, 44, 0, 14},
        {"the call", "/N", 13, 45, 1, 15},
        {"a minute before the safeguarding lead", "/N", 13, 59, 1, 29},
        {"the safeguarding lead", "/N", 14, 0, 2, 30},
        {"late in the morning is there", "LN", 13, 30, 0, 0},
        {"U came, after the register had closed", "UN", 13, 30, 0, 0},
        {"ill in the morning never came", "IN", 13, 30, -1, 0},
        {"off site in the morning was not in school", "BN", 13, 30, -1, 0},
        {"unexplained all day is another rule's", "NN", 14, 0, -1, 0},
        {"explained in the afternoon", "/M", 14, 0, -1, 0},
        {"no mark at all is a register that was not taken", "/ ", 14, 0, -1, 0},
        {"nothing is known of the morning", " N", 14, 0, -1, 0},
    }));
    CAPTURE(why);
    one_pupil one;
    one.flags.reset(); // no cohort
    one.book.marks(one.calendar, day, codes);
    const verdict found = one.at("left-during-day", at_time(day, hour, minute));
    CHECK(found.stage == stage);
    CHECK(found.value == value);
    CHECK(found.evidence.size() == (stage < 0 ? 0u : 2u)); // the morning on which they came, and the afternoon
}

TEST_CASE("who left during the day is looked for until the pupil is accounted for, over night too", "[rules]")
{
    one_pupil one;
    const civil_day thursday = ymd(2026, 11, 19);
    const civil_day friday = ymd(2026, 11, 20);
    one.book.marks(one.calendar, thursday, "/N");
    CHECK(one.at("left-during-day", at_time(thursday, 23)).value == 150); // 13:30 to 16:00
    CHECK(one.at("left-during-day", at_time(friday, 9, 20)).value == 150);
    one.book.mark(am(friday), "N");
    CHECK(one.at("left-during-day", at_time(friday, 9, 25)).value == 160);
    SECTION("a mark that says where they are ends it")
    {
        one.book.mark(am(friday), "I");
        CHECK(one.at("left-during-day", at_time(friday, 9, 25)).stage == -1);
    }
    SECTION("and so does the reason for the afternoon")
    {
        one.book.mark(pm(thursday), "M");
        CHECK(one.at("left-during-day", at_time(friday, 9, 25)).stage == -1);
    }
    SECTION("time alone never ends it")
    {
        one.book.marks(one.calendar, friday, "NNNNNNNNNNNNNNNN");
        CHECK(one.at("left-during-day", at_time(ymd(2026, 11, 27), 15)).stage == 2);
        CHECK(one.at("left-during-day", at_time(ymd(2026, 12, 1), 15)).stage == 2);
    }
}

TEST_CASE("a contact that says where a pupil was speaks of the sessions before it and of none after", "[rules]")
{
    one_pupil one;
    const civil_day thursday = ymd(2026, 11, 19);
    const civil_day friday = ymd(2026, 11, 20);
    SECTION("a morning that was explained counts to no afternoon")
    {
        one.book.marks(one.calendar, thursday, "NN");
        CHECK(one.at("missing-child", at_time(thursday, 13, 30)).value > 200);
        one.accounted_at = at_time(thursday, 9, 40);
        CHECK(one.at("missing-child", at_time(thursday, 13, 29)).stage == -1);
        const verdict found = one.at("missing-child", at_time(thursday, 13, 30));
        CHECK(found.stage == 0);
        CHECK(found.value == 0);
        CHECK(found.evidence.size() == 1);
    }
    SECTION("who left, and was accounted for, has not left when the next morning is not known")
    {
        one.book.marks(one.calendar, thursday, "/NN");
        CHECK(one.at("left-during-day", at_time(friday, 9, 30)).stage == 2);
        one.accounted_at = at_time(thursday, 14);
        CHECK(one.at("left-during-day", at_time(friday, 9, 30)).stage == -1);
        CHECK(one.at("missing-child", at_time(friday, 9, 30)).value == 15);
    }
}

TEST_CASE("of a pupil who has left no register is waited for", "[rules]")
{
    one_pupil one;
    const civil_day thursday = ymd(2026, 11, 19);
    const civil_day friday = ymd(2026, 11, 20);
    one.book.marks(one.calendar, thursday, "//");
    CHECK(one.at("missing-child", at_time(friday, 9, 30)).stage == 0);
    one.on_roll_to = friday;
    CHECK(one.at("missing-child", at_time(friday, 9, 30)).stage == 0);
    one.on_roll_to = thursday;
    CHECK(one.at("missing-child", at_time(friday, 9, 30)).stage == -1);
    one.book.mark(am(friday), "N"); // a mark says what it says
    CHECK(one.at("missing-child", at_time(friday, 9, 30)).stage == 0);
}

TEST_CASE("who was left out of an afternoon's register that was taken is looked for ten minutes on", "[rules]")
{
    one_pupil one;
    const civil_day day = ymd(2026, 11, 19);
    const auto [others, minute, stage] = GENERATE(table<bool, int, int>({
        {true, 39, -1},
        {true, 40, 0},
        {false, 40, -1}, // the whole register is not there: that is no news of this pupil
    }));
    one.book.marks(one.calendar, day, "/ ");
    register_gate gate(one.book.held, one.calendar);
    for (const entry_index each : {1, 2, 3}) {
        gate.put_pupil(one.book.number(each), "9A");
        if (each > 1 && others) one.book.mark(pm(day), "\\", each);
    }
    const local_instant now = at_time(day, 13, minute);
    gate.know_read({at_time(day, 14, 5), held_back::nothing}); // after it settled
    judged_pupil pupil{.number = one.book.number(), .ref = 1, .year = "9"};
    const rule_facts facts{one.book.held, one.calendar, nullptr, nullptr, std::nullopt, &gate};
    CHECK(evaluate(england_rule("left-during-day"), pupil, facts, {day, now}).stage == stage);
}

TEST_CASE("a register that closes earlier for a year is called for earlier", "[rules]")
{
    using namespace std::chrono_literals;
    const civil_day day = ymd(2026, 11, 20);
    const auto [year, minute, stage] = GENERATE(table<text, int, int>({
        {"7", 49, -1}, {"7", 50, 0}, {"Year 7", 50, 0}, {"8", 50, -1}, // theirs closes at 09:15
    }));
    std::vector<session_time> times = example_calendar().sessions();
    times.push_back({half_day::am, 8h + 30min, 8h + 50min, 5min, ymd(2026, 9, 1), {"7"}, {}});
    const school_calendar calendar(example_calendar().terms(), example_calendar().closed(), times);
    register_builder book;
    book.marks(calendar, ymd(2026, 11, 19), "/\\N");
    judged_pupil pupil{.number = book.number(), .ref = 1, .year = year};
    pupil.flags.set(0);
    const auto at = [&](int hour, int to) {
        return evaluate(england_rule("missing-child"), pupil, {book.held, calendar}, {day, at_time(day, hour, to)});
    };
    CHECK(at(8, minute).stage == stage);
    CHECK(at(9, 15).stage >= 0);
    CHECK(
        next_clock_change(calendar, std::vector{england_rule("missing-child")}, at_time(day, 6)) == at_time(day, 8, 50)
    );
    // And its mark counts in the other rules once it has settled.
    const auto unexplained = [&](int hour, int to) {
        return evaluate(
            england_rule("priority-child-absent"), pupil, {book.held, calendar}, {day, at_time(day, hour, to)}
        );
    };
    CHECK((unexplained(8, 55).stage >= 0) == (year != "8"));
    CHECK(unexplained(9, 45).stage >= 0);
    CHECK(judge_at(calendar, at_time(day, 8, 55))->as_of == day);
    CHECK(judge_at(calendar, at_time(day, 8, 54))->as_of == ymd(2026, 11, 19));
}

TEST_CASE("who will be persistently absent by the end of the half term at this pace is on track to it", "[rules]")
{
    // Thirty-seven school days before the half term break and thirteen after it, the last twenty of which are the pace;
    // 21 days of the half term are left: 42 sessions.
    const auto [why, early, lately, stage, value] = GENERATE(table<text, int, int, int, int>({
        {"always there", 0, 0, -1, 0},
        {"(4 * 40 + 4 * 42) of (142 * 40)", 0, 4, -1, 577},
        {"(6 * 40 + 6 * 42) of (142 * 40)", 0, 6, -1, 866},
        {"(7 * 40 + 7 * 42) of (142 * 40) is over a tenth", 0, 7, 0, 1010},
        {"(9 * 40 + 9 * 42) of (142 * 40)", 0, 9, 0, 1299},
        {"what was long ago carries on to nothing", 9, 0, -1, 633},
        {"a tenth missed already is persistent, and no projection", 0, 10, -1, 1443},
    }));
    CAPTURE(why);
    one_pupil one;
    one.book.marks(one.calendar, ymd(2026, 9, 3), repeated(early, "I") + repeated(74 - early, "/"));
    one.book.marks(one.calendar, ymd(2026, 11, 2), repeated(lately, "I") + repeated(26 - lately, "/"));
    const verdict found = one.judge("on-track-to-persistent", evening(ymd(2026, 11, 18)));
    REQUIRE(found.parts);
    CHECK(found.parts->possible == 100);
    CHECK(found.parts->absent == early + lately);
    CHECK(found.stage == stage);
    CHECK(found.value == value);
}

TEST_CASE("a projection on the last day of a half term is what was missed", "[rules]")
{
    one_pupil one;
    one.book.marks(one.calendar, ymd(2026, 9, 3), repeated(7, "I") + repeated(67, "/"));
    CHECK(one.judge("on-track-to-persistent", evening(ymd(2026, 10, 23))).value == 945); // 7 of 74
}

TEST_CASE("only a priority child is a missing child", "[rules]")
{
    const civil_day day = ymd(2026, 11, 20);
    const auto [why, flag, stage] = GENERATE(table<text, int, int>({
        {"no flag", -1, -1},
        {"a social worker", 0, 0},
        {"looked after", 3, 0},
        {"free school meals are no priority", 9, -1},
    }));
    CAPTURE(why);
    one_pupil one;
    one.flags = flag >= 0 ? flag_set().set(static_cast<std::size_t>(flag)) : flag_set();
    one.book.mark(am(day), "N");
    CHECK(one.at("missing-child", at_time(day, 9, 20)).stage == stage);
    CHECK(one.judge("priority-child-absent", at_time(day, 9, 50)).stage == stage);
}

TEST_CASE("incidents count whom took part, not whom they were done to", "[rules]")
{
    one_pupil one;
    for (const char* role : {"Aggressor", "Participant", "", "Ringleader"})
        one.cases.incident(ymd(2026, 11, 16), role);
    one.cases.incident(ymd(2026, 11, 16), "Target");
    one.cases.incident(ymd(2026, 11, 16), "Witness");
    CHECK(one.judge("incidents", evening(ymd(2026, 11, 20))).value == 4);
    one.cases.incident(ymd(2026, 11, 9));
    CHECK(one.judge("incidents", evening(ymd(2026, 11, 20))).stage == 0);
    CHECK(one.judge("incidents", evening(ymd(2026, 11, 23))).stage == -1);
}

TEST_CASE("three broken weeks of four are a pattern", "[rules]")
{
    const auto [why, weeks, stage, value] = GENERATE(table<text, text, int, int>({
        {"two of four", "I.I.", -1, 2},
        {"three of four", "II.I", 0, 3},
    }));
    CAPTURE(why);
    one_pupil one;
    civil_day monday = ymd(2026, 11, 2);
    for (const char each : weeks) {
        if (each == 'I') one.book.mark(am(monday), "I");
        one.book.mark(pm(monday), "\\");
        monday += std::chrono::days(7);
    }
    const verdict found = one.judge("broken-weeks", evening(ymd(2026, 11, 26)));
    CHECK(found.stage == stage);
    CHECK(found.value == value);
}

TEST_CASE("a pattern of Fridays and Mondays is held against the school's own", "[rules]")
{
    const auto [why, others_too, stage] = GENERATE(table<text, bool, int>({
        {"alone, 45 points above the other days", false, 0},
        {"where the whole school stays away on Fridays and Mondays", true, -1},
    }));
    CAPTURE(why);
    one_pupil one;
    const text week = "II" + repeated(6, "/") + "//";
    one.book.marks(one.calendar, ymd(2026, 11, 2), repeated(4, week));
    for (entry_index other = 2; other < 30; ++other)
        one.book.marks(one.calendar, ymd(2026, 11, 2), repeated(4, others_too ? week : repeated(10, "/")), other);
    CHECK(one.judge("friday-monday", evening(ymd(2026, 11, 30))).stage == stage); // 40 sessions, past the INSET day
}

TEST_CASE("an absence after an incident is that afternoon's or the next school day's", "[rules]")
{
    const auto [why, codes, value] = GENERATE(table<text, text, int>({
        {"there all the time", "////", 0},
        {"away that afternoon", "/I//", 1},
        {"away the next day", "///O", 1},
        {"absent the same morning was before it", "I///", 0},
        {"suspended is the school's own answer", "//EE", 0},
        {"late is on site", "//U/", 0},
        {"two days later is too far", "////I", 0},
    }));
    CAPTURE(why);
    one_pupil one;
    one.book.marks(one.calendar, ymd(2026, 11, 9), codes);
    one.cases.incident(ymd(2026, 11, 9));
    CHECK(one.judge("absence-after-incident", evening(ymd(2026, 11, 20))).value == value);
}

TEST_CASE("every measure has its function and its words", "[rules]")
{
    one_pupil one;
    for (const measure_kind& kind : measures()) {
        CAPTURE(kind.name);
        rule by;
        by.id = "any";
        by.measure = kind.name;
        by.window = {rule_window::unit::academic_year, 0};
        by.stages = {{"met", 1, std::nullopt}};
        CHECK(one.judge_as_of(by, {ymd(2026, 11, 20), evening(ymd(2026, 11, 20))}).stage == -1);
    }
    CHECK(find_measure("lateness") == nullptr);
}

TEST_CASE("every rule of the pack names its authority, and the customary ones say so", "[rules]")
{
    for (const rule& each : england_pack()) {
        CAPTURE(each.id);
        CHECK_FALSE(each.source.empty());
        const bool is_customary = each.source.starts_with("customary");
        CHECK((is_customary || each.enabled));
        if (each.needs_decision) CHECK_FALSE(is_customary);
    }
}

TEST_CASE("a lesson is missed by a pupil whom every session of the day has present", "[rules]")
{
    // Session marks of one day, AM then PM (a space: none), and codes of lessons of that day.
    const auto [why, sessions, lessons, value] = GENERATE(table<text, text, text, int>({
        {"two are one short", "/\\", "NN", 2},
        {"three are met", "/\\", "NNN", 3},
        {"O and G give no reason either", "/\\", "OGN", 3},
        {"late before the register closed is present", "LL", "NNN", 3},
        {"late after it may have missed the first lesson", "U\\", "NNN", 0},
        {"absent in the afternoon: which half a lesson was in is not known", "/N", "NNN", 0},
        {"off site by approval in the afternoon", "/V", "NNN", 0},
        {"no mark of the afternoon yet", "/ ", "NNN", 0},
        {"at an appointment, an interview, an examination, ill, suspended", "/\\", "MJSIE", 0},
        {"off site by approval in the lesson", "/\\", "VBPWK", 0},
        {"late to the lesson", "/\\", "ULU", 0},
        {"there", "/\\", "/\\L", 0},
        {"a code that no law lists", "/\\", "?!*", 0},
        {"no register of the lesson was taken", "/\\", "", 0},
    }));
    CAPTURE(why);
    one_pupil one;
    const civil_day day = ymd(2026, 11, 18);
    one.book.marks(one.calendar, day, sessions);
    std::vector<entry_index> entries;
    for (const char code : lessons)
        entries.push_back(one.cases.lesson(day, code == 'J' ? "J1" : text(1, code)));
    const verdict found = one.judge("missed-lessons", evening(ymd(2026, 11, 20)));
    CHECK(found.value == value);
    CHECK(found.stage == (value >= 3 ? 0 : -1));
    CHECK(found.evidence == (value > 0 ? entries : std::vector<entry_index>()));
}

TEST_CASE("a missed lesson counts for ten school days, and no more once its mark is changed or gone", "[rules]")
{
    one_pupil one;
    const civil_day day = ymd(2026, 11, 9); // a Monday; the eleventh school day after it is past the INSET day
    one.book.marks(one.calendar, day, repeated(40, "/"));
    std::vector<entry_index> entries;
    for (int i = 0; i < 3; ++i)
        entries.push_back(one.cases.lesson(day, "N"));
    CHECK(one.judge("missed-lessons", evening(ymd(2026, 11, 20))).value == 3);
    CHECK(one.judge("missed-lessons", evening(ymd(2026, 11, 23))).value == 0);
    one.cases.lesson(day, "M", 1, entries[0]);
    CHECK(one.judge("missed-lessons", evening(ymd(2026, 11, 20))).value == 2);
    const entry_index again = one.cases.lesson(day, "O", 1, entries[0]);
    CHECK(
        one.judge("missed-lessons", evening(ymd(2026, 11, 20))).evidence ==
        std::vector<entry_index>{again, entries[1], entries[2]}
    );
    one.cases.lesson(day, "", 1, entries[1]);
    CHECK(one.judge("missed-lessons", evening(ymd(2026, 11, 20))).value == 2);
    CHECK(one.cases.held.lessons().size() == 3);
    one.cases.lesson(day, "/");
    CHECK(one.cases.held.lessons().size() == 3); // who was there is not kept
}
