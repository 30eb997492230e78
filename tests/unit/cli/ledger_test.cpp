#include "tests/unit/cli/command_fixture.hpp"

#include <catch2/catch.hpp>

#include <cstdio>
#include <fstream>

using namespace rollbook;
using Catch::Matchers::Contains;

TEST_CASE("ledger list --json has the contract's members, the payload is itself, and null once erased", "[cli]")
{
    command_fixture f;
    CHECK(f.run("ledger list --json") == 0);
    const json_document document = f.json();
    REQUIRE(document.root().size() == f.ledger->size());
    const json_view late = document.root().at(f.late_mark);
    CHECK(keys_of(late) == "index,kind,payload,pupil,recorded_at,source,what");
    CHECK(late["index"].as_int() == static_cast<std::int64_t>(f.late_mark));
    CHECK(late["kind"].as_string() == "record");
    CHECK(late["what"].as_string() == "session-mark");
    CHECK(late["source"].as_string() == "mis");
    CHECK(late["pupil"].as_string() == "P-" + std::to_string(f.ana));
    CHECK(text_of(late["payload"]) == f.ledger->all[f.late_mark].payload);
    CHECK(document.root().at(f.ana)["pupil"].as_string() == "P-" + std::to_string(f.ana));
    CHECK(document.root().at(f.ana_in_cpoms)["pupil"].as_string() == "P-" + std::to_string(f.ana));
    CHECK(document.root().at(0)["pupil"].is_null());
    const json_view erased = document.root().at(f.erased);
    CHECK(keys_of(erased) == "index,kind,payload,pupil,recorded_at,source,what");
    CHECK(erased["payload"].is_null());
    CHECK(erased["what"].is_null());
}

TEST_CASE("ledger list keeps what it was asked for", "[cli]")
{
    command_fixture f;
    const auto [words, expected] = GENERATE(table<std::string, std::size_t>({
        {"--kind alert", 3},
        {"--kind pupil", 4},
        {"--kind note", 2}, // the setting and the statement
        {"--kind statement", 1},
        {"--kind key", 0},
        {"--pupil mis:B2", 4}, // the pupil, an involvement, an alert and its end
        {"--pupil cpoms:c9", 1},
        {"--to 2026-11-23T09:00:00Z", 11},
        {"--known-at 2026-11-23T09:00:00Z", 11},
        {"--to 2026-11-23T08:54:59Z", 0},
        {"--from 2026-11-23T12:00:00Z --kind session-mark", 3},
        {"--kind session-mark --limit 2", 2},
        {"--kind session-mark --after 8", 4},
    }));
    CAPTURE(words);
    CHECK(f.run("ledger list --json " + words) == 0);
    CHECK(f.json().root().size() == expected);
}

TEST_CASE("a link that was undone is still among the entries about the record it named", "[cli]")
{
    command_fixture f;
    const std::string pupil = std::to_string(f.ben);
    const std::string other = std::to_string(f.stranger);
    const std::string link = R"(,"key":"cpoms/)" + other + R"(","pupil":)" + pupil;
    const entry_index made = f.ledger->append(
        entry_kind::record, f.second_read, R"({"by":"upn")" + link + R"(,"other":)" + other + R"(,"what":"link"})"
    );
    const std::string first = std::to_string(made);
    f.ledger->append(
        entry_kind::record,
        f.second_read,
        R"({"gone":"unlinked")" + link + R"(,"replaces":)" + first + R"(,"subject":)" + first + R"(,"what":"link"})"
    );
    CHECK(f.run("ledger list --json --kind link --pupil P-" + other) == 0);
    const json_document document = f.json();
    REQUIRE(document.root().size() == 1);
    CHECK(document.root().at(0)["index"].as_int() == static_cast<std::int64_t>(made));
}

TEST_CASE("ledger show gives the opening of one entry to programs", "[cli]")
{
    command_fixture f;
    CHECK(f.run("ledger show " + std::to_string(f.late_mark) + " --json") == 0);
    const json_document document = f.json();
    const json_view root = document.root();
    CHECK(root["opening"]["index"].as_int() == static_cast<std::int64_t>(f.late_mark));
    hash commit_key{};
    commit_key.fill(9);
    CHECK(root["opening"]["commit_key"].as_string() == to_hex(commit_key));
    const auto bytes = from_base64(root["opening"]["payload"].as_string()).value();
    CHECK(as_text(bytes) == f.ledger->all[f.late_mark].payload);
    CHECK(f.run("ledger show " + std::to_string(f.erased) + " --json") == 0);
    CHECK(f.json().root()["opening"].is_null());
    CHECK(f.run("ledger show 99999") == 1);
    CHECK_THAT(f.err, Contains("no entry 99999"));
}

