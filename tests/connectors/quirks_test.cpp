// The quirks of real systems (source-systems.md section 10), each with the outcome that it must have, read from Wonde's
// pages into a ledger. Those of other systems' own forms stand in the tests of these systems; README.md lists them all.

#include "tests/connectors/whole_road.hpp"

#include "tests/connectors/made.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::test;
using Catch::Matchers::Contains;

namespace {

std::string page_of(const std::string& rows, const std::string& pagination)
{
    return R"({"data":[)" + rows + R"(],"meta":{"pagination":)" + pagination + "}}";
}

} // namespace

TEST_CASE("quirk 1: a null UPN leaves the pupil without one, and links nobody by it", "[connectors][quirk]")
{
    whole_road school;
    CHECK(school.poll().failures.empty());
    const auto pupils = school.entries("pupil");
    REQUIRE(pupils.size() == 2);
    CHECK_THAT(pupils[0], !Contains("upn") && Contains("Quill"));
    CHECK(school.statement.at(what::pupil).quarantined == 0);
}

TEST_CASE("quirk 1: a temporary UPN that becomes permanent is one new version of the same pupil", "[connectors][quirk]")
{
    whole_road school;
    school.rows["students"] = {whole_road::pupil("A1", R"({"upn":"A90000126001B"})")};
    school.rows["attendance/session"] = {whole_road::mark("M1", "A1", "C1")};
    school.poll();
    school.rows["students"] = {whole_road::pupil("A1", R"({"upn":"G990000126001","former_upn":"A90000126001B"})")};
    CHECK(school.poll().failures.empty());
    const auto pupils = school.entries("pupil");
    REQUIRE(pupils.size() == 2);
    CHECK_THAT(pupils[1], Contains(R"("former_upn":"A90000126001B")") && Contains(R"("replaces":)"));
    CHECK(school.statement.at(what::pupil).held == 1);
    CHECK(school.held("A1") == "/=/");
}

TEST_CASE("quirk 1: one UPN on two pupil rows leaves two pupils, each with their own marks", "[connectors][quirk]")
{
    whole_road school;
    for (std::string& row : school.rows["students"])
        row.replace(row.find("null", row.find("upn")), 4, R"("G990000126001")");
    school.rows["attendance/session"][1] = whole_road::mark("M2", "A2", "CN");
    CHECK(school.poll().failures.empty());
    CHECK(school.statement.at(what::pupil).fresh == 2);
    CHECK(school.held("A1") == "/=/");
    CHECK(school.held("A2") == "N=N");
}

TEST_CASE(
    "quirk 2: a pupil in the marks and in no list is kept, and becomes the pupil listed later", "[connectors][quirk]"
)
{
    whole_road school;
    school.rows["students"] = {whole_road::pupil("A1")};
    CHECK(school.poll().failures.empty());
    CHECK(school.held("A2") == "/=/");
    const auto before = school.book->state().things(what::pupil).find("mis", "A2")->subject;
    school.rows["students"].push_back(whole_road::pupil("A2"));
    CHECK(school.poll().failures.empty());
    CHECK(school.book->state().things(what::pupil).find("mis", "A2")->subject == before);
    CHECK(school.statement.at(what::pupil).held == 2);
}

TEST_CASE("quirk 3: an id that was deleted and is restored is the same pupil again", "[connectors][quirk]")
{
    whole_road school;
    school.poll();
    const auto both = school.rows["students"];
    school.rows["students"].pop_back();
    school.poll();
    CHECK(school.statement.at(what::pupil).vanished == 1);
    school.rows["students"] = both;
    auto& back = school.rows["students"][1];
    back.replace(
        back.find(R"("restored_at":null)"), 18, R"("restored_at":{"date":"2026-09-21 10:00:00","timezone":"UTC"})"
    );
    school.poll();
    CHECK(school.statement.at(what::pupil).restored == 1);
    CHECK(school.statement.at(what::pupil).held == 2);
    CHECK_THAT(school.entries("pupil").back(), Contains(R"("subject":)") && Contains(R"("replaces":)"));
}

