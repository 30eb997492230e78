#include "daemon/rules/alert.hpp"

#include "tests/support/england_rules.hpp"
#include "tests/support/school.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::support;

namespace {

using text = std::string;

verdict judge(const rule& judged_by, register_builder& book, const school_calendar& calendar, civil_day as_of)
{
    const judged_pupil pupil{.number = book.number(), .ref = 1, .year = "9", .date_of_birth = ymd(2013, 1, 15)};
    return evaluate(judged_by, pupil, {book.held, calendar}, {as_of, evening(as_of)});
}

measured measure_of(
    std::string_view measure,
    const rule_window& window,
    register_builder& book,
    const school_calendar& calendar,
    const judged_day& judged
)
{
    const judged_pupil pupil{.number = book.number(), .ref = 1, .year = "9", .date_of_birth = ymd(2013, 1, 15)};
    const rule_facts facts{book.held, calendar};
    return take_measure(measure, window, pupil_history(facts, pupil, judged));
}

} // namespace

TEST_CASE("a lateness stage is met at its threshold and not one session below", "[rules]")
{
    const auto [why, codes, stage, value] = GENERATE(table<text, text, int, int>({
        {"two are one short of the tutor", "LL////////", -1, 2},
        {"three reach the tutor", "LL///////L", 0, 3},
        {"U is late as well as L", "LU///////U", 0, 3},
        {"four are one short of the letter", "LLLL//////", 0, 4},
        {"five reach the letter", "LUL//L///L", 1, 5},
        {"an unknown code is not late", "LL/////?//", -1, 2},
        {"a blank is not late", "LL///////-", -1, 2},
    }));
    CAPTURE(why, codes);
    const school_calendar calendar = example_calendar();
    register_builder book;
    book.mornings(calendar, ymd(2026, 11, 9), codes);

    const verdict found = judge(repeated_lateness(), book, calendar, ymd(2026, 11, 20));
    CHECK(found.stage == stage);
    CHECK(found.value == value);
    CHECK(found.evidence.size() == static_cast<std::size_t>(value));
    CHECK(found.window == day_range{ymd(2026, 11, 9), ymd(2026, 11, 20)});
    CHECK(found.above_clearing == (stage >= 0));
}

TEST_CASE("the lateness window holds ten school days and not the eleventh", "[rules]")
{
    const school_calendar calendar = example_calendar();
    register_builder book;
    book.mornings(calendar, ymd(2026, 11, 9), "LLL///////");
    CHECK(judge(repeated_lateness(), book, calendar, ymd(2026, 11, 20)).value == 3);
    CHECK(judge(repeated_lateness(), book, calendar, ymd(2026, 11, 23)).value == 2);
}

TEST_CASE("the panel stage counts its own half term", "[rules]")
{
    const auto [why, first, codes, as_of, stage, value] = GENERATE(table<text, civil_day, text, civil_day, int, int>({
        {"nine in the half term", ymd(2026, 11, 2), "LLLLLLLLL", ymd(2026, 12, 4), -1, 0},
        {"ten in the half term", ymd(2026, 11, 2), "LLLLLLLLLL", ymd(2026, 12, 4), 2, 10},
        {"those before the break stay there", ymd(2026, 10, 12), "LLLLLLLLLL", ymd(2026, 11, 3), 1, 8},
    }));
    CAPTURE(why);
    const school_calendar calendar = example_calendar();
    register_builder book;
    book.mornings(calendar, first, codes);

    const verdict found = judge(repeated_lateness(), book, calendar, as_of);
    CHECK(found.stage == stage);
    CHECK(found.value == value);
    if (stage == 2) CHECK(found.window == day_range{ymd(2026, 11, 2), as_of});
}

TEST_CASE("the penalty-notice threshold is met at ten unauthorised sessions", "[rules][statutory]")
{
    const auto [why, codes, value, unexplained] = GENERATE(table<text, text, int, int>({
        {"nine are one short", "GGGGGGGGG/", 9, 0},
        {"ten of one code", "GGGGGGGGGG", 10, 0},
        {"any mix of G, N, O and U", "GNOUGNOUGN", 10, 3},
        {"illness is authorised", "GGGGGGGGGI", 9, 0},
        {"late before closing is present", "GGGGGGGGGL", 9, 0},
        {"an unknown code counts nowhere", "GGGGGGGGG?", 9, 0},
        {"nothing recorded counts nowhere", "GGGGGGGGG-", 9, 0},
        {"not required counts nowhere", "GGGGGGGGGX", 9, 0},
    }));
    CAPTURE(why, codes);
    const school_calendar calendar = example_calendar();
    register_builder book;
    book.marks(calendar, ymd(2026, 11, 9), codes);

    const verdict found = judge(penalty_notice(), book, calendar, ymd(2026, 11, 13));
    CHECK(found.value == value);
    CHECK(found.unexplained == unexplained);
    CHECK(found.stage == (value >= 10 ? 0 : -1));
    CHECK(found.evidence.size() == static_cast<std::size_t>(value));
}

