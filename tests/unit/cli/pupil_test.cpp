#include "tests/unit/cli/command_fixture.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using Catch::Matchers::Contains;

namespace {

std::string ref(entry_index person)
{
    return "P-" + std::to_string(person);
}

json_view mark_on(json_view pupil, std::string_view day, std::string_view session)
{
    json_view found;
    pupil["marks"].for_each_element([&](json_view each) {
        if (each["date"].as_string() == day && each["session"].as_string() == session) found = each;
    });
    return found;
}

} // namespace

TEST_CASE("pupil --json has the contract's members", "[cli]")
{
    command_fixture f;
    CHECK(f.run("pupil " + ref(f.ana) + " --json") == 0);
    const json_document document = f.json();
    const json_view root = document.root();
    CHECK(keys_of(root) == "actions,alerts,figures,incidents,marks,ref,source_ids");
    CHECK(root["ref"].as_string() == ref(f.ana));
    CHECK(text_of(root["source_ids"]) == R"({"cpoms":["c:1"],"mis":["A1"]})");
    CHECK(keys_of(root["marks"].at(0)) == "backfill,changed,class,code,date,learned,minutes_late,raw,session");
    CHECK(
        keys_of(root["alerts"].at(0)) ==
        "changed_at,evidence,id,opened_at,pupil,reason,rule,stage,state,threshold,value,window"
    );
    CHECK(root["alerts"].size() == 1);
}

TEST_CASE("a mark shows the code it stands for that day, its class and when it was learned", "[cli]")
{
    command_fixture f;
    CHECK(f.run("pupil " + ref(f.ana) + " --json") == 0);
    const json_document document = f.json();
    const json_view root = document.root();
    CHECK(root["marks"].size() == 6);

    const json_view late = mark_on(root, "2026-11-20", "PM");
    CHECK(late["raw"].as_string() == "L");
    CHECK(late["code"].as_string() == "L");
    CHECK(late["class"].as_string() == "present");
    CHECK(late["minutes_late"].as_int() == 12);
    CHECK(late["backfill"].as_bool());
    CHECK_FALSE(late["changed"].as_bool());
    CHECK(text_of(late["learned"]) == R"({"after":null,"by":"2026-11-23T08:55:00.000Z"})");

    const json_view recoded = mark_on(root, "2026-11-23", "AM");
    CHECK(recoded["code"].as_string() == "U");
    CHECK(recoded["changed"].as_bool());
    CHECK_FALSE(recoded["backfill"].as_bool());
    CHECK(text_of(recoded["learned"]) == R"({"after":"2026-11-23T08:55:00.000Z","by":"2026-11-23T12:00:00.000Z"})");

    const json_view blank = mark_on(root, "2026-11-23", "PM");
    CHECK(blank["class"].as_string() == "none");
    CHECK(blank["code"].is_null());
    CHECK(blank["minutes_late"].is_null());
    const json_view unknown = mark_on(root, "2026-11-19", "AM");
    CHECK(unknown["class"].as_string() == "unmapped");
    CHECK(unknown["code"].is_null());
    CHECK(unknown["raw"].as_string() == "Q9");
}

TEST_CASE("a code that the law lists only later is unmapped on an earlier day", "[cli][statutory]")
{
    command_fixture f;
    f.mark("2024-05-10", half_day::am, "C1", "C1", -1, {f.first_read, f.second_read, false});
    CHECK(f.run("pupil " + ref(f.ana) + " --json") == 0);
    const json_document document = f.json();
    CHECK(mark_on(document.root(), "2024-05-10", "AM")["class"].as_string() == "unmapped");
    CHECK(mark_on(document.root(), "2024-05-10", "AM")["code"].is_null());
}

TEST_CASE("figures are for the academic year to date unless days are given", "[cli]")
{
    command_fixture f;
    CHECK(f.run("pupil " + ref(f.ana) + " --json") == 0);
    CHECK(
        text_of(f.json().root()["figures"]) ==
        R"({"authorised":0,"from":"2026-08-01","late":2,"possible":3,"present":2,"to":"2026-11-23","unauthorised":1})"
    );
    CHECK(f.run("pupil " + ref(f.ana) + " --json --from 2026-07-01 --to 2026-11-20") == 0);
    CHECK(
        text_of(f.json().root()["figures"]) ==
        R"({"authorised":0,"from":"2026-07-01","late":1,"possible":3,"present":3,"to":"2026-11-20","unauthorised":0})"
    );
    CHECK(f.json().root()["marks"].size() == 4);
}

TEST_CASE("a mark that another system than the MIS tells of is shown, and counts in no figure", "[cli]")
{
    command_fixture f;
    const auto figures = [&] {
        CHECK(f.run("pupil " + ref(f.ana) + " --json") == 0);
        return std::pair(text_of(f.json().root()["figures"]), f.json().root()["marks"].size());
    };
    const auto [before, marks] = figures();
    f.mark("2026-11-20", half_day::am, "/", "/", -1, {f.first_read, f.second_read, false}, no_entry, "cpoms");
    CHECK(figures() == std::pair(before, marks + 1));
}

