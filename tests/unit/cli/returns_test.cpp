#include "daemon/reports/report.hpp"

#include "daemon/cases/action.hpp"
#include "daemon/cases/meeting.hpp"
#include "tests/support/england_rules.hpp"
#include "tests/support/school.hpp"
#include "tests/unit/cli/command_fixture.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::support;
using Catch::Matchers::Contains;

namespace {

using text = std::string;

// The small school on the evening of Friday 18 December 2026, with the example calendar.
struct reports_fixture : command_fixture {
    instant now = at("2026-12-18T18:00:00Z");

    reports_fixture()
    {
        config.calendar = example_calendar();
        config.rules.push_back(penalty_notice());
        context.now = [this](const configuration&) { return now; };
    }

    entry_index child(const char* id, const char* born, const char* more = "")
    {
        const text birth = *born ? text(R"("date_of_birth":")") + born + "\"," : text();
        return pupil(
            "mis",
            id,
            "{" + birth + R"("forename":"F","registration_group":"9A",)" + more + R"("surname":"S","year":"9"})"
        );
    }

    // One code a session, morning and afternoon, of the school days from `from` on; a blank leaves the session out.
    void marks(entry_index about, civil_day from, const text& codes)
    {
        const std::vector<civil_day>& days = config.calendar.school_days();
        auto day = std::ranges::find(days, from);
        REQUIRE(day != days.end());
        for (std::size_t i = 0; i < codes.size(); ++i) {
            if (codes[i] != ' ') {
                mark_version row;
                row.session = {*day, i % 2 == 0 ? half_day::am : half_day::pm};
                row.pupil = about;
                row.source = "mis";
                row.raw = row.statutory = codes.substr(i, 1) == "Y" ? "Y1" : codes.substr(i, 1);
                ledger->append(second_read, mark_entry(reported_mark{}, row, {first_read, second_read, false}));
            }
            if (i % 2 == 1) ++day;
        }
    }

    entry_index suspend(entry_index about, const char* from, const char* to, int sessions)
    {
        return record(
            what::suspension,
            "mis",
            (text("x") + from).c_str(),
            about,
            text(R"({"from":")") + from + R"(","kind":"Suspension","reason":"Assault","sessions":)" +
                std::to_string(sessions) + R"(,"to":")" + to + "\"}"
        );
    }

    // The report's rows about one pupil: the values of `columns`, joined by "|".
    std::vector<text> rows(const text& words, const std::vector<text>& columns, entry_index about = no_entry)
    {
        REQUIRE(run("report " + words + " --json") == 0);
        const json_document document = json();
        std::vector<text> found;
        document.root()["rows"].for_each_element([&](json_view row) {
            if (about != no_entry && row["pupil"].string_if() != reference_of(about)) return;
            text line;
            for (const text& column : columns)
                line += (line.empty() ? "" : "|") + text(row[column].string_if().value_or(""));
            found.push_back(line);
        });
        return found;
    }
};

text times(int count, const text& what)
{
    text all;
    for (int i = 0; i < count; ++i)
        all += what;
    return all;
}

} // namespace

TEST_CASE(
    "the attendance return lists ten school days of G, N, O and U in a row, and not one session less",
    "[reports][statutory]"
)
{
    const auto [why, codes, found] = GENERATE(table<text, text, text>({
        {"nineteen sessions are one short", times(19, "O"), ""},
        {"twenty are ten days", times(20, "O"), "20|10|still absent"},
        {"any mix", times(5, "GNOU"), "20|10|still absent"},
        {"a session attended ends it", times(19, "O") + "/" + times(19, "O"), ""},
        {"so does late, before the register closed", times(19, "O") + "L" + "O", ""},
        {"so does leave that was given", times(10, "O") + "C" + times(10, "O"), ""},
        {"so does illness", times(10, "O") + "I" + times(10, "O"), ""},
        {"a session that could not be held neither counts nor ends it",
         times(10, "O") + "Y" + times(10, "O"),
         "20|10|still absent"},
        {"one that has ended is still one", times(20, "O") + "//", "20|10|ended"},
    }));
    CAPTURE(why, codes);
    reports_fixture f;
    const entry_index one = f.child("R1", "2013-01-15");
    f.marks(one, ymd(2026, 11, 16), codes);
    const auto rows = f.rows("attendance-return --from 2026-11-16", {"sessions", "days", "standing"}, one);
    CHECK(rows == (found.empty() ? std::vector<text>() : std::vector<text>{found}));
}