TEST_CASE("unauthorised sessions add up across breaks", "[rules][statutory]")
{
    // From `first` on over the school days, judged on `as_of`.
    const auto [why, first, codes, as_of, value] = GENERATE(table<text, civil_day, text, civil_day, int>({
        {"half term", ymd(2026, 10, 22), "GGGGGGGGGG", ymd(2026, 11, 4), 10},
        {"an INSET day", ymd(2026, 11, 25), "GGGGGGGGGG", ymd(2026, 12, 2), 10},
        {"Christmas", ymd(2026, 12, 17), "GGGGGGGGGG", ymd(2027, 1, 6), 10},
        {"two in July and eight in September", ymd(2026, 7, 22), "GGGGGGGGGG", ymd(2026, 9, 8), 10},
        {"July and September, one short", ymd(2026, 7, 22), "GGGGGGGGG/", ymd(2026, 9, 8), 9},
    }));
    CAPTURE(why);
    const school_calendar calendar = example_calendar();
    register_builder book;
    book.marks(calendar, first, codes);
    CHECK(judge(penalty_notice(), book, calendar, as_of).value == value);
}

TEST_CASE("a session leaves the penalty-notice window in its eleventh school week", "[rules][statutory]")
{
    const civil_day tenth_week = ymd(2026, 9, 7); // a Monday; half term's week is no school week
    const civil_day eleventh_week = ymd(2026, 9, 4);
    std::vector<closed_day> one_day_week;
    for (unsigned day = 10; day <= 13; ++day)
        one_day_week.push_back({ymd(2026, 11, day), closed_kind::closure});
    std::vector<closed_day> lost_week = one_day_week;
    lost_week.push_back({ymd(2026, 11, 9), closed_kind::closure});

    const auto [why, closed, oldest, is_met] = GENERATE_COPY(table<text, std::vector<closed_day>, civil_day, bool>({
        {"in the tenth week", {}, tenth_week, true},
        {"in the eleventh week", {}, eleventh_week, false},
        {"a week of one day is a school week", one_day_week, eleventh_week, false},
        {"a week without a school day is none", lost_week, eleventh_week, true},
    }));
    CAPTURE(why);
    const school_calendar calendar = example_calendar(closed);
    register_builder book;
    book.mark(am(oldest), "G");
    book.marks(calendar, ymd(2026, 11, 16), "GGGGGGGGG");
    CHECK((judge(penalty_notice(), book, calendar, ymd(2026, 11, 20)).stage == 0) == is_met);
}

TEST_CASE("sessions before 19 August 2024 do not count to the penalty-notice threshold", "[rules][statutory]")
{
    const school_calendar calendar = example_calendar();
    register_builder book;
    book.marks(calendar, ymd(2024, 7, 22), "UUUU");
    book.mark(pm(ymd(2024, 8, 18)), "G");
    book.marks(calendar, ymd(2024, 8, 19), "GGGGGGGGG/");
    CHECK(judge(penalty_notice(), book, calendar, ymd(2024, 8, 23)).value == 9);
    // Late they were all the same.
    rule late = repeated_lateness();
    CHECK(judge(late, book, calendar, ymd(2024, 8, 23)).value == 4);

    book.mark(pm(ymd(2024, 8, 23)), "O");
    CHECK(judge(penalty_notice(), book, calendar, ymd(2024, 8, 23)).stage == 0);
}

TEST_CASE("a reason is amber on the third school day, red on the fifth and overdue after it", "[rules][statutory]")
{
    const civil_day before_half_term = ymd(2026, 10, 22); // a Thursday
    const civil_day before_inset = ymd(2026, 11, 24);     // a Tuesday; Friday is the INSET day
    const auto [session_day, as_of, age, stage] = GENERATE_COPY(table<civil_day, civil_day, int, int>({
        {before_half_term, before_half_term, 0, -1},
        {before_half_term, ymd(2026, 11, 2), 2, -1},
        {before_half_term, ymd(2026, 11, 3), 3, 0},
        {before_half_term, ymd(2026, 11, 4), 4, 0},
        {before_half_term, ymd(2026, 11, 5), 5, 1},
        {before_half_term, ymd(2026, 11, 6), 6, 2},
        {before_inset, ymd(2026, 11, 26), 2, -1},
        {before_inset, ymd(2026, 11, 30), 3, 0},
        {before_inset, ymd(2026, 12, 1), 4, 0},
        {before_inset, ymd(2026, 12, 2), 5, 1},
        {before_inset, ymd(2026, 12, 3), 6, 2},
    }));
    CAPTURE(format_day(session_day), format_day(as_of));
    const school_calendar calendar = example_calendar();
    register_builder book;
    book.mark(pm(session_day), "N");
    const verdict found = judge(reason_overdue(), book, calendar, as_of);
    CHECK(found.value == age);
    CHECK(found.stage == stage);
    CHECK(found.window == day_range{session_day, as_of});
}