TEST_CASE("ledger show hides from people what a source said of a pupil", "[cli]")
{
    command_fixture f;
    CHECK(f.run("ledger show " + std::to_string(f.ana)) == 0);
    CHECK_THAT(f.out, Contains("forename, surname, upn") && !Contains("Ahmed") && !Contains(f.upn_text));
}

TEST_CASE("ledger verify --json has the contract's members and exits 0 or 1", "[cli]")
{
    command_fixture f;
    f.ledger->verdict.size = 20;
    f.ledger->verdict.unsigned_entries = 2;
    CHECK(f.run("ledger verify --json") == 0);
    {
        const json_document document = f.json();
        CHECK(keys_of(document.root()) == "checkpoints,erased,ok,openings,problems,root,size,unsigned");
        CHECK(document.root()["ok"].as_bool());
        CHECK(document.root()["unsigned"].as_int() == 2);
        CHECK(document.root()["root"].as_string() == to_base64(hash{}));
    }
    CHECK(f.ledger->asked.key.has_value());
    CHECK_FALSE(f.ledger->asked.quick);

    f.ledger->verdict.problems = {{7, "the opening does not match"}, {std::nullopt, "no checkpoint"}};
    CHECK(f.run("ledger verify --quick --json") == 1);
    CHECK(
        text_of(f.json().root()["problems"]) ==
        R"([{"index":7,"what":"the opening does not match"},{"index":null,"what":"no checkpoint"}])"
    );
    CHECK_FALSE(f.json().root()["ok"].as_bool());
    CHECK(f.ledger->asked.quick);
    CHECK(f.run("ledger verify") == 1);
    CHECK_THAT(f.out, Contains("NOT") && Contains("Entry 7: the opening does not match"));
}

TEST_CASE("ledger verify hands on the key and every checkpoint that were given", "[cli]")
{
    command_fixture f;
    const signing_key log("other.example", key_kind::log, hash{1});
    const verifier_key& key = log.verifier();
    const std::string first = sign_checkpoint({"other.example", 1, {}}, log);
    const std::string second = sign_checkpoint({"other.example", 2, {}}, log);
    const std::string one = std::string(ROLLBOOK_BINARY_DIR) + "/cli-checkpoint-1";
    const std::string two = std::string(ROLLBOOK_BINARY_DIR) + "/cli-checkpoint-2";
    std::ofstream(one) << first;
    std::ofstream(two) << second;
    CHECK(
        f.run("ledger verify --checkpoint " + one + " --json --checkpoint " + two + " --key " + format_vkey(key)) == 0
    );
    CHECK(f.ledger->asked.earlier_checkpoints == std::vector<std::string>{first, second});
    CHECK(f.ledger->asked.key == key);
    std::remove(one.c_str());
    std::remove(two.c_str());
}

TEST_CASE("ledger verify without a pinned key goes on without one, so that the missing key is a failure", "[cli]")
{
    command_fixture f;
    f.context.pinned_vkey = [](const configuration&) -> result<std::string> {
        return failure(errc::not_found, "ledger.vkey is not there", "Put it back.");
    };
    f.ledger->verdict.problems = {{std::nullopt, "no key to verify with"}};
    CHECK(f.run("ledger verify --json") == 1);
    CHECK_FALSE(f.ledger->asked.key.has_value());
    CHECK_THAT(f.err, Contains("ledger.vkey is not there"));
}

TEST_CASE("the proof and the checkpoint go to standard output as they are", "[cli]")
{
    command_fixture f;
    CHECK(f.run("ledger prove 3") == 0);
    CHECK(f.out == "c2sp.org/tlog-proof@v1\n");
    CHECK(f.run("ledger prove 9999") == 1);
    CHECK(f.out.empty());
    CHECK(f.run("ledger checkpoint") == 0);
    CHECK(f.out == "ledger.example.sch.uk/900001\n20\n");
    f.ledger->checkpoint.reset();
    CHECK(f.run("ledger checkpoint") == 1);
    CHECK_THAT(f.err, Contains("no signed checkpoint"));
}

TEST_CASE("rebuild exits 1 when a projection differed", "[cli]")
{
    command_fixture f;
    rebuild_report report{20, 18, 0};
    f.context.rebuild = [&](const configuration&) -> result<rebuild_report> { return report; };
    CHECK(f.run("ledger rebuild") == 0);
    CHECK_THAT(f.out, Contains("None differed"));
    report.differed = 3;
    CHECK(f.run("ledger rebuild") == 1);
    CHECK_THAT(f.out, Contains("3 differed"));
}
