#include "tests/unit/cli/command_fixture.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("a wrong command line exits 2 with what is wrong and how the command is called", "[cli]")
{
    const std::string words = GENERATE(
        as<std::string>(),
        "",
        "nonsense",
        "status --nonsense",
        "status extra",
        "alerts",
        "alerts nonsense",
        "alerts list --state some",
        "alerts show",
        "alerts show P-1",
        "pupil",
        "pupil P-1 --from yesterday",
        "pupil P-1 --known-at 2026-11-23",
        "pupil P-1 --from 2026-11-23 --to 2026-11-22",
        "pupil P-1 --unmask",
        "pupil P-1 --reason because",
        "ledger list --limit -1",
        "ledger list --after x",
        "ledger list --kind nonsense",
        "ledger show -1",
        "ledger verify --key nonsense",
        "ledger verify --checkpoint /nowhere/at-all",
        "poll --source nonsense",
        "poll --allow-vanished nonsense",
        "status --config",
        "status run"
    );
    CAPTURE(words);
    command_fixture f;
    CHECK(f.run(words) == 2);
    CHECK_THAT(f.err, StartsWith("rollbook: "));
    CHECK(std::ranges::count(f.err, '\n') == 2);
    CHECK(f.out.empty());
}

TEST_CASE("a wrong option names the usage of its own command", "[cli]")
{
    command_fixture f;
    CHECK(f.run("alerts list --state some") == 2);
    CHECK_THAT(f.err, Contains("Usage: rollbook alerts list"));
}

TEST_CASE("the options --help and --version exit 0 and read no configuration", "[cli]")
{
    const std::string words =
        GENERATE(as<std::string>(), "--help", "status --help", "ledger verify --help", "pupil --help", "--version");
    CAPTURE(words);
    command_fixture f;
    CHECK(f.run(words) == 0);
    CHECK_FALSE(f.out.empty());
    CHECK(f.asked_for.empty());
    if (words != "--version") CHECK_THAT(f.out, Contains("Usage: rollbook"));
}

TEST_CASE("the option --config is taken before and after the subcommand, and has a usual place", "[cli]")
{
    command_fixture f;
    CHECK(f.run("--config /a.toml status") == 0);
    CHECK(f.asked_for == "/a.toml");
    CHECK(f.run("alerts list --config /b.toml --json") == 0);
    CHECK(f.asked_for == "/b.toml");
    CHECK(f.run("status") == 0);
    CHECK(f.asked_for == "/etc/rollbook/rollbook.toml");
}

TEST_CASE("an invalid configuration exits 3 and every problem has its line", "[cli]")
{
    const std::string words = GENERATE(as<std::string>(), "status --json", "check", "poll", "run", "init");
    CAPTURE(words);
    command_fixture f;
    f.context.load_configuration = [](const std::filesystem::path&) {
        return cli_context::loaded_configuration{{}, {{"a.toml:3: web: not known"}, {"a.toml:9: school.urn: missing"}}};
    };
    CHECK(f.run(words) == 3);
    CHECK(f.out.empty());
    CHECK(
        f.err == "a.toml:3: web: not known\na.toml:9: school.urn: missing\n"
                 "Correct /etc/rollbook/rollbook.toml; `rollbook check` reads it again.\n"
    );
}

TEST_CASE("a ledger that cannot be opened exits 4 with what and what to do", "[cli]")
{
    command_fixture f;
    f.context.open_reader = [](const configuration&) -> result<std::unique_ptr<ledger_reader>> {
        return failure(errc::ledger_in_doubt, "/l.db: no ledger is there", "Run `rollbook init`.");
    };
    CHECK(f.run("alerts list --json") == 4);
    CHECK(f.out.empty());
    CHECK(f.err == "rollbook: /l.db: no ledger is there\n  Run `rollbook init`.\n");
}

TEST_CASE("an unexpected exception of the store exits 4", "[cli]")
{
    command_fixture f;
    f.context.open_reader = [](const configuration&) -> result<std::unique_ptr<ledger_reader>> {
        throw std::runtime_error("disk I/O error");
    };
    CHECK(f.run("status") == 4);
    CHECK_THAT(f.err, Contains("disk I/O error"));
}

TEST_CASE("init makes the ledger it was asked for and ends with the public key", "[cli]")
{
    command_fixture f;
    bool simulated = false;
    f.context.init = [&](const configuration&, bool as_simulation) -> result<std::string> {
        simulated = as_simulation;
        return std::string("ledger+46bc012c+AAAA");
    };
    CHECK(f.run("init --simulated") == 0);
    CHECK(simulated);
    CHECK(f.out.ends_with("\nledger+46bc012c+AAAA\n"));
    CHECK(f.run("init") == 0);
    CHECK_FALSE(simulated);
}

