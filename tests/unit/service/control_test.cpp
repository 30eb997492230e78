#include "daemon/service/control.hpp"

#include "daemon/base/json.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;

TEST_CASE("a request for a poll is read back as it was written", "[service]")
{
    control_request asked;
    asked.poll.source = GENERATE(as<std::string>(), "", "mis", "a \"quoted\"\nname");
    asked.poll.allow_vanished = GENERATE(as<std::string>(), "", "mis");
    const std::string line = to_line(asked);
    CHECK(line.ends_with('\n'));
    CHECK(line.find('\n') == line.size() - 1);
    const auto read = parse_request(line).value();
    CHECK(read.command == control_request::kind::poll);
    CHECK(read.poll.source == asked.poll.source);
    CHECK(read.poll.allow_vanished == asked.poll.allow_vanished);
}

TEST_CASE("what is asked of an account is read back as it was written", "[service]")
{
    control_request asked;
    asked.command = control_request::kind::account;
    account_request& change = asked.account;
    change.command = static_cast<account_request::kind>(GENERATE(range(0, 4)));
    change.name = "ann";
    change.user = "root";
    if (GENERATE(false, true)) {
        change.role = role::auditor;
        change.scope = parse_scope("year=8, form=9B").value();
        change.person = "A \"Trust\" Auditor";
        change.body = "";
        change.purpose = "review";
        change.first_day = parse_day("2026-11-23");
        change.last_day = parse_day("2026-11-24");
    }
    const account_request read = parse_request(to_line(asked)).value().account;
    CHECK(read.command == change.command);
    CHECK(read.name == "ann");
    CHECK(read.user == "root");
    CHECK(read.role == change.role);
    CHECK(read.scope == change.scope);
    CHECK(read.person == change.person);
    CHECK(read.body == change.body);
    CHECK(read.purpose == change.purpose);
    CHECK(read.first_day == change.first_day);
    CHECK(read.last_day == change.last_day);
}

TEST_CASE("a number that no entry can have names none, and a decision about it is no request", "[service]")
{
    const std::string number = GENERATE(as<std::string>(), "9007199254740992", "9223372036854775807", "-1");
    const auto seen = parse_request(R"({"command":"access","pupil":)" + number + R"(,"user":"root","view":"pupil"})");
    REQUIRE(seen);
    CHECK(seen->access.pupil == no_entry);
    CHECK_FALSE(parse_request(R"({"about":)" + number + R"(,"command":"decide","decision":"act"})"));
}

TEST_CASE("a decision is read back as it was written", "[service]")
{
    control_request asked;
    asked.command = control_request::kind::decide;
    decision_request& decision = asked.decision;
    decision.kind = static_cast<decision_kind>(GENERATE(range(0, static_cast<int>(decision_words.size()))));
    decision.about = GENERATE(as<entry_index>(), no_entry, 0, 4711);
    decision.pupil = decision.about;
    decision.rule = "repeated-lateness";
    decision.action = "call";
    decision.owner = "Mrs \"O\"";
    decision.outcome = "met";
    decision.source = "mis";
    decision.stream = "attendance";
    decision.adult = "A-1";
    decision.text = "first line\nsecond";
    decision.on = GENERATE(std::optional<civil_day>(), parse_day("2026-11-23"));
    decision.due = decision.on;
    decision.review = decision.on;
    decision.until = decision.on;
    decision.by = "A Lead";
    decision.user = "root";
    const auto read = parse_request(to_line(asked));
    REQUIRE(read);
    CHECK(read->command == control_request::kind::decide);
    CHECK(read->decision == decision);
}

TEST_CASE("what is no request is none", "[service]")
{
    const auto line = GENERATE(
        as<std::string>(),
        "",
        "\n",
        "{}",
        "[]",
        "poll",
        R"({"command":"forget"})",
        R"({"command":7})",
        R"({"command":"decide"})",
        R"({"command":"decide","decision":"burn"})",
        R"({"command":"decide","decision":"note","about":-1})",
        R"({"command":"decide","decision":"act","about":1,"due":"soon"})"
    );
    CAPTURE(line);
    CHECK_FALSE(parse_request(line));
}

TEST_CASE("reports, failures and progress are one line each, whatever their texts", "[service]")
{
    poll_report report;
    report.entries = 12;
    report.alerts_opened = 2;
    report.messages_waiting = 1;
    report.failures.emplace_back(errc::mass_change, "mis: 30 of\n40 are missing", "Look \"first\"");
    statement_row row;
    row.source = "mis";
    row.record = rollbook::what::session_mark;
    row.source_total = 4;
    report.statements = {row, row};
    for (const std::string& line :
         {report_line(report), failure_line(report.failures[0]), progress_line("mis marks: 200 rows\n")}) {
        CAPTURE(line);
        CHECK(line.find('\n') == line.size() - 1);
        CHECK(json_document::parse(line).has_value());
    }
    const auto parsed = json_document::parse(report_line(report));
    CHECK(parsed->root()["report"]["entries"].int_if() == 12);
    CHECK(
        parsed->root()["report"]["failures"].at(0)["what"].string_if() == std::string_view("mis: 30 of\n40 are missing")
    );
}

TEST_CASE("without a daemon nobody answers", "[service]")
{
    CHECK_FALSE(ask_daemon("/nonexistent/ledger.db", {}, {}).has_value());
    CHECK_FALSE(ask_daemon(std::string(300, 'x'), {}, {}).has_value()); // longer than a socket's path may be
}
