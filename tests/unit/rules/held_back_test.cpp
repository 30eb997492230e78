#include "daemon/rules/alert.hpp"

#include "tests/support/england_pack.hpp"
#include "tests/support/school.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::support;
using Catch::Matchers::Contains;

namespace {

// A pupil and two others in one form, whose register was taken in every session from Monday 2 November 2026 on but
// those named, and what a rule makes of the pupil read by read.
struct one_form {
    explicit one_form(std::string_view rule_id) : judged_by(england_rule(rule_id)), gate(book.held, calendar)
    {
        for (const entry_index each : {1, 2, 3})
            gate.put_pupil(book.number(each), "9A");
    }

    // One code a session; a space is no mark, and where `with_form` nobody else has one either.
    void marks(std::string_view codes, bool with_form = true)
    {
        for (std::size_t i = 0; i < codes.size(); ++i) {
            const civil_day day = *calendar.school_day_after(ymd(2026, 10, 30), 1 + static_cast<int>(i / 2));
            const session_id session{day, i % 2 == 0 ? half_day::am : half_day::pm};
            if (codes[i] != ' ') book.mark(session, codes.substr(i, 1), 1);
            for (const entry_index other : {2, 3})
                if (codes[i] != ' ' || !with_form) book.mark(session, "/", other);
            gate.changed(session);
        }
    }

    verdict at(const judged_day& judged)
    {
        gate.know_read({judged.read_at, held_back::nothing});
        return evaluate(judged_by, pupil, {book.held, calendar, nullptr, nullptr, std::nullopt, &gate}, judged);
    }

    // A closed read in the evening of a school day, counted from 2 November. Gives the state, or "none".
    std::string read(int day_number)
    {
        const civil_day day = *calendar.school_day_after(ymd(2026, 10, 30), day_number);
        const judged_day judged{day, evening(day)};
        const verdict now = at(judged);
        const bool goes_on = last && !is_ended(last->state);
        std::optional<verdict> then;
        if (goes_on)
            then = evaluate(
                judged_by, pupil, {book.held, calendar, nullptr, nullptr, std::nullopt, &gate}, last->opened_for
            );
        const auto change = next_alert(
            judged_by, "1", pupil, goes_on ? &*last : nullptr, now, then ? &*then : nullptr, judged, false, instant()
        );
        if (change) last = change->next;
        return last ? std::string(name_of(last->state)) : "none";
    }

    school_calendar calendar = example_calendar();
    register_builder book;
    rule judged_by;
    register_gate gate;
    judged_pupil pupil{
        .number = book.number(), .ref = 1, .year = "9", .date_of_birth = ymd(2013, 1, 15), .group = "9A"};
    std::optional<alert> last;
};

} // namespace

TEST_CASE("what is held back meets no stage, and lets none of its own go", "[rules]")
{
    struct expected {
        const char* why;
        const char* rule_id;
        std::string codes; // session by session; a space: the register was not taken
        bool is_met, may_be_met;
    };
    const std::string present(40, '/');
    const auto at = GENERATE_COPY(values<expected>({
        {"a count that is reached cannot fall any more", "repeated-lateness", "LLL/  ", true, true},
        {"one short with a session unknown is not reached, and may be", "repeated-lateness", "LL////// /", false, true},
        {"two short with a session unknown cannot be reached", "repeated-lateness", "L/////// /", false, false},
        {"two short with both sessions of a day unknown may be", "repeated-lateness", "L/////  ", false, true},
        {"8 of 99 is over 8 %, and 8 of 100 still is 8 %",
         "persistent-absence",
         std::string(8, 'I') + std::string(90, '/') + "/ ",
         true,
         true},
        {"4 of 50 is 8 %, and 4 of 52 is not",
         "persistent-absence",
         std::string(4, 'I') + std::string(46, '/') + "  ",
         false,
         true},
        {"4 of 50 with all known", "persistent-absence", std::string(4, 'I') + std::string(46, '/'), true, true},
        {"ten days in a row before the unknown one", "continuous-absence", std::string(20, 'O') + "  ", true, true},
        {"a day unknown in the middle of the run",
         "continuous-absence",
         std::string(16, 'O') + "  " + std::string(4, 'O'),
         false,
         true},
        {"nobody knows, and nothing is there to be reached", "continuous-absence", present + "  ", false, false},
    }));
    CAPTURE(at.why);
    one_form form(at.rule_id);
    form.marks(at.codes);
    const civil_day day = *form.calendar.school_day_after(ymd(2026, 10, 30), static_cast<int>(at.codes.size() + 1) / 2);
    const verdict found = form.at({day, evening(day)});
    CHECK((found.stage >= 0) == at.is_met);
    CHECK(found.may_be_met == at.may_be_met);
}