TEST_CASE("the attendance return is of compulsory school age, and of runs that touch its days", "[reports][statutory]")
{
    reports_fixture f;
    const entry_index old = f.child("R1", "2009-01-15"), unknown = f.child("R2", ""),
                      early = f.child("R3", "2013-01-15");
    f.marks(old, ymd(2026, 11, 16), times(20, "O"));
    f.marks(unknown, ymd(2026, 11, 16), times(20, "O"));
    f.marks(early, ymd(2026, 9, 3), times(20, "G") + "/");
    CHECK(f.rows("attendance-return --from 2026-11-16", {"age"}, old).empty());
    CHECK(
        f.rows("attendance-return --from 2026-11-16", {"age"}, unknown) == std::vector<text>{"date of birth not read"}
    );
    CHECK(f.rows("attendance-return --from 2026-09-17", {"g"}, early).empty());
    CHECK(
        f.rows("attendance-return --from 2026-09-16", {"g", "n", "last"}, early) ==
        std::vector<text>{"20|0|2026-09-16 PM"}
    );
}

TEST_CASE(
    "the attendance return counts the sessions of compulsory school age, whatever the age on its day",
    "[reports][statutory]"
)
{
    struct row {
        text why;
        const char* now;
        const char* born;
        civil_day first;
        int sessions;
        text found;
    };
    // Compulsory age ends on Friday 26 June 2026 for the elder and begins on 31 December 2026 for the younger.
    const auto [why, now, born, first, sessions, found] = GENERATE(values<row>({
        {"ten days to the last one of age, and on",
         "2026-07-10T18:00:00Z",
         "2010-01-15",
         ymd(2026, 6, 15),
         40,
         "20|2026-06-15 AM|2026-06-26 PM|of compulsory school age until 2026-06-26"},
        {"one day fewer of age", "2026-07-10T18:00:00Z", "2010-01-15", ymd(2026, 6, 16), 38, ""},
        {"ten days from the first one of age, and before",
         "2027-01-15T18:00:00Z",
         "2021-11-20",
         ymd(2026, 12, 14),
         30,
         "20|2027-01-04 AM|2027-01-15 PM|of compulsory school age"},
        {"one day fewer of age", "2027-01-14T18:00:00Z", "2021-11-20", ymd(2026, 12, 14), 28, ""},
    }));
    CAPTURE(why, now, born);
    reports_fixture f;
    f.now = at(now);
    const entry_index one = f.child("R1", born);
    f.marks(one, first, times(sessions, "O"));
    const auto rows = f.rows("attendance-return", {"sessions", "first", "last", "age"}, one);
    CHECK(rows == (found.empty() ? std::vector<text>() : std::vector<text>{found}));
}

TEST_CASE("the attendance return has who was absent and is no longer on roll, and says so", "[reports][statutory]")
{
    const auto [why, roll, codes, found] = GENERATE(table<text, text, text, text>({
        {"on roll", "", times(20, "O"), "20|still absent"},
        {"to the day of the return", R"("on_roll_to":"2026-11-30",)", times(20, "O"), "20|still absent"},
        {"deleted before it", R"("on_roll_to":"2026-11-29",)", times(20, "O"), "20|no longer on roll"},
        {"deleted after a session attended",
         R"("on_roll_to":"2026-11-29",)",
         times(20, "O") + "/",
         "20|ended; no longer on roll"},
        {"deleted after nine days and a half", R"("on_roll_to":"2026-11-29",)", times(19, "O"), ""},
    }));
    CAPTURE(why);
    reports_fixture f;
    f.now = at("2026-11-30T18:00:00Z");
    const entry_index one = f.child("R1", "2013-01-15", roll.c_str());
    f.marks(one, ymd(2026, 11, 9), codes);
    const auto rows = f.rows("attendance-return", {"sessions", "standing"}, one);
    CHECK(rows == (found.empty() ? std::vector<text>() : std::vector<text>{found}));
}