TEST_CASE("known-at shows the marks and figures of then", "[cli]")
{
    command_fixture f;
    CHECK(f.run("pupil " + ref(f.ana) + " --json --known-at 2026-11-23T09:00:00Z") == 0);
    const json_document document = f.json();
    CHECK(mark_on(document.root(), "2026-11-23", "AM")["code"].as_string() == "N");
    CHECK(document.root()["figures"]["late"].as_int() == 1);
    CHECK(document.root()["figures"]["unauthorised"].as_int() == 1);
    CHECK(document.root()["alerts"].size() == 0);
    CHECK(document.root()["incidents"].size() == 0);
    CHECK(f.run("pupil " + ref(f.ana) + " --known-at 2100-01-01T09:00:00Z") == 2);
    CHECK_THAT(f.err, Contains("has not come yet"));
}

TEST_CASE("known-at goes by the calendar that was in force then", "[cli]")
{
    command_fixture f;
    const school_calendar now = support::example_calendar();
    const school_calendar before;
    CHECK_FALSE(other_calendar_at(*f.ledger, f.ledger->size(), now));
    held_thing first;
    first.entry = first.subject = f.ledger->append(f.second_read, setting_entry("calendar", before.to_json(), nullptr));
    const entry_index then = f.ledger->size();
    f.ledger->append(f.second_read, setting_entry("calendar", now.to_json(), &first));
    REQUIRE(other_calendar_at(*f.ledger, then, now));
    CHECK(other_calendar_at(*f.ledger, then, now)->to_json() == before.to_json());
    CHECK_FALSE(other_calendar_at(*f.ledger, f.ledger->size(), now));
}

TEST_CASE("incidents are those of every record of the person, and of nobody else", "[cli]")
{
    command_fixture f;
    CHECK(f.run("pupil " + ref(f.ana) + " --json") == 0);
    const json_document document = f.json();
    const json_view incidents = document.root()["incidents"];
    REQUIRE(incidents.size() == 2);
    CHECK(
        text_of(incidents.at(0)) ==
        R"({"date":"2026-11-18","id":"i1","role":"aggressor","source":"mis","type":"Disruption","what":"incident"})"
    );
    CHECK(
        text_of(incidents.at(1)) ==
        R"({"category":"Attendance; Home","date":"2026-11-19","id":"k1","source":"cpoms","time":"12:35","what":"concern"})"
    );
}

TEST_CASE("a pupil is found by reference, UPN and source id, also by those of a linked record", "[cli]")
{
    command_fixture f;
    const std::string given =
        GENERATE_COPY(ref(f.ana), f.upn_text, std::string("mis:A1"), std::string("cpoms:c:1"), ref(f.ana_in_cpoms));
    CAPTURE(given);
    CHECK(f.run("pupil " + given + " --json") == 0);
    CHECK(f.json().root()["ref"].as_string() == ref(f.ana));
}

TEST_CASE("a pupil that nobody knows exits 1, and the error does not repeat what was given", "[cli]")
{
    command_fixture f;
    const std::string given = GENERATE(as<std::string>(), "P-0", "P-99999", "P-x", "mis:Nobody1", "A801200001999");
    CHECK(f.run("pupil " + given + " --json") == 1);
    CHECK(f.out.empty());
    CHECK_THAT(f.err, Contains("no pupil") && !Contains(given));
}

TEST_CASE("a UPN that two MIS pupils carry is not guessed at", "[cli]")
{
    command_fixture f;
    f.pupil("mis", "D4", R"({"upn":")" + f.upn_text + "\"}");
    CHECK(f.run("pupil " + f.upn_text) == 2);
    CHECK_THAT(f.err, Contains(ref(f.ana)));
}

TEST_CASE("a UPN means the MIS pupil while a safeguarding record with it is not linked yet", "[cli]")
{
    command_fixture f;
    f.pupil("cpoms", "d4", R"({"upn":")" + f.upn_text + "\"}");
    CHECK(f.run("pupil " + f.upn_text + " --json") == 0);
    CHECK(f.json().root()["ref"].as_string() == ref(f.ana));
}

TEST_CASE("no list for people shows a name, a UPN or a source's id", "[cli]")
{
    command_fixture f;
    const std::string words = GENERATE_COPY(
        "pupil " + ref(f.ana),
        std::string("alerts list --state all"),
        "alerts show " + std::to_string(f.open_alert),
        std::string("findings list --state all"),
        std::string("links list"),
        std::string("ledger list"),
        "ledger list --pupil " + ref(f.ana)
    );
    CAPTURE(words);
    CHECK(f.run(words) == 0);
    CHECK_THAT(f.out, Contains(ref(f.ana)) && !Contains("Ahmed") && !Contains(f.upn_text) && !Contains("A1 "));
}

TEST_CASE("the option --unmask shows the name, and records who asked and why before anything is shown", "[cli]")
{
    command_fixture f;
    CHECK(f.run("pupil " + ref(f.ana) + " --unmask --reason court-order") == 0);
    CHECK(f.accesses == std::vector<std::string>{ref(f.ana) + " name: court-order"});
    CHECK_THAT(f.out, Contains("Ana Ahmed"));
    CHECK(f.run("pupil " + ref(f.ana) + " --json --unmask --reason court-order") == 0);
    CHECK(f.json().root()["name"].as_string() == "Ana Ahmed");
    CHECK(f.run("pupil " + ref(f.ana)) == 0);
    CHECK(f.accesses.size() == 2);

    f.context.record_access = [](const configuration&, const access_record&) -> result<void> {
        return failure(errc::ledger_in_doubt, "the access could not be recorded", "Start the daemon.");
    };
    CHECK(f.run("pupil " + ref(f.ana) + " --unmask --reason court-order") == 4);
    CHECK(f.out.empty());
}