TEST_CASE("an alert neither opens, is resolved nor withdrawn by a session that is held back", "[rules]")
{
    one_form form("repeated-lateness");
    form.marks("LL//////            "); // eight sessions, and then nobody's register
    SECTION("it opens once the register is handed in")
    {
        form.marks("LL//////");
        CHECK(form.read(5) == "none");
        form.marks("LL//////L/");
        CHECK(form.read(5) == "open");
    }
    SECTION("it is withdrawn only when the register is handed in without what it rested on")
    {
        form.marks("LLL/////");
        REQUIRE(form.read(4) == "open");
        form.marks("LL//////  ");
        CHECK(form.read(5) == "open");
        CHECK_THAT(
            form.last->reason,
            Contains("Kept open: the register of 9A on Friday 6 November 2026, morning, has not been taken; the "
                     "register of 9A on Friday 6 November 2026, afternoon, has not been taken.")
        );
        const session_id morning{ymd(2026, 11, 6), half_day::am};
        for (const entry_index each : {1, 2, 3})
            form.book.mark(morning, "/", each);
        form.gate.changed(morning);
        CHECK(form.read(5) == "open"); // one of the two was handed in, and the alert says which it still waits for
        CHECK(form.last->kept_open == "the register of 9A on Friday 6 November 2026, afternoon, has not been taken");
        form.marks("LL////////");
        CHECK(form.read(5) == "withdrawn");
    }
    SECTION("it is resolved only when the window's last session is known")
    {
        const std::string week(10, '/');
        form.marks("L/////////L/L/" + std::string(6, '/'));
        REQUIRE(form.read(10) == "open");
        form.marks("L/////////L/L/" + std::string(6, '/') + "  ");
        CHECK(form.read(11) == "open"); // the first L has left the window; whether today brought one nobody knows
        form.marks("L/////////L/L/" + std::string(6, '/') + "//");
        CHECK(form.read(11) == "resolved");
    }
    SECTION("a register that nobody handed in for more than five school days counts as never taken")
    {
        form.marks("LLL/////");
        REQUIRE(form.read(4) == "open");
        CHECK(form.last->kept_open.empty());
        form.marks("LL//////  //////////");
        CHECK(form.read(10) == "open");
        form.marks("LL//////  ////////////");
        CHECK(form.read(11) == "withdrawn");
    }
    SECTION("nothing is held back of a pupil who is on roll nowhere")
    {
        form.marks("LLL/////");
        REQUIRE(form.read(4) == "open");
        form.gate.drop_pupil(form.pupil.number);
        form.marks("LL//////  ");
        CHECK(form.read(5) == "withdrawn");
    }
}

TEST_CASE("to a rule about a child's safety not to know is the alarm, and to no other rule", "[rules]")
{
    const auto [when_unknown, is_taken, speaks] = GENERATE(table<rule::unknown, bool, bool>({
        {rule::unknown::tell, false, true}, // held back: the register was not taken
        {rule::unknown::wait, false, false},
        {rule::unknown::tell, true, true}, // known: it was taken, and the pupil is not in it
        {rule::unknown::wait, true, true},
    }));
    one_form form("missing-child");
    form.judged_by.when_unknown = when_unknown;
    form.judged_by.cohort = {};
    form.marks("////");
    form.marks("//// ", !is_taken);
    const civil_day wednesday = ymd(2026, 11, 4);
    const verdict found = form.at({wednesday, at_time(wednesday, 10, 0)});
    CHECK((found.stage >= 0) == speaks);
    if (speaks) CHECK_THAT(found.detail, Contains(is_taken ? "was taken without a mark" : "No mark has been read"));
}