TEST_CASE("the age of a reason is the oldest session's, and every session still N is its evidence", "[rules]")
{
    const school_calendar calendar = example_calendar();
    register_builder book;
    const entry_index second = book.mark(am(ymd(2026, 11, 18)), "N");
    const entry_index oldest = book.mark(pm(ymd(2026, 3, 2)), "N"); // last school year
    const entry_index newest = book.mark(am(ymd(2026, 11, 20)), "N");
    book.mark(pm(ymd(2026, 11, 18)), "O");

    const verdict found = judge(reason_overdue(), book, calendar, ymd(2026, 11, 20));
    CHECK(found.evidence == std::vector<entry_index>{oldest, second, newest});
    CHECK(found.value == calendar.school_days_between(ymd(2026, 3, 2), ymd(2026, 11, 20)));

    book.mark(pm(ymd(2026, 3, 2)), "I");
    CHECK(judge(reason_overdue(), book, calendar, ymd(2026, 11, 20)).value == 2);
    book.mark(am(ymd(2026, 11, 18)), "/");
    book.remove(am(ymd(2026, 11, 20)));
    const verdict none = judge(reason_overdue(), book, calendar, ymd(2026, 11, 20));
    CHECK(none.value == 0);
    CHECK(none.evidence.empty());
}

TEST_CASE("a session counts from the minute its register has closed and settled", "[rules]")
{
    const school_calendar calendar = example_calendar();
    const civil_day today = ymd(2026, 11, 20);
    register_builder book;
    book.marks(calendar, today, "NU");
    const rule_window window{rule_window::unit::school_days, 10};

    const auto [hour, minute, late, unauthorised, unexplained] = GENERATE(table<int, int, int, int, int>({
        {9, 44, 0, 0, 0},
        {9, 45, 0, 1, 1},
        {13, 59, 0, 1, 1},
        {14, 0, 1, 2, 1},
    }));
    CAPTURE(hour, minute);
    const judged_day judged{today, at_time(today, hour, minute)};
    CHECK(measure_of("late_sessions", window, book, calendar, judged).value == late);
    CHECK(measure_of("unauthorised_sessions", window, book, calendar, judged).value == unauthorised);
    CHECK(measure_of("reason_age", window, book, calendar, judged).unexplained == unexplained);
}

TEST_CASE("the day judged is the last school day with a register closed and settled", "[rules]")
{
    const school_calendar calendar = example_calendar();
    const auto [why, read_at, as_of] = GENERATE(table<text, local_instant, civil_day>({
        {"before the morning register settles", at_time(ymd(2026, 11, 20), 9, 44), ymd(2026, 11, 19)},
        {"as it settles", at_time(ymd(2026, 11, 20), 9, 45), ymd(2026, 11, 20)},
        {"on a Sunday", at_time(ymd(2026, 11, 22), 12), ymd(2026, 11, 20)},
        {"on the INSET day", at_time(ymd(2026, 11, 27), 12), ymd(2026, 11, 26)},
        {"early on the first day after a break", at_time(ymd(2026, 11, 2), 8), ymd(2026, 10, 23)},
        {"in the last holiday the calendar knows", at_time(ymd(2027, 8, 20), 12), ymd(2027, 7, 21)},
    }));
    CAPTURE(why);
    const std::optional<judged_day> found = judge_at(calendar, read_at);
    REQUIRE(found);
    CHECK(format_day(found->as_of) == format_day(as_of));
    CHECK(found->read_at == read_at);
}

TEST_CASE("nothing is judged before the calendar's first register has settled", "[rules]")
{
    CHECK_FALSE(judge_at(example_calendar(), at_time(ymd(2024, 6, 3), 9, 44)));
    CHECK_FALSE(judge_at(school_calendar(), at_time(ymd(2026, 11, 20), 12)));
}

TEST_CASE("a measure reads one pupil, and no mark that is gone", "[rules]")
{
    const school_calendar calendar = example_calendar();
    register_builder book;
    book.mornings(calendar, ymd(2026, 11, 9), "LL", 1);
    book.mornings(calendar, ymd(2026, 11, 9), "LLLLL", 2);
    CHECK(judge(repeated_lateness(), book, calendar, ymd(2026, 11, 20)).value == 2);
    book.remove(am(ymd(2026, 11, 9)), 1);
    CHECK(judge(repeated_lateness(), book, calendar, ymd(2026, 11, 20)).value == 1);
}

TEST_CASE("a measure over a calendar without school days is nothing", "[rules]")
{
    register_builder book;
    book.mark(am(ymd(2026, 11, 9)), "L");
    const school_calendar empty({}, {}, {});
    const judged_day judged{ymd(2026, 11, 20), evening(ymd(2026, 11, 20))};
    const rule_window ten_days{rule_window::unit::school_days, 10};
    CHECK(measure_of("late_sessions", ten_days, book, empty, judged).value == 0);
}
