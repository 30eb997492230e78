#include "tests/unit/cli/command_fixture.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using Catch::Matchers::Contains;

namespace {

std::string p(entry_index person)
{
    return "P-" + std::to_string(person);
}

std::vector<std::int64_t> numbers(json_view list, std::string_view key)
{
    std::vector<std::int64_t> found;
    list.for_each_element([&](json_view each) { found.push_back(each[key].as_int()); });
    return found;
}

} // namespace

TEST_CASE("alerts list --json has the contract's members and leaves ended alerts out", "[cli]")
{
    command_fixture f;
    CHECK(f.run("alerts list --json") == 0);
    const json_document document = f.json();
    REQUIRE(document.root().size() == 1);
    const json_view alert = document.root().at(0);
    CHECK(keys_of(alert) == "changed_at,evidence,id,opened_at,pupil,reason,rule,stage,state,threshold,value,window");
    CHECK(alert["id"].as_int() == static_cast<std::int64_t>(f.open_alert));
    CHECK(alert["pupil"]["ref"].as_string() == p(f.ana));
    CHECK(text_of(alert["pupil"]["source_ids"]) == R"({"cpoms":["c:1"],"mis":["A1"]})");
    CHECK(text_of(alert["window"]) == R"({"from":"2026-11-09","to":"2026-11-23"})");
    CHECK(alert["state"].as_string() == "open");
    CHECK(alert["opened_at"].as_string() == "2026-11-23T12:00:00.000Z");
    CHECK(alert["value"].as_int() == 2);
    CHECK(alert["evidence"].at(1).as_int() == static_cast<std::int64_t>(f.recoded));
}

TEST_CASE("alerts list --state all has each alert once, as it stands", "[cli]")
{
    command_fixture f;
    CHECK(f.run("alerts list --state all --json") == 0);
    const json_document document = f.json();
    REQUIRE(document.root().size() == 2);
    CHECK(document.root().at(1)["id"].as_int() == static_cast<std::int64_t>(f.ended_alert));
    CHECK(document.root().at(1)["state"].as_string() == "resolved");
}

TEST_CASE("an alert before its resolution is shown as it was known then", "[cli]")
{
    command_fixture f;
    f.ledger->all[f.ended_alert + 1].recorded_at = at("2026-11-23T13:00:00Z");
    f.ledger->all[f.erased].recorded_at = at("2026-11-23T13:00:00Z");
    CHECK(f.run("alerts list --json --known-at 2026-11-23T12:30:00Z") == 0);
    CHECK(f.json().root().size() == 2);
}

TEST_CASE("alerts show has the history of one alert, and no such alert exits 1", "[cli]")
{
    command_fixture f;
    CHECK(f.run("alerts show " + std::to_string(f.ended_alert) + " --json") == 0);
    const json_document document = f.json();
    REQUIRE(document.root()["history"].size() == 2);
    CHECK(document.root()["history"].at(0)["state"].as_string() == "open");
    CHECK(document.root()["history"].at(1)["state"].as_string() == "resolved");
    CHECK(document.root()["state"].as_string() == "resolved");

    CHECK(f.run("alerts show " + std::to_string(f.open_alert)) == 0);
    CHECK_THAT(f.out, Contains("Repeated lateness") && Contains("2026-11-20  PM") && Contains(p(f.ana)));

    CHECK(f.run("alerts show " + std::to_string(f.unmapped)) == 1);
    CHECK(f.out.empty());
    CHECK_THAT(f.err, Contains("no alert has the id"));
}

TEST_CASE("findings list --json has the contract's members, a stranger has no pupil but a subject", "[cli]")
{
    command_fixture f;
    CHECK(f.run("findings list --json") == 0);
    const json_document document = f.json();
    REQUIRE(document.root().size() == 2);
    const json_view finding = document.root().at(0);
    CHECK(keys_of(finding) == "closed_at,evidence,explanation,id,kind,labels,opened_at,pupil,sources,state,subject");
    CHECK(finding["id"].as_int() == static_cast<std::int64_t>(f.unmapped));
    CHECK(finding["closed_at"].is_null());
    CHECK(finding["kind"].as_string() == "mark-unmapped");
    CHECK(finding["pupil"]["ref"].as_string() == p(f.ana));
    CHECK(text_of(finding["subject"]) == R"({"id":"A1","source":"mis"})");
    CHECK(text_of(finding["sources"]) == R"(["mis"])");
    CHECK(text_of(finding["evidence"]) == "[13]");
    const json_view stranger = document.root().at(1);
    CHECK(stranger["pupil"].is_null());
    CHECK(stranger["subject"]["id"].as_string() == "c9");
    CHECK(text_of(finding["labels"]) == R"(["attendance"])");
    CHECK(text_of(stranger["labels"]) == R"(["attendance","safeguarding"])");
}