TEST_CASE(
    "quirk 4: N that becomes an authorised code weeks later replaces N, which stays to be seen", "[connectors][quirk]"
)
{
    whole_road school;
    school.rows["attendance/session"][0] = whole_road::mark("M1", "A1", "CN");
    school.poll();
    school.now += std::chrono::days(42);
    school.rows["attendance/session"][0] = whole_road::mark("M1", "A1", "CI");
    school.poll();
    CHECK(school.held("A1") == "I=I");
    CHECK(school.statement.at(what::session_mark).changed == 1);
    const auto marks = school.entries("session-mark");
    REQUIRE(marks.size() == 3);
    CHECK_THAT(marks[0], Contains(R"("raw":"N")"));
    CHECK_THAT(marks[2], Contains(R"("raw":"I")") && Contains(R"("replaces":)"));
}

TEST_CASE("quirk 4: a mark cleared to - or to null is not recorded, and no absence", "[connectors][quirk]")
{
    const auto cleared = GENERATE(as<std::string>(), "Cb", "null");
    CAPTURE(cleared);
    whole_road school;
    school.rows["attendance/session"][0] = whole_road::mark("M1", "A1", "CN");
    school.poll();
    school.rows["attendance/session"][0] = whole_road::mark("M1", "A1", cleared);
    school.poll();
    CHECK_THAT(school.held("A1"), Catch::EndsWith("=") && !Contains("N"));
    CHECK(school.statement.at(what::session_mark).changed == 1);
}

TEST_CASE("quirk 4: a mark that is deleted has vanished, and its last value stays in the ledger", "[connectors][quirk]")
{
    whole_road school;
    school.poll();
    school.rows["attendance/session"].pop_back();
    CHECK(school.poll().failures.empty());
    CHECK(school.held("A2") == "gone");
    CHECK(school.statement.at(what::session_mark).vanished == 1);
    CHECK_THAT(school.entries("session-mark").back(), Contains(R"("gone":"vanished")"));
}

TEST_CASE("quirk 5: of two rows for one session one is held, and the other is a finding", "[connectors][quirk]")
{
    whole_road school;
    school.rows["attendance/session"].push_back(whole_road::mark("M9", "A1", "CN"));
    CHECK(school.poll().failures.empty());
    CHECK(school.held("A1") == "/=/");
    CHECK(school.statement.at(what::session_mark).duplicate == 1);
    CHECK(school.findings("mark-duplicate") == 1);
}

TEST_CASE("quirk 5: / in an afternoon is kept as the school wrote it", "[connectors][quirk]")
{
    whole_road school;
    school.rows["attendance/session"] = {
        whole_road::mark("M1", "A1", "C2"), whole_road::mark("M2", "A1", "C1", "2026-09-21", "PM")};
    CHECK(school.poll().failures.empty());
    CHECK(school.held("A1") == "\\=\\");
    CHECK(school.held("A1", "2026-09-21", half_day::pm) == "/=/");
}

TEST_CASE(
    "quirk 6: codes with spaces, in lower case, of three characters, unknown and inactive are kept",
    "[connectors][quirk]"
)
{
    const auto [id, text, held] = GENERATE(table<std::string, std::string, std::string>({
        {"CL", "L ", "L=L"},
        {"Cn", " n ", "n=N"},
        {"CX", "X01", "X01=X01"},
        {"CC", "C1", "C1=C1"},
        {"CQ", "Q9", "Q9=Q9"},
        {"C?", "", "C?="}, // in no list: the id is all there is
    }));
    CAPTURE(id, text);
    whole_road school;
    if (!text.empty()) school.rows["attendance-codes"].push_back(whole_road::code(id, text));
    school.rows["attendance/session"] = {whole_road::mark("M1", "A1", id)};
    CHECK(school.poll().failures.empty());
    CHECK(school.held("A1") == held);
    CHECK(school.statement.at(what::session_mark).quarantined == 0);
    // What the law does not list counts in no figure, and is shown.
    CHECK(school.findings("mark-unmapped") == (held == "X01=X01" || held == "Q9=Q9" || held == "C?=" ? 1 : 0));
}

