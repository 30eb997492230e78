#include "daemon/domain/register_gate.hpp"

#include "tests/support/school.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::support;

namespace {

// Three pupils of 8B (1 to 3) and two of 9C (4 and 5), on Monday 14 September 2026.
struct two_forms {
    two_forms() : gate(marks.held, calendar)
    {
        for (entry_index pupil = 1; pupil <= 5; ++pupil)
            gate.put_pupil(marks.number(pupil), pupil <= 3 ? "8B" : "9C");
        gate.know_read({evening(monday), held_back::nothing});
    }
    held_back reason(session_id session, entry_index pupil) { return gate.reason(session, marks.number(pupil)); }

    const civil_day monday = ymd(2026, 9, 14);
    const school_calendar calendar = example_calendar();
    register_builder marks;
    register_gate gate;
};

} // namespace

TEST_CASE(
    "a register is taken when more than half of the form has a mark, and holds back its own pupils only", "[domain]"
)
{
    two_forms school;
    school.marks.mark(am(school.monday), "/", 1);
    school.marks.mark(am(school.monday), "/", 4);
    CHECK(school.reason(am(school.monday), 1) == held_back::nothing); // a recorded mark is known
    CHECK(school.reason(am(school.monday), 2) == held_back::register_untaken);
    CHECK(school.reason(am(school.monday), 5) == held_back::register_untaken); // one of two is not more than half
    school.marks.mark(am(school.monday), "/", 2);
    school.gate.changed(am(school.monday));
    CHECK(school.reason(am(school.monday), 3) == held_back::nothing);
    CHECK(school.reason(am(school.monday), 5) == held_back::register_untaken);
    const auto untaken = school.gate.untaken(am(school.monday));
    REQUIRE(untaken.size() == 1);
    CHECK(untaken[0].form == "9C");
    CHECK(untaken[0].pupils == 1);
}

TEST_CASE("a blank mark records nothing, and a leaver counts in no form", "[domain]")
{
    two_forms school;
    for (const entry_index pupil : {1, 2})
        school.marks.mark(am(school.monday), "-", pupil);
    school.marks.mark(am(school.monday), "I", 3);
    CHECK(school.reason(am(school.monday), 1) == held_back::register_untaken);
    school.gate.drop_pupil(school.marks.number(1));
    school.gate.drop_pupil(school.marks.number(2));
    CHECK(school.gate.is_taken(am(school.monday), school.marks.number(3)));
    CHECK_FALSE(school.gate.is_taken(am(school.monday), school.marks.number(1)));
}

TEST_CASE("before the register has closed and settled, and after a read that failed, nothing is known", "[domain]")
{
    two_forms school;
    for (const entry_index pupil : {1, 2})
        school.marks.mark(am(school.monday), "/", pupil);
    // AM closes at 09:15 and settles for half an hour.
    const auto [hour, minute, trouble, said] = GENERATE(table<int, int, held_back, held_back>({
        {9, 44, held_back::nothing, held_back::not_read_yet},
        {9, 45, held_back::nothing, held_back::nothing},
        {9, 44, held_back::source_refused, held_back::source_refused},
        {9, 44, held_back::read_incomplete, held_back::read_incomplete},
        {9, 45, held_back::source_refused, held_back::nothing},
    }));
    CAPTURE(hour, minute);
    school.gate.know_read({at_time(school.monday, hour, minute), trouble});
    CHECK(school.reason(am(school.monday), 3) == said);
    school.gate.know_read({});
    CHECK(school.reason(am(school.monday), 3) == held_back::not_read_yet);
}

TEST_CASE(
    "on a day without any register, and on a day that is no school day, no register is called untaken", "[domain]"
)
{
    two_forms school;
    CHECK(school.gate.untaken(am(school.monday)).empty());
    school.marks.mark(am(ymd(2026, 9, 12)), "/", 4);
    school.marks.mark(am(ymd(2026, 9, 12)), "/", 5);
    CHECK(school.gate.untaken(am(ymd(2026, 9, 12))).empty());
}