TEST_CASE("a run of absence is found however long before the days asked about it began", "[reports][statutory]")
{
    // 71 school days from Thursday 3 September to Friday 18 December; asked about from Monday 14 December.
    const auto [why, codes, found] = GENERATE(table<text, text, text>({
        {"absent all the time", times(142, "G"), "142|2026-09-03 AM"},
        {"absent since the week before", times(116, "/") + times(26, "G"), "26|2026-12-02 AM"},
        {"absent since one session of October was attended", times(60, "G") + "/" + times(81, "G"), "81|2026-10-15 PM"},
        {"closed for all of the months between", times(19, "G") + times(113, "Y") + times(10, "G"), "29|2026-09-03 AM"},
        {"attended between", times(19, "G") + times(113, "/") + times(10, "G"), ""},
    }));
    CAPTURE(why);
    reports_fixture f;
    const entry_index one = f.child("R1", "2013-01-15");
    f.marks(one, ymd(2026, 9, 3), codes);
    const auto rows = f.rows("attendance-return --from 2026-12-14", {"sessions", "first"}, one);
    CHECK(rows == (found.empty() ? std::vector<text>() : std::vector<text>{found}));
}

TEST_CASE("the sickness return says what the rule about illness says, and counts its sessions", "[reports][statutory]")
{
    reports_fixture f;
    rule illness = reason_overdue();
    illness.id = "illness";
    illness.measure = "illness_days";
    illness.stages = {{"review", 10, std::nullopt}, {"return", 15, std::nullopt}};
    f.config.rules.push_back(illness);
    const entry_index nine = f.child("R1", "2013-01-15"), ten = f.child("R2", "2013-01-15"),
                      more = f.child("R3", "2013-01-15");
    f.marks(nine, ymd(2026, 9, 3), times(19, "I") + "/");
    f.marks(ten, ymd(2026, 9, 3), times(20, "I"));
    f.marks(more, ymd(2026, 9, 3), times(15, "II") + "I");
    CHECK(f.rows("sickness-return", {"stage"}, nine).empty());
    CHECK(
        f.rows("sickness-return", {"stage", "days", "sessions", "first"}, ten) ==
        std::vector<text>{"review|10|20|2026-09-03 AM"}
    );
    CHECK(f.rows("sickness-return", {"stage", "days", "sessions"}, more) == std::vector<text>{"return|15|31"});
}

TEST_CASE(
    "the sickness return judges who passed compulsory age in the year by the last day of it", "[reports][statutory]"
)
{
    // Ill from Monday 15 June 2026; the last day of compulsory age is Friday 26 June 2026, or that of 2025.
    const auto [why, now, born, found] = GENERATE(table<text, const char*, const char*, text>({
        {"on the last day", "2026-06-26T18:00:00Z", "2010-01-15", "review|10|20|2026-06-26 PM"},
        {"after it, with more illness", "2026-07-10T18:00:00Z", "2010-01-15", "review|10|20|2026-06-26 PM"},
        {"in the next year", "2026-09-10T18:00:00Z", "2010-01-15", ""},
        {"past it since the year before", "2026-07-10T18:00:00Z", "2009-01-15", ""},
        {"not of it yet", "2026-07-10T18:00:00Z", "2021-11-20", ""},
    }));
    CAPTURE(why, now, born);
    reports_fixture f;
    f.now = at(now);
    rule illness = reason_overdue();
    illness.id = "illness";
    illness.measure = "illness_days";
    illness.cohort.compulsory_school_age = true;
    illness.stages = {{"review", 10, std::nullopt}, {"return", 15, std::nullopt}};
    f.config.rules.push_back(illness);
    const entry_index one = f.child("R1", born);
    f.marks(one, ymd(2026, 6, 15), times(40, "I"));
    const auto rows = f.rows("sickness-return", {"stage", "days", "sessions", "last"}, one);
    CHECK(rows == (found.empty() ? std::vector<text>() : std::vector<text>{found}));
}

