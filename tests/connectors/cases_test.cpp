// The cases that every connector must stand (connector-vocabulary.md section 7), each with the outcome that it must
// have, read from Wonde's pages into a ledger. README.md says where the others are.

#include "tests/connectors/whole_road.hpp"

#include "tests/connectors/made.hpp"
#include "tests/support/england_rules.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::test;
using Catch::Matchers::Contains;

namespace {

const std::string hundred_marks_url = wonde_school + "/attendance/session?per_page=100";

// Marks of `pupils` pupils on one morning.
std::vector<std::string> morning(int pupils, const std::string& day = "2026-09-21")
{
    std::vector<std::string> out;
    for (int i = 0; i < pupils; ++i) {
        const std::string n = std::to_string(i);
        out.push_back(whole_road::mark("M" + day + n, "A" + n, "C1", day));
    }
    return out;
}

const statement_row& marks_of(const whole_road& school)
{
    return school.statement.at(what::session_mark);
}

} // namespace

TEST_CASE("case: a list whose last page is full, or empty, is read whole", "[connectors][case]")
{
    const auto [pupils, per_page] = GENERATE(table<int, std::size_t>({{4, 2}, {4, 4}, {5, 2}, {0, 2}}));
    CAPTURE(pupils, per_page);
    whole_road school;
    school.rows["attendance/session"] = morning(pupils);
    school.per_page = per_page;
    CHECK(school.poll().failures.empty());
    CHECK(marks_of(school).held == pupils);
    CHECK(marks_of(school).adds_up());
}

TEST_CASE("case: a next link that repeats ends as a failure and retires nothing", "[connectors][case]")
{
    whole_road school;
    school.poll();
    http_response again;
    again.status = 200;
    again.content_type = "application/json";
    again.body = R"({"data":[)" + morning(1)[0] + R"(],"meta":{"pagination":{"more":true,"next":")" +
                 hundred_marks_url + R"("}}})";
    school.instead["attendance/session"] = again;
    const auto report = school.poll();
    REQUIRE(report.failures.size() == 1);
    CHECK_THAT(report.failures[0].what, Contains("already had"));
    CHECK(school.held("A2") == "/=/");
}

TEST_CASE("case: one key on two pages counts once", "[connectors][case]")
{
    whole_road school;
    school.rows["attendance/session"] = morning(4);
    school.rows["attendance/session"].push_back(morning(1)[0]);
    school.per_page = 2;
    school.poll();
    CHECK(marks_of(school).duplicate == 1);
    CHECK(marks_of(school).held == 4);
    CHECK(marks_of(school).adds_up());
}