TEST_CASE("a finding about a safeguarding pupil names the person only once that pupil is linked", "[cli]")
{
    command_fixture f;
    const bool linked = GENERATE(true, false);
    const std::string record = std::to_string(linked ? f.ana_in_cpoms : f.stranger);
    f.ledger->append(
        entry_kind::record, f.second_read, R"({"key":"z","kind":"z","pupil":)" + record + R"(,"what":"finding"})"
    );
    CHECK(f.run("findings list --kind z --json") == 0);
    const json_document document = f.json();
    REQUIRE(document.root().size() == 1);
    if (linked)
        CHECK(document.root().at(0)["pupil"]["ref"].as_string() == p(f.ana));
    else
        CHECK(document.root().at(0)["pupil"].is_null());
}

TEST_CASE("findings list --state all adds the closed ones with when they closed, --kind keeps one kind", "[cli]")
{
    command_fixture f;
    CHECK(f.run("findings list --state all --kind reason-overdue --json") == 0);
    const json_document document = f.json();
    REQUIRE(document.root().size() == 1);
    CHECK(document.root().at(0)["id"].as_int() == static_cast<std::int64_t>(f.closed_finding));
    CHECK(document.root().at(0)["state"].as_string() == "closed");
    CHECK(document.root().at(0)["closed_at"].as_string() == "2026-11-23T12:00:00.000Z");
    CHECK(f.run("findings list --kind reason-overdue --json") == 0);
    CHECK(f.out == "[]\n");
}

TEST_CASE("lists go on after an id and say that they were cut", "[cli]")
{
    command_fixture f;
    CHECK(f.run("findings list --state all --json --limit 2") == 0);
    {
        const json_document document = f.json();
        const auto ids = numbers(document.root(), "id");
        CHECK(ids == std::vector{std::int64_t(f.unmapped), std::int64_t(f.unknown_pupil)});
    }
    CHECK_THAT(f.err, Contains("--after " + std::to_string(f.unknown_pupil)));
    CHECK(f.run("findings list --state all --json --limit 2 --after " + std::to_string(f.unknown_pupil)) == 0);
    CHECK(numbers(f.json().root(), "id") == std::vector{std::int64_t(f.closed_finding)});
    CHECK(f.err.empty());
    CHECK(f.run("findings list --state all --json --limit 0") == 0);
    CHECK(f.json().root().size() == 3);
}

TEST_CASE("a list shows a thousand unless told otherwise, and 0 is all", "[cli]")
{
    command_fixture f;
    while (f.ledger->all.size() < 1500)
        f.ledger->append(entry_kind::record, f.second_read, "");
    CHECK(f.run("ledger list --json") == 0);
    CHECK(f.json().root().size() == 1000);
    CHECK_THAT(f.err, Contains("--after 999"));
    CHECK(f.run("ledger list --json --limit 0") == 0);
    CHECK(f.json().root().size() == 1500);
    CHECK(f.err.empty());
    CHECK(f.run("ledger list --json --after 1490") == 0);
    CHECK(f.json().root().at(0)["index"].as_int() == 1491);
}

TEST_CASE("links why says how far a record is from the pupil that somebody takes it for", "[cli]")
{
    command_fixture f;
    CHECK(f.run("links why cpoms:c9 mis:B2 --json") == 0);
    const json_document apart = f.json();
    CHECK(keys_of(apart.root()) == "by,near,needed,record,state,why");
    CHECK(apart.root()["state"].as_string() == "not-linked");
    REQUIRE(apart.root()["near"].size() == 1);
    const json_view near = apart.root()["near"].at(0);
    CHECK(keys_of(near) == "numbers,parts,points,pupil,refused");
    CHECK(near["pupil"]["ref"].as_string() == p(f.ben));
    CHECK(f.run("links why cpoms:c9 mis:B2") == 0);
    CHECK_THAT(f.out, Contains("Not linked: ") && Contains("surname differs") && Contains(p(f.ben)));
    CHECK_THAT(f.out, !Contains("Zenith"));
}

TEST_CASE("links list --json names the person, the other record and why", "[cli]")
{
    command_fixture f;
    CHECK(f.run("links list --json") == 0);
    const json_document document = f.json();
    REQUIRE(document.root().size() == 1);
    CHECK(keys_of(document.root().at(0)) == "by,id,labels,other,pupil,state");
    CHECK(document.root().at(0)["pupil"]["ref"].as_string() == p(f.ana));
    CHECK(document.root().at(0)["other"]["source"].as_string() == "cpoms");
    CHECK(document.root().at(0)["by"].as_string() == "upn");
}

TEST_CASE("statement --json has the contract's members, and null where the source gives no total", "[cli]")
{
    command_fixture f;
    CHECK(f.run("statement --json") == 0);
    const json_document document = f.json();
    REQUIRE(document.root().size() == 2);
    CHECK(
        keys_of(document.root().at(0)) ==
        "at,balanced,changed,duplicate,new,quarantined,read,record,restored,source,source_total,unchanged,vanished"
    );
    CHECK(document.root().at(0)["source_total"].as_int() == 4);
    CHECK(document.root().at(1)["source_total"].is_null());
    CHECK(document.root().at(1)["new"].as_int() == 2);
    CHECK(document.root().at(0)["record"].as_string() == "session-mark");
    CHECK(document.root().at(0)["balanced"].as_bool());
}