TEST_CASE("a reason is due by the end of the fifth school day after an N, and overdue after it", "[reports][statutory]")
{
    // N on Thursday 12 November; INSET on Friday 27 November lies beyond.
    const auto [today, standing, age] = GENERATE(table<text, text, text>({
        {"2026-11-18T18:00:00Z", "in time", "4"},
        {"2026-11-19T18:00:00Z", "due today", "5"},
        {"2026-11-20T18:00:00Z", "overdue", "6"},
    }));
    reports_fixture f;
    f.now = at(today.c_str());
    const entry_index one = f.child("R1", "2013-01-15");
    f.marks(one, ymd(2026, 11, 12), "N/");
    CHECK(
        f.rows("no-reason", {"date", "session", "age", "due", "standing"}, one) ==
        std::vector<text>{"2026-11-12|AM|" + age + "|2026-11-19|" + standing}
    );
}

TEST_CASE(
    "suspensions carry the running totals of term and year, and what they ask of the school", "[reports][statutory]"
)
{
    const auto [sessions, total, duty] = GENERATE(table<int, text, text>({
        {10, "5", ""},
        {11, "5.5", "the governors are told; they meet if the parents ask"},
        {30, "15", "the governors are told; they meet if the parents ask"},
        {31, "15.5", "the governors meet"},
        {90, "45", "the governors meet"},
        {91, "45.5", "the governors meet; more than 45 days in the year must not be"},
    }));
    CAPTURE(sessions);
    reports_fixture f;
    const entry_index one = f.child("R1", "2013-01-15");
    f.suspend(one, "2026-09-07", "2026-12-11", sessions);
    CHECK(
        f.rows("suspensions", {"lost", "term_total", "year_total", "duty"}, one) ==
        std::vector<text>{total + "|" + total + "|" + total + "|" + duty}
    );
}

TEST_CASE(
    "a term's total begins anew after 31 December, the year's goes on, and E is what the register served",
    "[reports][statutory]"
)
{
    reports_fixture f;
    f.now = at("2027-01-15T18:00:00Z");
    const entry_index one = f.child("R1", "2013-01-15");
    f.suspend(one, "2026-12-07", "2026-12-11", 10);
    f.suspend(one, "2027-01-04", "2027-01-04", 2);
    f.marks(one, ymd(2026, 12, 7), "EEEEE/");
    CHECK(
        f.rows("suspensions", {"from", "served", "term_total", "year_total"}, one) ==
        std::vector<text>{"2026-12-07|2.5|5|5", "2027-01-04|0|1|6"}
    );
}

TEST_CASE("a suspension of a stated length ends in the report when it is served", "[reports][statutory]")
{
    // From Monday 9 November 2026, with E on later days of another one.
    const auto [sessions, row] = GENERATE(table<int, text>({
        {12, "2026-11-16 PM|6|6|the governors are told; they meet if the parents ask"},
        {10, "2026-11-13 PM|5|5|"},
        {3, "2026-11-10 AM|2|1.5|"},
        {0, "open|10|1|"},
    }));
    CAPTURE(sessions);
    reports_fixture f;
    const entry_index one = f.child("R1", "2013-01-15");
    f.record(
        what::suspension,
        "mis",
        "x1",
        one,
        R"({"from":"2026-11-09","kind":"Suspension","reason":"Assault","sessions":)" + std::to_string(sessions) + "}"
    );
    f.marks(one, ymd(2026, 11, 9), times(20, "E"));
    CHECK(f.rows("suspensions", {"to", "served", "term_total", "duty"}, one) == std::vector<text>{row});
}

TEST_CASE(
    "evidence for a penalty notice is what the rule counts, entry by entry, with its proof", "[reports][statutory]"
)
{
    reports_fixture f;
    const entry_index one = f.child("R1", "2013-01-15");
    f.marks(one, ymd(2026, 12, 7), "GGNNOOUU/G/I");
    const text ref = " --pupil " + reference_of(one);
    auto rows = f.rows("penalty-evidence" + ref, {"code", "proof"});
    CHECK(rows.size() == 9);
    CHECK_THAT(f.out, Contains("It is not met.") && Contains("Of these 2 still N"));
    CHECK_THAT(rows.front(), Contains("not yet in a signed checkpoint"));
    f.ledger->checkpoint->size = f.ledger->size();
    f.marks(one, ymd(2026, 12, 15), "O/");
    rows = f.rows("penalty-evidence" + ref, {"code", "proof"});
    REQUIRE(rows.size() == 10);
    CHECK_THAT(f.out, Contains("It is met."));
    CHECK_THAT(rows.front(), Contains("G|signed checkpoint of size"));
    CHECK_THAT(rows.back(), Contains("O|not yet"));
    CHECK(f.run("report penalty-evidence") == 2);
}

