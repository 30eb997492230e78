#include "daemon/reports/report.hpp"

#include "tests/unit/cli/command_fixture.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace rollbook;
using Catch::Matchers::Contains;

TEST_CASE("what-changed counts the entries between two instants and names the figures that differ", "[cli]")
{
    command_fixture f;
    REQUIRE(f.run("what-changed --from 2026-11-23T08:55:00Z --to 2026-11-23T12:00:00Z --json") == 0);
    const json_document document = f.json();
    const json_view root = document.root();
    CHECK(keys_of(root) == "counts,entries,figures,figures_of,from,to");
    CHECK(text_of(root["from"]) == R"({"at":"2026-11-23T08:55:00.000Z","size":11})");
    CHECK(root["to"]["size"].as_int() == static_cast<std::int64_t>(f.ledger->size()));
    CHECK(root["entries"].size() == f.ledger->size() - 11);
    CHECK(keys_of(root["entries"].at(0)) == "index,kind,payload,pupil,recorded_at,source,what");
    CHECK(text_of(root["counts"].at(0)) == R"({"changed":1,"ended":0,"new":2,"what":"session-mark"})");
    REQUIRE(root["figures"].size() == 1);
    // The N of the morning became a U: one session moved nowhere but to late; the others were not possible.
    CHECK(
        text_of(root["figures"].at(0)["before"]) ==
        R"({"authorised":0,"late":1,"possible":3,"present":2,"unauthorised":1})"
    );
    CHECK(
        text_of(root["figures"].at(0)["after"]) ==
        R"({"authorised":0,"late":2,"possible":3,"present":2,"unauthorised":1})"
    );
    CHECK(root["figures"].at(0)["pupil"]["ref"].as_string() == "P-" + std::to_string(f.ana));
}

TEST_CASE("what-changed of one pupil, of nothing, and page by page", "[cli]")
{
    command_fixture f;
    REQUIRE(f.run("what-changed --from 2026-11-23T08:55:00Z --pupil mis:B2 --json") == 0);
    CHECK(f.json().root()["entries"].size() == 3);
    CHECK(f.json().root()["figures"].size() == 0);
    REQUIRE(f.run("what-changed --from 2026-11-23T12:00:00Z --json") == 0);
    CHECK(f.json().root()["entries"].size() == 0);
    REQUIRE(f.run("what-changed --from 2026-11-23T12:00:00Z") == 0);
    CHECK_THAT(f.out, Contains("Nothing changed."));
    REQUIRE(f.run("what-changed --from 2026-11-23T08:55:00Z --limit 2 --json") == 0);
    CHECK(f.json().root()["entries"].size() == 2);
    CHECK_THAT(f.err, Contains("--after 12"));
    REQUIRE(f.run("what-changed --from 2026-11-23T08:55:00Z") == 0);
    CHECK_THAT(f.out, Contains("1 -> 2") && !Contains("Ana"));
}

TEST_CASE("what-changed from before the first read says when Rollbook began", "[cli]")
{
    command_fixture f;
    CHECK(f.run("what-changed --from 2026-11-01T00:00:00Z --json") == 1);
    CHECK(keys_of(f.json().root()) == "began");
    CHECK(f.run("what-changed --from 2026-11-23T12:00:00Z --to 2026-11-23T08:00:00Z") == 2);
}

TEST_CASE(
    "the report of amendments shows original, amended, when learned, and what the source does not supply", "[cli]"
)
{
    command_fixture f;
    REQUIRE(f.run("report amendments --json") == 0);
    const json_document document = f.json();
    const json_view rows = document.root()["rows"];
    REQUIRE(rows.size() == 1);
    const json_view row = rows.at(0);
    CHECK(row["pupil"].as_string() == "P-" + std::to_string(f.ana));
    CHECK(row["date"].as_string() == "2026-11-23");
    CHECK(row["session"].as_string() == "AM");
    CHECK(row["original"].as_string() == "N");
    CHECK(row["amended"].as_string() == "U, 40 min");
    CHECK(row["learned_after"].as_string() == "2026-11-23 08:55");
    CHECK(row["learned_by"].as_string() == "2026-11-23 12:00");
    for (const char* key : {"reason", "amended_on", "name", "position"})
        CHECK(row[key].as_string() == "not supplied by source");
    CHECK(row["original_entry"].as_string() == std::to_string(f.no_reason));
    CHECK(row["amended_entry"].as_string() == std::to_string(f.recoded));
}