TEST_CASE("statement pages by row, and --from and --to are whole days at the school", "[cli]")
{
    command_fixture f;
    CHECK(f.run("statement --json --limit 1") == 0);
    CHECK(f.json().root().size() == 1);
    CHECK_THAT(f.err, Contains("--after 1"));
    CHECK(f.run("statement --json --limit 1 --after 1") == 0);
    CHECK(f.json().root().at(0)["new"].as_int() == 2);
    CHECK(f.err.empty());

    f.ledger->rows[0].at = at("2026-07-01T22:59:59.999Z"); // 1 July at the school, one millisecond before midnight
    f.ledger->rows[1].at = at("2026-07-01T23:00:00Z");     // 2 July
    CHECK(f.run("statement --json --to 2026-07-01") == 0);
    CHECK(f.json().root().size() == 1);
    CHECK(f.run("statement --json --from 2026-07-02 --to 2026-07-02") == 0);
    CHECK(f.json().root().size() == 1);
    CHECK(f.run("statement --json --from 2026-07-03") == 0);
    CHECK(f.json().root().size() == 0);
}

TEST_CASE("status --json has the contract's members and the age of the data", "[cli]")
{
    command_fixture f;
    f.ledger->simulated = true;
    CHECK(f.run("status --json") == 0);
    const json_document document = f.json();
    const json_view root = document.root();
    CHECK(root["school"].as_string() == "St Example's");
    CHECK(root["simulated"].as_bool());
    CHECK(text_of(root["alerts"]) == R"({"open":1})");
    CHECK(text_of(root["outbox"]) == R"({"failed":1,"waiting":3})");
    CHECK(root["ledger"]["size"].as_int() == static_cast<std::int64_t>(f.ledger->size()));
    CHECK(root["ledger"]["checkpoint_at"].as_string() == "2026-11-23T12:00:00.000Z");
    REQUIRE(root["sources"].size() == 2);
    const json_view mis = root["sources"].at(0);
    CHECK(keys_of(mis) == "cursor,data_age_s,data_as_of,error,last_success,name,ok");
    CHECK(mis["ok"].as_bool());
    CHECK(mis["data_age_s"].as_int() == 40 * 60);
    CHECK(mis["cursor"].as_string() == "2026-11-23");
    CHECK(mis["error"].is_null());
    const json_view cpoms = root["sources"].at(1);
    CHECK_FALSE(cpoms["ok"].as_bool());
    CHECK(cpoms["data_age_s"].is_null());
    CHECK(cpoms["last_success"].is_null());
    CHECK(cpoms["error"].as_string() == "source cpoms: GET /students answered 503");
}

TEST_CASE("a source that was never read is not ok, and one whose last attempt failed is not either", "[cli]")
{
    command_fixture f;
    f.ledger->states.clear();
    CHECK(f.run("status --json") == 0);
    CHECK_FALSE(f.json().root()["sources"].at(0)["ok"].as_bool());
}

TEST_CASE("status for people says SIMULATION of a simulated ledger, and only then", "[cli]")
{
    command_fixture f;
    CHECK(f.run("status") == 0);
    CHECK_THAT(f.out, !Contains("SIMULATION") && Contains("Wait, or ask the supplier."));
    f.ledger->simulated = true;
    CHECK(f.run("status") == 0);
    CHECK_THAT(f.out, Contains("SIMULATION"));
}

TEST_CASE("known-at before the first closed read says when Rollbook began, and exits 1", "[cli]")
{
    const std::string words = GENERATE(
        as<std::string>(), "alerts list", "findings list", "statement", "links list", "pupil P-1", "ledger list"
    );
    CAPTURE(words);
    command_fixture f;
    CHECK(f.run(words + " --json --known-at 2026-11-23T08:54:59Z") == 1);
    CHECK(f.out == "{\"began\":\"2026-11-23T08:55:00.000Z\"}\n");
    CHECK(f.run(words + " --known-at 2026-11-23T08:54:59Z") == 1);
    CHECK(f.out == "Rollbook began on 23 November 2026 at 08:55; nothing was known before.\n");
    CHECK(f.run(words + " --json --known-at 2026-11-23T08:55:00Z") == 0);
    f.ledger->first_closed.reset();
    CHECK(f.run(words + " --json --known-at 2026-11-23T09:00:00Z") == 1);
    CHECK(f.out == "{\"began\":null}\n");
}

TEST_CASE("what a source wrote cannot steer the terminal", "[cli]")
{
    command_fixture f;
    f.ledger->states[1].error = "answer \x1b[2J\xc2\x9b cleared";
    CHECK(f.run("status") == 0);
    CHECK_THAT(f.out, Contains("answer ?[2J? cleared"));
}
