#include "daemon/domain/calendar_proposal.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using std::chrono::days;

namespace {

civil_day day(const char* text)
{
    return parse_day(text).value();
}

// Weekdays of both ends and all between, 100 marks each.
void mark(std::map<civil_day, std::int64_t>& marks, const char* first, const char* last)
{
    for (civil_day each = day(first); each <= day(last); each += days(1))
        if (std::chrono::weekday(each).iso_encoding() <= 5) marks[each] = 100;
}

} // namespace

TEST_CASE("marks of a term give its half terms, its closed days and where the next begins", "[domain]")
{
    std::map<civil_day, std::int64_t> marks;
    mark(marks, "2026-09-03", "2026-10-23");
    mark(marks, "2026-11-02", "2026-12-18");
    mark(marks, "2027-01-04", "2027-01-15");
    marks[day("2026-11-27")] = 3; // a few children in on an INSET day
    marks.erase(day("2026-12-02"));
    const auto proposal = propose_calendar(marks, {{{day("2026-11-27"), day("2026-11-27")}, closed_kind::inset}});
    REQUIRE(proposal.terms.size() == 2);
    CHECK(proposal.terms[0].name == "Autumn 2026");
    CHECK(
        proposal.terms[0].half_terms ==
        std::vector<day_range>{{day("2026-09-03"), day("2026-10-23")}, {day("2026-11-02"), day("2026-12-18")}}
    );
    CHECK(proposal.terms[1].name == "Spring 2027");
    CHECK(
        proposal.closed ==
        std::vector<closed_day>{{day("2026-11-27"), closed_kind::inset}, {day("2026-12-02"), closed_kind::closure}}
    );
    CHECK(proposal.guessed == std::vector<civil_day>{day("2026-12-02")});
    CHECK_THAT(
        calendar_text(proposal),
        Catch::Contains("{ first_day = 2026-11-02, last_day = 2026-12-18 }") &&
            Catch::Contains("day = 2026-12-02\nkind = \"closure\" # no marks") &&
            Catch::Contains("day = 2026-11-27\nkind = \"inset\"\n")
    );
}

TEST_CASE("what is published carries the calendar on behind the last mark", "[domain]")
{
    std::map<civil_day, std::int64_t> marks;
    mark(marks, "2026-11-02", "2026-11-20");
    const auto published = read_published_calendar(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261219\r\nDTEND;VALUE=DATE:20270104\r\n"
        "SUMMARY:Christmas holi\r\n day\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nDTSTART:20261127T090000Z\r\n"
        "DTEND:20261127T160000Z\r\nSUMMARY:INSET\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261203\r\n"
        "SUMMARY:Parents' evening\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=YEARLY\r\n"
        "SUMMARY:Bank holiday\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    CHECK(published.repeating == 1);
    REQUIRE(published.events.size() == 2);
    CHECK(published.events[0].days == day_range{day("2026-12-19"), day("2027-01-03")});
    CHECK(published.events[1].days == day_range{day("2026-11-27"), day("2026-11-27")});
    const auto proposal = propose_calendar(marks, published.events);
    REQUIRE(proposal.terms.size() == 1);
    CHECK(proposal.terms[0].half_terms == std::vector<day_range>{{day("2026-11-02"), day("2026-12-18")}});
    CHECK(proposal.closed == std::vector<closed_day>{{day("2026-11-27"), closed_kind::inset}});
    CHECK(propose_calendar({}, published.events).terms.empty());
}

TEST_CASE("two weeks without school in October are a half term, and both sides of them one term", "[domain]")
{
    std::map<civil_day, std::int64_t> marks;
    mark(marks, "2026-09-03", "2026-10-16");
    mark(marks, "2026-11-02", "2026-12-18");
    const auto proposal = propose_calendar(marks, {});
    REQUIRE(proposal.terms.size() == 1);
    CHECK(proposal.terms[0].half_terms.size() == 2);
}

TEST_CASE(
    "a calendar that was published without its holidays is not carried on for longer than a half term", "[domain]"
)
{
    std::map<civil_day, std::int64_t> marks;
    mark(marks, "2026-09-03", "2026-10-16");
    const auto proposal = propose_calendar(marks, {{{day("2028-05-01"), day("2028-05-01")}, closed_kind::holiday}});
    REQUIRE(proposal.terms.size() == 1);
    REQUIRE(proposal.terms[0].half_terms.size() == 1);
    const day_range half = proposal.terms[0].half_terms[0];
    CHECK(half.last - half.first <= days(200));
}