TEST_CASE("quirk 7: midnight in London is that day, on both nights that the clocks change", "[connectors][quirk]")
{
    const auto day = GENERATE(as<std::string>(), "2026-03-29", "2026-10-25", "2026-06-30");
    const auto form = GENERATE(
        as<std::string>(),
        R"( 00:00:00.000000","timezone":"Europe/London")",
        R"( 00:00:00","timezone":"Europe/London")",
        R"( 23:59:59","timezone":"UTC")"
    );
    whole_road school;
    std::string row = whole_road::mark("M1", "A1", "C1");
    row.replace(row.find("2026-09-21"), row.find("},\"comment") - row.find("2026-09-21"), day + form);
    school.now = parse_instant("2026-11-01T17:00:00Z").value();
    school.rows["attendance/session"] = {row};
    CHECK(school.poll().failures.empty());
    CHECK(school.held("A1", day) == "/=/");
}

TEST_CASE("a mark of a year that no register can hold is put aside, and all others are read", "[connectors][quirk]")
{
    const auto day = GENERATE(as<std::string>(), "0202-09-21", "9999-12-31");
    whole_road school;
    std::string row = whole_road::mark("M9", "A1", "C1");
    row.replace(row.find("2026-09-21"), 10, day);
    school.rows["attendance/session"].push_back(row);
    CHECK(school.poll().failures.empty());
    CHECK(school.statement.at(what::session_mark).quarantined == 1);
    CHECK(school.held("A2") != "gone");
}

TEST_CASE("quirk 7: an incident with a date and no time has a day and no time", "[connectors][quirk]")
{
    whole_road school;
    school.rows["behaviours"] = {whole_road::incident("B1", "2026-09-21", whole_road::involved("A1", "Aggressor", 2))};
    CHECK(school.poll().failures.empty());
    REQUIRE(school.entries("incident").size() == 1);
    CHECK_THAT(school.entries("incident")[0], Contains(R"("day":"2026-09-21")") && !Contains("\"time\""));
}

TEST_CASE("quirk 8: a list cut in silence retires nothing", "[connectors][quirk]")
{
    const auto pagination = GENERATE(
        as<std::string>(),
        R"({"next":null,"more":true})", // the next address dropped
        R"({})"                         // nothing said
    );
    whole_road school;
    school.poll();
    school.instead["attendance/session"] = answer_of(200, page_of(whole_road::mark("M1", "A1", "C1"), pagination));
    const auto report = school.poll();
    REQUIRE(report.failures.size() == 1);
    CHECK(report.failures[0].code == errc::page_malformed);
    CHECK(school.held("A2") == "/=/");
}

TEST_CASE("quirk 8: a page that comes twice counts its rows once", "[connectors][quirk]")
{
    whole_road school;
    const auto both = school.rows["attendance/session"];
    school.rows["attendance/session"] = {both[0], both[1], both[0], both[1]};
    school.per_page = 2;
    CHECK(school.poll().failures.empty());
    CHECK(school.statement.at(what::session_mark).read == 4);
    CHECK(school.statement.at(what::session_mark).duplicate == 2);
    CHECK(school.statement.at(what::session_mark).held == 2);
    CHECK(school.findings("mark-duplicate") == 0);
}

TEST_CASE(
    "quirk 8: a row that moves to a page already read is missed once, and found by the next read", "[connectors][quirk]"
)
{
    whole_road school;
    school.poll();
    const auto both = school.rows["attendance/session"];
    school.rows["attendance/session"] = {both[0]};
    school.poll();
    CHECK(school.held("A2") == "gone");
    school.rows["attendance/session"] = both;
    school.poll();
    CHECK(school.held("A2") == "/=/");
    CHECK(school.statement.at(what::session_mark).restored == 1);
}