TEST_CASE(
    "evidence about who has passed compulsory age is of the last day of it, and none is made up", "[reports][statutory]"
)
{
    struct row {
        text why;
        const char* now;
        const char* born;
        std::size_t rows;
        text says;
    };
    // Absent from Monday 22 June 2026 on; the last day of compulsory age is Friday 26 June of 2026, or that of 2025.
    const auto [why, now, born, rows, says] = GENERATE(values<row>({
        {"on the last day",
         "2026-06-26T18:00:00Z",
         "2010-01-15",
         10,
         "to 26 June 2026; the threshold is 10. It is met."},
        {"after it", "2026-07-10T18:00:00Z", "2010-01-15", 10, "to 26 June 2026; the threshold is 10. It is met."},
        {"in the next year",
         "2026-11-10T18:00:00Z",
         "2010-01-15",
         10,
         "to 26 June 2026; the threshold is 10. It is met."},
        {"past it for longer than is looked back",
         "2026-11-10T18:00:00Z",
         "2008-01-15",
         0,
         "was of compulsory school age until 28 June 2024"},
        {"not of it yet", "2026-07-10T18:00:00Z", "2021-11-20", 0, "is not one of those whom the rule is about"},
    }));
    CAPTURE(why, now, born);
    reports_fixture f;
    f.now = at(now);
    const entry_index one = f.child("R1", born);
    f.marks(one, ymd(2026, 6, 22), times(20, "O"));
    CHECK(f.rows("penalty-evidence --pupil " + reference_of(one), {"code"}).size() == rows);
    CHECK_THAT(f.out, Contains(says) && !Contains("1970"));
    if (rows == 0) CHECK_THAT(f.out, !Contains("not met"));
}

TEST_CASE("evidence for a penalty notice says what a decision was made on already", "[reports][statutory]")
{
    const bool reuses = GENERATE(false, true);
    const alert_state state = GENERATE(alert_state::resolved, alert_state::open);
    CAPTURE(reuses, state);
    reports_fixture f;
    f.config.rules.back().reuse_evidence = reuses;
    const entry_index one = f.child("R1", "2013-01-15");
    const entry_index first = f.ledger->size();
    f.marks(one, ymd(2026, 11, 30), times(20, "O"));
    alert closed;
    closed.pupil = one;
    closed.rule = "penalty-notice";
    closed.rule_version = "0011223344556677";
    closed.stage = "met";
    closed.state = state;
    closed.value = closed.threshold = 10;
    closed.opened_at = closed.changed_at = f.second_read;
    closed.reason = "Ten.";
    for (entry_index entry = first; entry < first + 10; ++entry)
        closed.evidence.push_back(entry);
    f.ledger->append(entry_kind::record, f.second_read, alert_payload(closed, f.ledger->size()));
    const auto rows = f.rows("penalty-evidence --pupil " + reference_of(one), {"entry", "decided"});
    REQUIRE(rows.size() == 20);
    const bool is_used = !reuses && state == alert_state::resolved;
    CHECK(rows[9] == std::to_string(first + 9) + (is_used ? "|yes" : "|"));
    CHECK(rows[10] == std::to_string(first + 10) + "|");
    CHECK((f.out.find("A decision was made on 10 of them already; 10 are new.") != text::npos) == is_used);
}