TEST_CASE("a source's own reason, date, name and position of an amendment are shown as it gave them", "[cli]")
{
    command_fixture f;
    f.ledger->append(
        entry_kind::record,
        f.second_read,
        R"({"amendment":{"name":"J. Smith","on":"2026-11-23","position":"Attendance Officer","reason":"Note from home"},)"
        R"("code":"I","date":"2026-11-23","learned_by":"2026-11-23T12:00:00.000Z","pupil":)" +
            std::to_string(f.ana) + R"(,"raw":"I","replaces":)" + std::to_string(f.recoded) +
            R"(,"session":"AM","source":"mis","what":"session-mark"})"
    );
    REQUIRE(f.run("report amendments --json") == 0);
    const json_document document = f.json();
    const json_view row = document.root()["rows"].at(1);
    CHECK(row["reason"].as_string() == "Note from home");
    CHECK(row["amended_on"].as_string() == "2026-11-23");
    CHECK(row["name"].as_string() == "J. Smith");
    CHECK(row["position"].as_string() == "Attendance Officer");
}

TEST_CASE("what is no amendment is not listed as one", "[cli]")
{
    command_fixture f;
    const learned then{f.first_read, f.second_read, false};
    const auto unrecorded = f.mark("2026-11-18", half_day::am, "-", "", -1, then);
    f.mark("2026-11-18", half_day::am, "/", "/", -1, then, unrecorded);  // the register was taken
    f.mark("2026-11-20", half_day::pm, "L", "L", 12, then, f.late_mark); // another comment, the same mark
    REQUIRE(f.run("report amendments --json") == 0);
    CHECK(f.json().root()["rows"].size() == 1);
    const auto removed = f.ledger->append(
        entry_kind::record,
        f.second_read,
        R"({"date":"2026-11-23","gone":"vanished","learned_by":"2026-11-23T12:00:00.000Z","pupil":)" +
            std::to_string(f.ana) + R"(,"raw":"","replaces":)" + std::to_string(f.recoded) +
            R"(,"session":"AM","source":"mis","what":"session-mark"})"
    );
    REQUIRE(f.run("report amendments --json") == 0);
    const json_document document = f.json();
    REQUIRE(document.root()["rows"].size() == 2);
    CHECK(document.root()["rows"].at(1)["amended"].as_string() == "removed");
    CHECK(document.root()["rows"].at(1)["amended_entry"].as_string() == std::to_string(removed));
}

TEST_CASE("a report keeps to its days and to what was known", "[cli]")
{
    command_fixture f;
    const auto [words, rows] = GENERATE(table<std::string, std::size_t>({
        {"--from 2026-11-23 --to 2026-11-23", 1},
        {"--to 2026-11-22", 0},
        {"--from 2026-11-24", 0},
        {"--known-at 2026-11-23T09:00:00Z", 0},
    }));
    CAPTURE(words);
    REQUIRE(f.run("report amendments --json " + words) == 0);
    CHECK(f.json().root()["rows"].size() == rows);
}

TEST_CASE("a report is written as CSV and as a page, by the file's name", "[cli]")
{
    command_fixture f;
    CHECK(f.run("report") == 0);
    CHECK_THAT(f.out, Contains("amendments"));
    CHECK(f.run("report nonsense") == 2);
    CHECK(f.run("report amendments --out report.docx") == 2);
    CHECK(f.run("report amendments") == 0);
    CHECK_THAT(f.out, Contains("Register amendments") && Contains("not supplied by source"));
    CHECK(f.run("report amendments --format csv") == 0);
    CHECK_THAT(f.out, Contains("Pupil,Date,Session,Original,Amended,") && Contains(",N,\"U, 40 min\","));
    CHECK(f.run("report amendments --format html") == 0);
    CHECK_THAT(f.out, Contains("<h1>Register amendments</h1>") && Contains("St Example&#39;s"));
}

TEST_CASE("no text of a report becomes a formula or a tag", "[cli]")
{
    report made;
    made.title = "<b>";
    made.columns = {{"a", "A"}, {"b", "B", true}};
    made.rows = {{"=HYPERLINK(\"x\")", "1"}, {"<script>", "-"}, {"@a,b", ""}};
    CHECK(as_csv(made) == "A,B\r\n\"'=HYPERLINK(\"\"x\"\")\",1\r\n<script>,-\r\n\"'@a,b\",\r\n");
    CHECK(as_xlsx(made, "&", instant()).starts_with("PK"));
    made.rows.push_back({std::string(40'000, 'x'), ""});
    CHECK_THROWS_AS(as_xlsx(made, "", instant()), failure_error); // longer than a sheet's cell
    made.rows.pop_back();
    const std::string page = as_html(made, "&");
    CHECK_THAT(page, Contains("<h1>&lt;b&gt;</h1>") && Contains("&lt;script&gt;") && !Contains("<script>"));
}