TEST_CASE("quirk 8: without meta a code list is one page, and a list of data is no page", "[connectors][quirk]")
{
    whole_road school;
    school.instead["attendance-codes"] = answer_of(200, R"({"data":[)" + whole_road::code("C1", "/") + "]}");
    CHECK(school.poll().failures.empty());
    CHECK(school.held("A1") == "/=/");
    school.instead["attendance/session"] = answer_of(200, R"({"data":[]})");
    CHECK(school.poll().failures.at(0).code == errc::page_malformed);
    CHECK(school.held("A1") == "/=/");
}

TEST_CASE(
    "quirk 9: refused, throttled, broken and misleading answers leave what is held as it was", "[connectors][quirk]"
)
{
    const auto [status, body, code] = GENERATE(table<int, std::string, errc>({
        {401, "{}", errc::source_refused}, // the token was exchanged
        {403, "{}", errc::source_refused}, // this list alone is not permitted
        {429, "{}", errc::source_throttled},
        {503, "<html>down</html>", errc::source_unreachable},
        {200, R"({"success":false})", errc::page_malformed},
        {200, "<html>log in</html>", errc::page_malformed},
    }));
    CAPTURE(status, body);
    whole_road school;
    school.poll();
    school.rows["students"][0] = whole_road::pupil("A1", R"({"upn":null})", "Changed");
    school.instead["attendance/session"] = answer_of(status, body, body[0] == '<' ? "text/html" : "application/json");
    const auto report = school.poll();
    REQUIRE(report.failures.size() == 1);
    CHECK(report.failures[0].code == code);
    CHECK_FALSE(report.failures[0].to_do.empty());
    CHECK(school.held("A1") == "/=/");
    // The other lists are read all the same.
    CHECK(school.statement.at(what::pupil).changed == 1);
}

TEST_CASE(
    "quirk 9: a list that is empty for want of a permission or in the wrong region is an error", "[connectors][quirk]"
)
{
    whole_road school;
    school.poll();
    const auto all = school.rows;
    school.rows["attendance/session"].clear();
    const auto report = school.poll();
    REQUIRE(report.failures.size() == 1);
    CHECK(report.failures[0].code == errc::mass_change);
    CHECK_THAT(report.failures[0].what, Contains("2 of 2 session-mark records held are missing"));
    CHECK_THAT(report.failures[0].to_do, Contains("rollbook poll --allow-vanished mis"));
    CHECK(school.held("A1") == "/=/");

    // Once, when a person says so.
    CHECK(school.poll(true, true).failures.empty());
    CHECK(school.held("A1") == "gone");
    school.rows = all;
    CHECK(school.poll().failures.empty());
    CHECK(school.held("A1") == "/=/");
}

TEST_CASE(
    "quirk 11: an incident has each pupil with their own role and points, and follows changes", "[connectors][quirk]"
)
{
    whole_road school;
    school.rows["behaviours"] = {whole_road::incident(
        "B1",
        "2026-09-21",
        whole_road::involved("A1", "Aggressor", 2) + "," + whole_road::involved("A2", "Bystander", 0)
    )};
    school.poll();
    REQUIRE(school.entries("involvement").size() == 2);
    CHECK_THAT(school.entries("involvement")[0], Contains(R"("points":2)") && Contains("Aggressor"));

    school.rows["behaviours"] = {whole_road::incident("B1", "2026-09-21", whole_road::involved("A1", "Target", 0))};
    CHECK(school.poll().failures.empty());
    CHECK(school.statement.at(what::incident).unchanged == 1);
    CHECK(school.statement.at(what::involvement).changed == 1);
    CHECK(school.statement.at(what::involvement).vanished == 1);
    const auto after = school.entries("involvement");
    REQUIRE(after.size() == 4);
    CHECK_THAT(after[2], Contains("Target") && Contains(R"("replaces":)"));
    CHECK_THAT(after[3], Contains(R"("gone":"vanished")"));
}