TEST_CASE("governors are told of no group under five, and nothing that would tell of one", "[reports]")
{
    reports_fixture f;
    for (int i = 0; i < 17; ++i) {
        const text id = "G" + std::to_string(i);
        const text year = i < 6 ? "7" : i < 12 ? "8" : "9";
        const entry_index one =
            f.pupil("mis", id.c_str(), R"({"forename":"Secret","surname":"Name","year":")" + year + "\"}");
        // One of year 7 is persistently absent, and all of year 8.
        f.marks(one, ymd(2026, 12, 7), i == 0 || i >= 6 ? "//////////////////OO" : "////////////////////");
    }
    const std::vector<text> columns = {"period", "group", "pupils", "absent", "persistent"};
    const auto rows = f.rows("governors", columns);
    const auto of = [&](const text& start) {
        for (const text& row : rows)
            if (row.starts_with(start)) return row;
        return text();
    };
    CHECK(of("Year so far|Year 7") == "Year so far|Year 7|6|1.66|fewer than 5");
    // Ana and Ben, of no year, are fewer than five; with them the smallest other is hidden.
    CHECK(of("Year so far|Year not known") == "Year so far|Year not known|not shown||");
    CHECK(of("Year so far|Year 9") == "Year so far|Year 9|not shown||");
    CHECK_THAT(f.out, !Contains("Secret") && !Contains("P-"));
    CHECK(of("Autumn 2026, half 2|School").substr(0, 29) == "Autumn 2026, half 2|School|19");
}

namespace {

// Pupils of year 7 with one kind of action each on 23 November: absent the week before it, present from then on.
struct acted_fixture : reports_fixture {
    std::vector<entry_index> all;

    explicit acted_fixture(int pupils)
    {
        for (int i = 0; i < pupils; ++i) {
            all.push_back(pupil("mis", ("K" + std::to_string(i)).c_str(), R"({"surname":"Secret","year":"7"})"));
            marks(all.back(), ymd(2026, 11, 16), times(10, "O") + times(20, "/"));
        }
    }

    void act(const char* kind, int from, int to, const char* day = "2026-11-23")
    {
        for (int i = from; i < to; ++i) {
            case_action one;
            one.pupil = all[static_cast<std::size_t>(i)];
            one.kind = kind;
            one.is_done = true;
            one.on = on(day);
            one.outcome = "done";
            one.user = "lead";
            one.at = second_read;
            ledger->append(second_read, action_entry(one));
        }
    }

    // Of the table with that title: its rows, joined by "|".
    std::vector<text> told(const text& title, const text& words = "governors")
    {
        REQUIRE(run("report " + words + " --json") == 0);
        const json_document document = json();
        std::vector<text> found;
        document.root()["more"].for_each_element([&](json_view table) {
            if (table["title"].string_if() != title) return;
            table["rows"].for_each_element([&](json_view row) {
                text line;
                table["columns"].for_each_element([&](json_view column) {
                    line += (line.empty() ? "" : "|") + text(row[*column.string_if()].string_if().value_or(""));
                });
                found.push_back(line);
            });
        });
        return found;
    }
};

} // namespace

TEST_CASE("governors see how a group attended before an action and after it, and never of fewer than five", "[reports]")
{
    const auto [pupils, row] = GENERATE(table<int, text>(
        {{6, "letter|6|0.00|100.00|100.00 higher"},
         {5, "letter|5|0.00|100.00|100.00 higher"},
         {4, "letter|not shown|||"}}
    ));
    acted_fixture f(pupils);
    f.act("letter", 0, pupils);
    CHECK(f.told("Attendance before and after") == std::vector<text>{row});
    CHECK_THAT(f.out, !Contains("Secret") && !Contains("P-"));
}

TEST_CASE("of two groups that differ by fewer than five pupils governors see the larger alone", "[reports]")
{
    const auto [more, letters] = GENERATE(table<int, text>(
        {{0, "letter|5|0.00|100.00|100.00 higher"},
         {1, "letter|not shown|||"},
         {4, "letter|not shown|||"},
         {5, "letter|5|0.00|100.00|100.00 higher"}}
    ));
    CAPTURE(more);
    acted_fixture f(5 + more);
    f.act("letter", 0, 5);
    f.act("visit", 0, 5 + more);
    CHECK(
        f.told("Attendance before and after") ==
        std::vector<text>{letters, "visit|" + std::to_string(5 + more) + "|0.00|100.00|100.00 higher"}
    );
}