TEST_CASE("case: equal times on both sides of a page's edge are all read", "[connectors][case]")
{
    made_source s(
        R"("incremental":{"kind":"time","cursor":"at","order":"ascending","lookback":60,"send_as":"rfc3339"},)"
        R"("paginator":{"type":"next_url","next":"next","more":"more"},"query":{"since":"{@since}"},)",
        R"("dates":{"formats":["%Y-%m-%dT%H:%M:%SZ"],"zone":"UTC"},)"
    );
    const auto row = [](char id) { return std::string(R"({"id":")") + id + R"(","at":"2026-09-09T11:00:00Z"})"; };
    s.answer(
        "/list", R"({"rows":[)" + row('a') + "," + row('b') + R"(],"more":true,"next":"https://made.example.test/2"})"
    );
    s.answer("/2", R"({"rows":[)" + row('c') + R"(],"more":false})");
    CHECK(s.read("", false).ids == "a b c");
    // From the bookmark the same instant is asked for again: greater or equal, and a minute more.
    s.answer("/list?since=2026-09-09T10%3A59%3A00Z", R"({"rows":[)" + row('c') + "," + row('d') + R"(],"more":false})");
    CHECK(s.read(s.source->bookmark(0)).ids == "c d");
}

TEST_CASE("case: a key that is null is put aside with its reason, and the rest is read", "[connectors][case]")
{
    whole_road school;
    std::string row = whole_road::mark("M3", "A1", "C1", "2026-09-21", "PM");
    row.replace(row.find(R"("M3")"), 4, "null");
    school.rows["attendance/session"].push_back(row);
    CHECK(school.poll().failures.empty());
    CHECK(marks_of(school).quarantined == 1);
    CHECK(marks_of(school).fresh == 2);
    CHECK(marks_of(school).adds_up());
}

TEST_CASE(
    "case: a pupil with two enrolments has two marks for a session: one held, one a finding", "[connectors][case]"
)
{
    whole_road school;
    school.rows["students"].push_back(whole_road::pupil("A1")); // listed under each registration
    school.rows["attendance/session"].push_back(whole_road::mark("M7", "A1", "CI"));
    CHECK(school.poll().failures.empty());
    CHECK(school.statement.at(what::pupil).duplicate == 1);
    CHECK(school.statement.at(what::pupil).held == 2);
    CHECK(school.findings("mark-duplicate") == 1);
}

TEST_CASE("case: a leaver who returns is the pupil who left", "[connectors][case]")
{
    whole_road school;
    school.poll();
    const auto all = school.rows;
    school.rows["students"].pop_back();
    school.poll();
    CHECK(school.held("A2") == "/=/"); // a leaver's marks stay
    school.rows = all;
    school.poll();
    CHECK(school.statement.at(what::pupil).restored == 1);
    CHECK(school.statement.at(what::pupil).fresh == 0);
}

TEST_CASE("case: an id given to another child is a new version, and both are in the ledger", "[connectors][case]")
{
    whole_road school;
    school.poll();
    school.rows["students"][0] = whole_road::pupil("A1", R"({"upn":"G990000126001"})", "Somebody");
    school.poll();
    const auto pupils = school.entries("pupil");
    CHECK_THAT(pupils.front(), Contains("Quill"));
    CHECK_THAT(pupils.back(), Contains("Somebody") && Contains(R"("replaces":)"));
}

TEST_CASE("case: 60 % vanish: nothing is retired, and the report says how to allow it once", "[connectors][case]")
{
    whole_road school;
    school.rows["attendance/session"] = morning(100);
    school.poll();
    school.rows["attendance/session"] = morning(40);
    const auto report = school.poll();
    REQUIRE(report.failures.size() == 1);
    CHECK(report.failures[0].code == errc::mass_change);
    CHECK_THAT(report.failures[0].what, Contains("60 of 100 session-mark records held are missing"));
    CHECK_THAT(report.failures[0].to_do, Contains("rollbook poll --allow-vanished mis"));
    CHECK(school.held("A99") == "/=/");
    CHECK(school.poll(true, true).failures.empty());
    CHECK(marks_of(school).vanished == 60);
    CHECK(marks_of(school).held == 40);
}

TEST_CASE(
    "case: what a changed filter leaves out did not vanish, and much of it waits for a person", "[connectors][case]"
)
{
    whole_road school;
    school.rows["attendance/session"] = morning(100);
    school.poll();
    // The school's partner page names a parameter; its source then lists the current week only.
    school.settings.sources[0].settings["date_from_param"] = given(std::string("from"));
    school.settings.sources[0].reread = {{2, std::chrono::minutes(1)}};
    school.connect();
    school.rows["attendance/session"] = morning(40);
    const auto report = school.poll();
    REQUIRE(report.failures.size() == 1);
    CHECK(report.failures[0].code == errc::mass_change);
    CHECK_THAT(report.failures[0].what, Contains("asked otherwise than before"));
    CHECK(school.held("A99") == "/=/");
    CHECK(school.poll(true, true).failures.empty());
    CHECK(marks_of(school).vanished == 0);
    CHECK(marks_of(school).out_of_scope == 60);
}

TEST_CASE("case: a tombstone for an id we never had is nothing to us", "[connectors][case]")
{
    whole_road school;
    school.settings.sources[0].settings["pupil_changes"] = given(true);
    school.connect();
    for (std::string& row : school.rows["students"])
        row.insert(1, R"("updated_at":{"date":"2026-09-21 15:00:00","timezone":"UTC"},)");
    CHECK(school.poll().failures.empty());
    // From the bookmark: nobody changed, one we have was deleted, and one we never had.
    const std::string since = "updated_after=2026-09-20%2015%3A00%3A00";
    const auto paging = R"(],"meta":{"pagination":{"next":null,"more":false}}})";
    school.http.answer(
        wonde_school + "/students?include=education_details%2Cgroups&" + since + "&per_page=100",
        std::string(R"({"data":[)") + paging
    );
    school.http.answer(
        wonde_school + "/deletions?" + since + "&per_page=100",
        std::string(R"({"data":[{"id":"A2"},{"id":"A777"})") + paging
    );
    CHECK(school.poll(false).failures.empty());
    CHECK(school.statement.at(what::pupil).vanished == 1);
    CHECK(school.statement.at(what::pupil).held == 1);
}

TEST_CASE(
    "case: one mark amended twice while the list is read counts once, and ends as the source has it",
    "[connectors][case]"
)
{
    whole_road school;
    school.poll();
    // The row moved to a later page while it changed again.
    school.rows["attendance/session"] = {
        whole_road::mark("M1", "A1", "CN"), whole_road::mark("M2", "A2", "C1"), whole_road::mark("M1", "A1", "CI")};
    school.per_page = 2;
    school.poll();
    CHECK(school.held("A1") == "N=N");
    CHECK(marks_of(school).changed == 1);
    CHECK(marks_of(school).duplicate == 1);
    school.rows["attendance/session"] = {whole_road::mark("M1", "A1", "CI"), whole_road::mark("M2", "A2", "C1")};
    school.poll();
    CHECK(school.held("A1") == "I=I");
}

TEST_CASE("case: an amendment after an alert withdraws it, and both are in the ledger", "[connectors][case]")
{
    whole_road school;
    school.settings.rules = {support::repeated_lateness()};
    school.rows["attendance/session"] = {whole_road::mark("M0", "A1", "C1", "2026-09-14")};
    school.poll();
    const auto late = [](const char* code) {
        std::vector<std::string> rows = {whole_road::mark("M0", "A1", "C1", "2026-09-14")};
        for (const char* day : {"2026-09-15", "2026-09-16", "2026-09-17"})
            rows.push_back(whole_road::mark("M" + std::string(day), "A1", code, day));
        return rows;
    };
    school.rows["attendance/session"] = late("CL");
    school.poll();
    REQUIRE(school.entries("alert").size() == 1);
    CHECK_THAT(school.entries("alert")[0], Contains(R"("state":"open")"));
    school.rows["attendance/session"] = late("C1");
    school.poll();
    CHECK_THAT(school.entries("alert").back(), Contains(R"("state":"withdrawn")"));
}

// The year's marks are read again in tiers: the near days often, the year rarely.
TEST_CASE("a mark amended after 40 days is seen, with a date parameter and without one", "[connectors][bookmarks]")
{
    const bool has_param = GENERATE(true, false);
    CAPTURE(has_param);
    whole_road school;
    source_configuration& mis = school.settings.sources[0];
    using namespace std::chrono_literals;
    mis.reread = {{2, 10min}, {std::nullopt, 7 * 24h}}; // and the academic year each week
    if (has_param) mis.settings["date_from_param"] = given(std::string("from"));
    school.connect();
    std::vector<std::string>& rows = school.rows["attendance/session"];
    rows = {whole_road::mark("M1", "A1", "CN", "2026-09-07"), whole_road::mark("M2", "A1", "C1", "2026-09-21")};
    school.poll(false);

    // With a parameter the source leaves older rows out; without one it lists them all the same.
    const auto windows = [&](const std::string& from, const std::vector<std::string>& answered) {
        std::string body;
        for (const std::string& row : answered)
            body += (body.empty() ? "" : ",") + row;
        const std::string url = wonde_school + "/attendance/session?from=" + from + "&per_page=100";
        school.http.answers[url].clear();
        const std::string last = R"(],"meta":{"pagination":{"next":null,"more":false}}})";
        school.http.answer(url, R"({"data":[)" + body + last);
        // Behaviours are asked for from the day before.
        const std::string before = format_day(parse_day(from).value() - std::chrono::days(1));
        school.http.answer(
            wonde_school + "/behaviours?include=students&incident_date_after=" + before + "&per_page=100",
            R"({"data":[)" + last
        );
    };
    school.now = parse_instant("2026-10-19T16:00:00Z").value();
    rows.push_back(whole_road::mark("M3", "A1", "C1", "2026-10-19"));
    rows[0] = whole_road::mark("M1", "A1", "CI", "2026-09-07"); // amended after 42 days
    windows("2026-08-01", rows);                                // weekly, and due
    windows("2026-09-01", rows);
    CHECK(school.poll(false).failures.empty());
    CHECK(school.held("A1", "2026-09-07") == "I=I");

    // Minutes later only the near days are asked for, and nothing older is missed for being left out.
    rows[0] = whole_road::mark("M1", "A1", "CN", "2026-09-07");
    windows("2026-10-16", {rows.back()});
    CHECK(school.poll(false).failures.empty());
    CHECK(marks_of(school).read == 1);
    CHECK(marks_of(school).vanished == 0);
    CHECK(school.held("A1", "2026-09-07") == "I=I");
}
