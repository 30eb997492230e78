#include "daemon/cases/action.hpp"
#include "daemon/cases/silence.hpp"
#include "tests/unit/cli/command_fixture.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <random>

using namespace rollbook;
using Catch::Matchers::Contains;

namespace {

struct desk : command_fixture {
    case_action action(const char* kind, const char* outcome, std::vector<entry_index> evidence = {})
    {
        case_action made;
        made.alert = open_alert;
        made.pupil = ana;
        made.rule = "repeated-lateness";
        made.kind = kind;
        made.on = on("2026-11-23");
        made.due = on("2026-11-24");
        made.owner = "tutor";
        made.text = "words";
        made.outcome = outcome;
        made.is_done = !made.outcome.empty();
        made.evidence = std::move(evidence);
        made.user = "root";
        made.at = second_read;
        made.id = made.latest = ledger->append(second_read, action_entry(made));
        return made;
    }
};

} // namespace

TEST_CASE("each command about an alert asks for one decision, with what its options say", "[cli]")
{
    const auto [words, kind] = GENERATE(table<std::string, decision_kind>({
        {"alerts ack 7 --text why", decision_kind::acknowledge},
        {"alerts take-up 7 --text why", decision_kind::take_up},
        {"alerts park 7 --text why", decision_kind::park},
        {"alerts close 7 --outcome met --text why", decision_kind::close},
        {"alerts note 7 --text why", decision_kind::note},
        {"alerts act 7 --kind call --owner tutor --due 2026-11-24 --review 2026-12-01 --text why", decision_kind::act},
        {"alerts done 7 --outcome met --text why", decision_kind::finish},
        {"silence end 7", decision_kind::end_silence},
    }));
    CAPTURE(words);
    command_fixture f;
    CHECK(f.run(words + " --by Lead") == 0);
    CHECK(f.out == "Done.\n");
    REQUIRE(f.decisions.size() == 1);
    const decision_request& asked = f.decisions[0];
    CHECK(asked.kind == kind);
    CHECK(asked.about == 7);
    CHECK(asked.by == "Lead");
    CHECK(asked.user.empty()); // the operating system's word, not the command's
    if (kind != decision_kind::end_silence) CHECK(asked.text == "why");
    if (kind == decision_kind::close || kind == decision_kind::finish) CHECK(asked.outcome == "met");
    if (kind == decision_kind::act) {
        CHECK(asked.action == "call");
        CHECK(asked.owner == "tutor");
        CHECK(asked.due == on("2026-11-24"));
        CHECK(asked.review == on("2026-12-01"));
    }
    CHECK(f.run(words + " --json") == 0);
    CHECK(f.out == "{\"done\":\"it\"}\n");
}

TEST_CASE("a decision without what it needs is wrong usage, and none is asked for", "[cli]")
{
    command_fixture f;
    const auto words = GENERATE(
        as<std::string>(),
        "alerts ack",
        "alerts ack seven",
        "alerts note 7",
        "alerts act 7",
        "alerts act 7 --kind call --due soon",
        "alerts done 7",
        "links confirm P-3",
        "links split P-3",
        "silence add --rule x",
        "quarantine retry"
    );
    CAPTURE(words);
    CHECK(f.run(words) == 2);
    CHECK(f.decisions.empty());
}

TEST_CASE("a link is decided between a record as it is and the pupil it may be", "[cli]")
{
    command_fixture f;
    CHECK(f.run("links confirm cpoms:c9 mis:B2 --reason asked") == 0);
    CHECK(f.run("links split cpoms:c:1 --reason other") == 0);
    REQUIRE(f.decisions.size() == 2);
    CHECK(f.decisions[0].kind == decision_kind::confirm_link);
    CHECK(f.decisions[0].about == f.stranger);
    CHECK(f.decisions[0].pupil == f.ben);
    CHECK(f.decisions[0].text == "asked");
    CHECK(f.decisions[1].kind == decision_kind::split_link);
    CHECK(f.decisions[1].about == f.ana_in_cpoms); // not the pupil it is linked to
    CHECK(f.decisions[1].pupil == f.ana);
    CHECK(f.run("links split cpoms:c9 --reason none") == 2); // linked to nobody
    CHECK(f.run("links confirm cpoms:nope mis:B2 --reason x") == 1);
}

TEST_CASE("alerts show tells the actions, what is left for the next letter, and a copy to paste", "[cli]")
{
    desk f;
    f.action("letter", "sent", {f.late_mark});
    f.action("call", "");
    CHECK(f.run("alerts show " + std::to_string(f.open_alert)) == 0);
    CHECK_THAT(f.out, Contains("Actions") && Contains("letter") && Contains("words"));
    CHECK_THAT(f.out, Contains("Of the 2 that count, 1 have not been in a letter"));
    CHECK_THAT(f.out, Contains("Copy for CPOMS"));
    CHECK_THAT(f.out, !Contains("Ahmed"));

    CHECK(f.run("alerts show --json " + std::to_string(f.open_alert)) == 0);
    const json_document document = f.json();
    CHECK(document.root()["actions"].size() == 2);
    CHECK(
        keys_of(document.root()["actions"].at(0)) ==
        "adult,alert,at,by,due,evidence,id,kind,on,open,outcome,outcome_text,owner,review,rule,state,text,user"
    );
    CHECK(document.root()["evidence_not_in_a_letter"].int_if() == 1);
    CHECK(f.run("pupil --json P-" + std::to_string(f.ana)) == 0);
    CHECK(f.json().root()["actions"].size() == 2);
}