TEST_CASE("where few of a group are too new to compare, as many others are left out as hide how few", "[reports]")
{
    const auto [fresh, row] = GENERATE(table<int, text>(
        {{0, "letter|12|0.00|100.00|100.00 higher"},
         {1, "letter|7|0.00|100.00|100.00 higher"},
         {3, "letter|7|0.00|100.00|100.00 higher"},
         {5, "letter|7|0.00|100.00|100.00 higher"},
         {8, "letter|not shown|||"}}
    ));
    CAPTURE(fresh);
    acted_fixture f(12);
    f.act("letter", 0, 12 - fresh);
    f.act("letter", 12 - fresh, 12, "2026-12-15"); // three school days before the report
    CHECK(f.told("Attendance before and after") == std::vector<text>{row});
    CHECK(f.told("What was done in the year so far") == std::vector<text>{"letter|12|12"});
}

TEST_CASE("governors see each term of a school, and nothing of a term of which four had sessions", "[reports]")
{
    const auto [pupils, row] = GENERATE(table<int, text>(
        {{3, "Autumn 2026|not shown|not shown|not shown|not shown"}, {4, "Autumn 2026|33.33|0.00|33.33|1.62"}}
    ));
    acted_fixture f(pupils); // and Ana, who was there in the summer too
    CHECK(f.told("Term by term") == std::vector<text>{"Summer 2026|not shown|not shown|not shown|not shown", row});
}

TEST_CASE(
    "new pupils have a return due on the fifth day after Rollbook read of them, where it was there to see", "[reports]"
)
{
    reports_fixture f;
    const entry_index known = f.child("R1", "2013-01-15", R"("on_roll_from":"2026-09-03",)");
    thing_version row;
    row.kind = what::pupil;
    row.source = "mis";
    row.key = "R2";
    const entry_index fresh = f.ledger->append(
        f.second_read,
        record_entry(
            reported_record(
                what::pupil,
                "R2",
                "R2",
                R"({"forename":"F","on_roll_from":"2026-11-23","on_roll_to":"2026-12-11","surname":"S"})"
            ),
            row,
            {f.first_read, f.second_read, false}
        )
    );
    CHECK(
        f.rows("joiners-and-leavers", {"change", "day", "first_read", "due"}, known) ==
        std::vector<text>{"new|2026-09-03|at the first read|"}
    );
    CHECK(
        f.rows("joiners-and-leavers", {"change", "day", "due"}, fresh) ==
        std::vector<text>{"new|2026-11-23|2026-11-28", "last day on roll|2026-12-11|"}
    );
}

TEST_CASE(
    "a new pupil's return is due five days after the first day on roll where that was read before",
    "[reports][statutory]"
)
{
    // Read of at the second read of Monday 23 November 2026, or at the very first.
    const auto [why, begins, is_first, row] = GENERATE(table<text, text, bool, text>({
        {"began before it was read", "2026-11-20", false, "2026-11-28"},
        {"began on the day", "2026-11-23", false, "2026-11-28"},
        {"begins a day later", "2026-11-24", false, "2026-11-29"},
        {"begins two weeks later", "2026-12-07", false, "2026-12-12"},
        {"there at the first read", "2026-11-23", true, ""},
        {"there at the first read, to begin later", "2026-11-24", true, "2026-11-29"},
    }));
    CAPTURE(why);
    reports_fixture f;
    thing_version made;
    made.kind = what::pupil;
    made.source = "mis";
    made.key = "R2";
    const learned when = is_first ? learned{{}, f.first_read, true} : learned{f.first_read, f.second_read, false};
    const entry_index fresh = f.ledger->append(
        when.by,
        record_entry(
            reported_record(
                what::pupil, "R2", "R2", R"({"forename":"F","on_roll_from":")" + begins + R"(","surname":"S"})"
            ),
            made,
            when
        )
    );
    CHECK(f.rows("joiners-and-leavers", {"due"}, fresh) == std::vector<text>{row});
}