TEST_CASE("init that would overwrite exits 4", "[cli]")
{
    command_fixture f;
    f.context.init = [&](const configuration&, bool) -> result<std::string> {
        return failure(errc::ledger_in_doubt, "a ledger is already there", "Move it away.");
    };
    CHECK(f.run("init") == 4);
}

TEST_CASE("check exits 1 only when a line is bad, and hands --online on", "[cli]")
{
    command_fixture f;
    bool was_online = false;
    bool bad = false;
    f.config.warnings = {"the calendar ends soon"};
    f.context.check = [&](const configuration&, bool online) {
        was_online = online;
        return std::vector<cli_context::check_line>{{bad, "route lead: links", "Set web.public_url."}};
    };
    CHECK(f.run("check") == 0);
    CHECK_FALSE(was_online);
    CHECK_THAT(f.out, Contains("the calendar ends soon"));
    bad = true;
    CHECK(f.run("check --online") == 1);
    CHECK(was_online);
    CHECK_THAT(f.out, Contains("BAD   route lead: links\n      Set web.public_url."));
}

TEST_CASE("links that would open on this machine only make check exit 1, but not poll", "[cli]")
{
    command_fixture f;
    f.config.web.links_to_loopback = true;
    f.config.warnings = {"web.public_url: links lead to this machine"};
    f.context.check = [](const configuration&, bool) { return std::vector<cli_context::check_line>(); };
    CHECK(f.run("check") == 1);
    f.context.poll = [](const configuration&, const poll_request&, const auto&) -> result<poll_report> {
        return poll_report();
    };
    CHECK(f.run("poll") == 0);
    CHECK_THAT(f.err, Contains("links lead to this machine"));
}

TEST_CASE("run gives the exit code of why it stopped", "[cli]")
{
    command_fixture f;
    f.context.run = [](const configuration&) -> result<void> { return {}; };
    CHECK(f.run("run") == 0);
    f.context.run = [](const configuration&) -> result<void> {
        return failure(errc::ledger_in_doubt, "process 77 holds the lock", "Stop it first.");
    };
    CHECK(f.run("run") == 4);
    CHECK_THAT(f.err, Contains("process 77"));
}

TEST_CASE("poll prints its statements and what it did, and hands the request on", "[cli]")
{
    command_fixture f;
    poll_request asked;
    f.context.poll = [&](const configuration&, const poll_request& request, const auto&) -> result<poll_report> {
        asked = request;
        poll_report report;
        report.statements = f.ledger->rows;
        report.entries = 1234;
        report.messages_waiting = 2;
        report.seconds = 1.26;
        return report;
    };
    CHECK(f.run("poll --source mis --allow-vanished cpoms") == 0);
    CHECK(asked.source == "mis");
    CHECK(asked.allow_vanished == "cpoms");
    CHECK_THAT(f.out, Contains("session-mark"));
    CHECK(f.out.ends_with("1,234 entries; 0 alerts opened, 0 ended; 0 messages delivered, 2 waiting; 1.3 s\n"));
    CHECK(f.err.empty());
}

TEST_CASE("poll exits 1 when a read failed or the mass-change limit stopped it", "[cli]")
{
    command_fixture f;
    f.context.poll = [&](const configuration&, const poll_request&, const auto&) -> result<poll_report> {
        poll_report report;
        report.failures.emplace_back(errc::mass_change, "source mis: 900 of 1000 pupils are gone", "Look first.");
        return report;
    };
    CHECK(f.run("poll") == 1);
    CHECK(f.err == "rollbook: source mis: 900 of 1000 pupils are gone\n  Look first.\n");
}

TEST_CASE("rules list has every rule in force with its stages, source and version", "[cli]")
{
    command_fixture f;
    CHECK(f.run("rules list --json") == 0);
    const json_document document = f.json();
    const json_view rule = document.root().at(0);
    CHECK(keys_of(rule) == "id,measure,needs_decision,pack,source,stages,title,version,window");
    CHECK(rule["window"].as_string() == "10 school days");
    CHECK(
        text_of(rule["stages"]) == R"([{"at_least":2,"name":"tutor","window":"10 school days"},)"
                                   R"({"at_least":10,"name":"panel","window":"half-term"}])"
    );
    f.config.rules[0].enabled = false;
    CHECK(f.run("rules list --json") == 0);
    CHECK(f.json().root().size() == 0);
}