TEST_CASE("quirk 12: markers of the same incident elsewhere are kept, the comment is not", "[connectors][quirk]")
{
    whole_road school;
    const auto row = [&](const std::string& comment) {
        return whole_road::incident("B1", "2026-09-21", whole_road::involved("A1", "x", 1), comment);
    };
    school.rows["behaviours"] = {row("Sam left. (added in ClassCharts, 1400000000) [Wonde:A900]")};
    school.poll();
    REQUIRE(school.entries("incident").size() == 1);
    CHECK_THAT(
        school.entries("incident")[0],
        Contains(R"("external_ids":["ClassCharts:1400000000","Wonde:A900"])") && !Contains("Sam")
    );
    // A comment that is edited changes nothing that is stored.
    school.rows["behaviours"] = {row("Sam stayed. (added in ClassCharts, 1400000000) [Wonde:A900]")};
    school.poll();
    CHECK(school.statement.at(what::incident).unchanged == 1);
}

TEST_CASE(
    "quirk 13: an incident of last month entered today is found, and one of next month is kept", "[connectors][quirk]"
)
{
    whole_road school;
    school.settings.sources[0].reread = {{2, std::chrono::minutes(10)}, {30, std::chrono::hours(24)}};
    school.rows["behaviours"] = {whole_road::incident("B1", "2026-09-21", whole_road::involved("A1", "x", 1))};
    school.poll();
    school.rows["behaviours"].push_back(whole_road::incident("B0", "2026-09-10", whole_road::involved("A2", "x", 1)));
    school.rows["behaviours"].push_back(whole_road::incident("B2", "2026-10-14", whole_road::involved("A2", "x", 1)));
    school.now += std::chrono::hours(24);
    // Behaviours know a first day; the windows' addresses answer with the same rows.
    school.http.answers.clear();
    CHECK(school.poll(true).failures.empty());
    CHECK(school.statement.at(what::incident).fresh == 2);
}

TEST_CASE("quirk 14: a closed day and a session not required change no percentage", "[connectors][quirk][statutory]")
{
    whole_road school;
    for (const char* code : {"#", "Z", "Q", "X", "Y1", "D"})
        school.rows["attendance-codes"].push_back(whole_road::code("C" + std::string(code), code));
    std::vector<std::string>& rows = school.rows["attendance/session"];
    rows = {
        whole_road::mark("M1", "A1", "C1", "2026-09-14"),
        whole_road::mark("M2", "A1", "C1", "2026-09-15"),
        whole_road::mark("M3", "A1", "CI", "2026-09-16")};
    school.poll();
    const auto figures_now = [&] {
        const auto* marks = school.book->state().find_register("mis");
        const auto ref = school.book->state().things(what::pupil).find("mis", "A1")->subject;
        return marks->figures_of(*marks->find_pupil(ref), *marks->extent());
    };
    const figures before = figures_now();
    CHECK(before.possible == 3);
    CHECK(before.present == 2);
    int day = 17;
    for (const char* code : {"#", "Z", "Q", "X", "Y1", "D"}) {
        rows.push_back(
            whole_road::mark("N" + std::string(code), "A1", "C" + std::string(code), "2026-09-" + std::to_string(day++))
        );
    }
    CHECK(school.poll().failures.empty());
    CHECK(figures_now().possible == 3);
    CHECK(figures_now().present == 2);
}

TEST_CASE("quirk 15: a source that serves what it had days ago is stale, and says so", "[connectors][quirk]")
{
    whole_road school;
    school.settings.sources[0].stale_after = std::chrono::hours(12);
    for (std::string& row : school.rows["students"])
        row.insert(1, R"("updated_at":{"date":"2026-09-21 15:00:00","timezone":"UTC"},)");
    CHECK(school.poll().failures.empty());
    CHECK(school.findings("source-stale") == 0);
    // Three school days on, the link is off line and everything comes as it was.
    school.now += std::chrono::days(3);
    CHECK(school.poll().failures.empty());
    CHECK(school.statement.at(what::session_mark).unchanged == 2);
    CHECK(school.findings("source-stale") == 1);
}