TEST_CASE("a letter that was called off uses up no evidence", "[cli]")
{
    desk f;
    f.action("letter", "cancelled", {f.late_mark});
    CHECK(f.run("alerts show --json " + std::to_string(f.open_alert)) == 0);
    CHECK(f.json().root()["evidence_not_in_a_letter"].int_if() == 2);
}

TEST_CASE("a letter is filled from the alert, its name is an access, and it is recorded as an action", "[cli]")
{
    desk f;
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("rollbook-letters-" + std::to_string(std::random_device{}()));
    std::filesystem::create_directories(folder);
    f.config.casework.letters = folder;
    std::ofstream(folder / "late.txt") << "About {{pupil}}: {{sessions}} late.\n{{dates}}\n";
    std::ofstream(folder / "odd.txt") << "About {{upn}}.\n";
    const std::string start = "alerts letter " + std::to_string(f.open_alert) + " --out " + (folder / "out").string();

    CHECK(f.run(start + " --template odd") == 2);
    CHECK(f.run(start + " --template ../late") == 2);
    CHECK(f.run(start + " --template nope") == 2);
    CHECK(f.accesses.empty());
    CHECK(f.decisions.empty());
    CHECK(f.run(start + " --template late") == 0);
    std::ifstream in(folder / "out");
    const std::string letter((std::istreambuf_iterator<char>(in)), {});
    CHECK(letter == "About Ana Ahmed: 2 late.\nFriday 20 November 2026, afternoon\nMonday 23 November 2026, morning\n");
    REQUIRE(f.accesses.size() == 1);
    CHECK_THAT(f.accesses[0], Contains("name: letter late"));
    REQUIRE(f.decisions.size() == 1);
    CHECK(f.decisions[0].kind == decision_kind::act);
    CHECK(f.decisions[0].action == "letter");
    CHECK(f.run(start + " --template late") == 2); // never over another letter
    std::filesystem::remove_all(folder);
}

TEST_CASE("silences are listed with who, why and until when, ended ones with --state all", "[cli]")
{
    command_fixture f;
    silence one;
    one.pupil = f.ana;
    one.until = on("2026-11-27");
    one.reason = "in hospital";
    one.by = "Lead";
    one.user = "root";
    one.at = one.begun_at = f.second_read;
    one.id = one.latest = f.ledger->append(f.second_read, silence_entry(one, f.ledger->size()));
    CHECK(f.run("silence list --json") == 0);
    CHECK(
        text_of(f.json().root().at(0)) ==
        R"({"begun_at":"2026-11-23T12:00:00.000Z","by":"Lead","id":)" + std::to_string(one.id) + R"(,"pupil":"P-)" +
            std::to_string(f.ana) +
            R"(","reason":"in hospital","rule":null,"state":"standing","until":"2026-11-27","user":"root"})"
    );
    one.ended = silence::end::by_person;
    f.ledger->append(f.second_read, silence_entry(one, f.ledger->size()));
    CHECK(f.run("silence list --json") == 0);
    CHECK(f.json().root().size() == 0);
    CHECK(f.run("silence list --state all --json") == 0);
    CHECK(f.json().root().at(0)["state"].as_string() == "ended");

    CHECK(f.run("silence add --pupil P-" + std::to_string(f.ana) + " --until 2026-12-01 --reason ill") == 0);
    REQUIRE(f.decisions.size() == 1);
    CHECK(f.decisions[0].pupil == f.ana);
    CHECK(f.decisions[0].until == on("2026-12-01"));
    CHECK(f.decisions[0].text == "ill");
}

TEST_CASE("a quarantined row is shown by its shape only, and read again by its stream", "[cli]")
{
    command_fixture f;
    quarantined_view row;
    row.id = 3;
    row.source = "mis";
    row.stream = "attendance";
    row.reason = "the pupil is not known";
    row.row = R"({"comment":"Zebedee 12: \"Quux\"","student":"A199"})";
    f.ledger->bad_rows = {row};
    CHECK(f.run("quarantine list --json") == 0);
    CHECK(f.json().root().at(0)["row"].is_absent());
    CHECK(f.run("quarantine show 3") == 0);
    CHECK_THAT(f.out, Contains("X999") && Contains("comment") && !Contains("Zebedee") && !Contains("Quux"));
    CHECK(f.run("quarantine show 4") == 1);
    CHECK(f.run("quarantine retry 3") == 0);
    REQUIRE(f.decisions.size() == 1);
    CHECK(f.decisions[0].kind == decision_kind::retry_quarantine);
    CHECK(f.decisions[0].stream == "attendance");
}

TEST_CASE("a route's leftovers are settled by its name, and a test that fails sends nothing again", "[cli]")
{
    command_fixture f;
    CHECK(f.run("route settle lead") == 0);
    REQUIRE(f.decisions.size() == 1);
    CHECK(f.decisions[0].kind == decision_kind::settle_route);
    CHECK(f.decisions[0].source == "lead");

    f.config.ledger.path = "/dev/null"; // it is there
    bool takes = false;
    f.context.test_route = [&](const configuration&, const std::string&) -> result<void> {
        if (takes) return {};
        return failure(errc::delivery_refused, "no");
    };
    CHECK(f.run("route test lead") == 1);
    CHECK(f.decisions.size() == 1);
    takes = true;
    CHECK(f.run("route test lead") == 0);
    REQUIRE(f.decisions.size() == 2);
    CHECK(f.decisions[1].kind == decision_kind::send_again);
    CHECK(f.decisions[1].source == "lead");
}