TEST_CASE("the weekly meeting begins where the last one before today was held, or seven days ago", "[reports]")
{
    reports_fixture f; // Ana's alert opened on Monday 23 November
    held_thing last;
    const auto on_day = [&](const char* now, std::size_t rows) {
        CAPTURE(now);
        f.now = at(now);
        CHECK(f.rows("weekly-meeting", {"rule"}, f.ana).size() == rows);
    };
    const auto hold = [&](const char* day, const char* before) {
        held_meeting meeting;
        meeting.on = on(day);
        if (*before) meeting.before = on(before);
        meeting.at = f.second_read;
        last.entry = f.ledger->append(f.second_read, meeting_entry(meeting, last.entry == no_entry ? nullptr : &last));
        if (last.subject == no_entry) last.subject = last.entry;
    };
    on_day("2026-11-30T12:00:00Z", 1);
    on_day("2026-12-01T12:00:00Z", 0); // eight days after
    hold("2026-11-20", "");
    on_day("2026-12-11T12:00:00Z", 1);
    hold("2026-11-27", "2026-11-20");
    on_day("2026-11-27T12:00:00Z", 1); // the day itself: it is this meeting's, and the one before counts
    on_day("2026-11-28T12:00:00Z", 0);
    CHECK(f.rows("weekly-meeting --from 2026-11-23", {"rule"}, f.ana).size() == 1);
}

TEST_CASE("the weekly meeting sees what changed and what is undone, the reconciliation sums every read", "[reports]")
{
    reports_fixture f;
    f.now = at("2026-11-24T18:00:00Z");
    case_action letter;
    letter.alert = f.open_alert;
    letter.pupil = f.ana;
    letter.rule = "repeated-lateness";
    letter.kind = "letter";
    letter.on = on("2026-11-23");
    letter.due = on("2026-11-23");
    letter.user = "lead";
    letter.at = f.second_read;
    f.ledger->append(f.second_read, action_entry(letter));
    CHECK(
        f.rows("weekly-meeting", {"rule", "stage", "state"}, f.ana) == std::vector<text>{"Repeated lateness|tutor|open"}
    );
    const json_document document = f.json();
    CHECK(document.root()["more"].at(0)["rows"].at(0)["standing"].string_if() == "overdue");
    CHECK(document.root()["more"].at(1)["rows"].size() == 1); // Ben's has ended
    CHECK(f.rows("weekly-meeting --from 2026-11-24", {"rule"}, f.ana).empty());

    CHECK(
        f.rows("reconciliation", {"source", "record", "reads", "rows", "new", "changed", "unbalanced"}) ==
        std::vector<text>{"mis|session-mark|2|8|6|1|0"}
    );
    f.ledger->rows.back().balanced = false;
    CHECK(f.rows("reconciliation", {"unbalanced"}) == std::vector<text>{"1"});
}

TEST_CASE("incidents with restraint are listed with whether the parents were told", "[reports]")
{
    reports_fixture f;
    f.record(
        what::incident,
        "mis",
        "f1",
        no_entry,
        R"({"day":"2026-11-19","parents_told":"2026-11-19","type":"Physical intervention"})"
    );
    f.record(what::involvement, "mis", "f1/A1", f.ana, R"({"of":"incident","record":"f1","role":"pupil"})");
    CHECK(
        f.rows("restrictive-interventions", {"date", "pupil", "parents_told"}) ==
        std::vector<text>{"2026-11-19|" + reference_of(f.ana) + "|2026-11-19"}
    );
}

TEST_CASE("who saw whom, and what was sent about whom, is listed for one pupil or all", "[reports]")
{
    reports_fixture f;
    f.ledger->append(f.second_read, access_entry("lead", f.ana, "page", "", f.second_read, f.ledger->size()));
    f.ledger->append(
        f.second_read, access_entry("head", no_entry, "file /pupils.csv", "", f.second_read, f.ledger->size())
    );
    CHECK(f.rows("who-saw-what", {"user", "view", "pupil"}).size() == 2);
    CHECK(f.rows("who-saw-what", {"user"}, f.ana) == std::vector<text>{"lead"});
    CHECK(f.rows("what-was-sent", {"route"}).empty());
    CHECK(f.rows("targeting-support", {"standing", "possible"}, f.ana).size() == 1);
    CHECK(f.rows("processing", {"source", "role"}).size() == 2);
    CHECK(f.rows("case-file --pupil " + reference_of(f.ana), {"date", "code"}).size() == 3);
}
