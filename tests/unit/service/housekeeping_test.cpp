#include "daemon/base/merkle.hpp"
#include "daemon/base/saved_checkpoint.hpp"
#include "daemon/service/control.hpp"
#include "daemon/service/housekeeping.hpp"
#include "daemon/service/operator_messages.hpp"
#include "daemon/service/troubles.hpp"
#include "tests/support/ledger_folder.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::support;

namespace {

instant moment(const char* text)
{
    return parse_instant(text).value();
}

configuration school_with_mail()
{
    configuration settings;
    settings.ledger.origin = "ledger.example.sch.uk/900001";
    settings.witness.emplace();
    settings.witness->mail_to = {"archive@example.org"};
    settings.witness->mail_route = "lead";
    return settings;
}

std::string last_payload(const ledger_folder& at)
{
    std::string payload;
    const auto reader = at.reader();
    reader->entries(reader->size() - 1, no_entry, [&](const entry_view& entry) {
        payload = entry.payload;
        return true;
    });
    return payload;
}

} // namespace

TEST_CASE("the evening's work is due from eight at the school, once a day", "[service]")
{
    const time_zone london = time_zone::named("Europe/London").value();
    const auto [why, now, recorded, mailed, heartbeat, mail] =
        GENERATE(table<const char*, const char*, const char*, const char*, bool, bool>({
            {"the afternoon", "2026-09-14T18:59:00Z", "2026-09-13T12:00:00Z", "2026-09-13T19:00:00Z", false, false},
            {"summer time", "2026-09-14T19:00:00Z", "2026-09-13T12:00:00Z", "2026-09-13T19:00:00Z", true, true},
            {"winter time", "2026-11-23T19:30:00Z", "2026-11-22T12:00:00Z", "2026-11-22T20:00:00Z", false, false},
            {"a day with entries", "2026-09-14T21:00:00Z", "2026-09-14T06:00:00Z", "2026-09-13T19:00:00Z", false, true},
            {"already mailed", "2026-09-14T21:00:00Z", "2026-09-13T06:00:00Z", "2026-09-14T19:01:00Z", true, false},
            {"entries just after midnight, local",
             "2026-09-14T21:00:00Z",
             "2026-09-13T23:30:00Z",
             "2026-09-14T19:01:00Z",
             false,
             false},
            {"mailed by a clock that was ahead",
             "2026-09-14T21:00:00Z",
             "2026-09-14T06:00:00Z",
             "2027-09-14T19:01:00Z",
             false,
             true},
        }));
    CAPTURE(why);
    const evening_work due = due_this_evening(london, moment(now), moment(recorded), true, moment(mailed));
    CHECK(due.heartbeat == heartbeat);
    CHECK(due.mail == mail);
    CHECK_FALSE(due_this_evening(london, moment(now), moment(recorded), false, moment(mailed)).mail);
}

TEST_CASE("the next evening is the next eight o'clock at the school, also when the clocks change", "[service]")
{
    const time_zone london = time_zone::named("Europe/London").value();
    CHECK(next_evening(london, moment("2026-09-14T12:00:00Z")) == moment("2026-09-14T19:00:00Z"));
    CHECK(next_evening(london, moment("2026-09-14T19:00:00Z")) == moment("2026-09-15T19:00:00Z"));
    CHECK(next_evening(london, moment("2026-10-24T19:00:00Z")) == moment("2026-10-25T20:00:00Z"));
}

TEST_CASE("a day without entries gets a heartbeat and a checkpoint, once", "[service]")
{
    ledger_folder at;
    configuration settings;
    settings.school.timezone = "Europe/London";
    const auto book = at.open();
    const instant evening = moment("2026-09-15T19:05:00Z");
    keep_house(settings, *book, moment("2026-09-15T12:00:00Z"));
    CHECK(book->size() == 1);
    keep_house(settings, *book, evening);
    CHECK(book->size() == 2);
    CHECK(last_payload(at) == R"({"at":"2026-09-15T19:05:00.000Z","what":"heartbeat"})");
    CHECK(book->checkpoints().proofs().newest()->size == 2);
    keep_house(settings, *book, evening + std::chrono::hours(1));
    CHECK(book->size() == 2);
    keep_house(settings, *book, evening + std::chrono::hours(24));
    CHECK(book->size() == 3);
    CHECK(at.verify().ok());
}

TEST_CASE("each evening's mail holds the newest checkpoint and the proof that it extends the one before", "[service]")
{
    ledger_folder at;
    const configuration settings = school_with_mail();
    const auto book = at.open();
    std::optional<checkpoint> before;
    for (int day = 0; day < 3; ++day) {
        CAPTURE(day);
        const instant evening = moment("2026-09-15T20:05:00Z") + std::chrono::days(day);
        keep_house(settings, *book, evening);
        keep_house(settings, *book, evening + std::chrono::minutes(30)); // nothing more
        const auto due = book->due_messages(evening + std::chrono::hours(1), 10);
        REQUIRE(due.size() == static_cast<std::size_t>(day + 1));
        const message& mail = due.back().content;
        CHECK(due.back().route == checkpoint_route);
        CHECK(mail.type == "checkpoint");
        CHECK(mail.text.starts_with("SIMULATION."));

        const auto notes = checkpoints_in(mail.text).value();
        REQUIRE(notes.size() == 1);
        const checkpoint now = open_checkpoint(notes.front(), at.key.verifier())->point;
        const auto body = parse_witness_request(mail.text.substr(mail.text.find("\nold ") + 1)).value();
        CHECK(body.old_size == (before ? before->size : 0));
        if (before) CHECK(verify_consistency(before->size, now.size, before->root, now.root, body.proof));
        before = now;
    }
    // All three stay, whatever is pruned.
    std::size_t stored = 0;
    book->checkpoints().proofs().each_checkpoint([&](const auto&) { return ++stored > 0; });
    CHECK(stored == 4);
}

TEST_CASE("after a clock was ahead for a while a checkpoint is mailed again, once an evening", "[service]")
{
    ledger_folder at;
    const configuration settings = school_with_mail();
    const auto book = at.open();
    const instant evening = moment("2026-09-15T20:05:00Z");
    keep_house(settings, *book, evening + std::chrono::days(365));
    for (int minute = 0; minute < 3; ++minute)
        keep_house(settings, *book, evening + std::chrono::minutes(minute));
    CHECK(book->due_messages(evening + std::chrono::days(400), 10).size() == 2);
    CHECK(book->checkpoints().proofs().last_kept(keep_reason::mailed)->at == evening);
}

TEST_CASE(
    "a restore on trial is due and overdue by times that have come, not by those of a clock that was ahead", "[service]"
)
{
    const instant now = moment("2026-09-15T12:00:00Z");
    const auto days = [&](int count) { return now + std::chrono::days(count); };
    backup_standing standing;
    CHECK(drill_is_due(standing, now));
    CHECK_FALSE(drill_is_overdue(standing, now));
    standing.first_at = days(-46);
    CHECK(drill_is_overdue(standing, now));
    standing.drilled_at = days(-29);
    CHECK_FALSE(drill_is_due(standing, now));
    CHECK_FALSE(drill_is_overdue(standing, now));
    standing.drilled_at = days(-30);
    CHECK(drill_is_due(standing, now));
    standing.drilled_at = days(-46);
    CHECK(drill_is_overdue(standing, now));
    standing.drilled_at = days(300);
    CHECK(drill_is_due(standing, now));
    CHECK(drill_is_overdue(standing, now));
    standing.first_at = days(300);
    CHECK_FALSE(drill_is_overdue(standing, now));
    standing.drilled_at = days(-1);
    standing.drill_failed.emplace(errc::ledger_in_doubt, "", "");
    CHECK(drill_is_due(standing, now));
    standing.drill_began = days(-29); // and did not end
    CHECK_FALSE(drill_is_due(standing, now));
    standing.drill_began = days(-30);
    CHECK(drill_is_due(standing, now));
}

TEST_CASE("a witness is overdue when it has not signed for longer than the school set", "[service]")
{
    ledger_folder at;
    const signing_key witness("auditor.example/w", key_kind::witness, seed_of(9));
    configuration settings = school_with_mail();
    settings.witness->vkeys = {format_vkey(witness.verifier())};
    settings.witness->max_age = std::chrono::hours(48);
    const auto book = at.open();
    const ledger_proofs& proofs = book->checkpoints().proofs();
    const instant began = noon(-60);
    CHECK_FALSE(standing_of(settings, proofs, began + std::chrono::hours(48)).overdue);
    CHECK(standing_of(settings, proofs, began + std::chrono::hours(49)).overdue);

    const auto text = parse_note(proofs.newest()->note)->text;
    const auto at_second = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>((began + std::chrono::hours(40)).time_since_epoch()).count()
    );
    checkpoint_request asked;
    asked.size = 1;
    asked.lines = {{witness.cosign(text, at_second), witness.verifier().name, witness.verifier().id, at_second}};
    REQUIRE(change_checkpoint(*book, asked, noon()).has_value());
    const witness_standing signed_once = standing_of(settings, proofs, began + std::chrono::hours(87));
    CHECK_FALSE(signed_once.overdue);
    CHECK(signed_once.size == 1);
    CHECK(signed_once.signed_at == began + std::chrono::hours(40));
    CHECK(standing_of(settings, proofs, began + std::chrono::hours(89)).overdue);
    settings.witness->max_age = {};
    CHECK_FALSE(standing_of(settings, proofs, began + std::chrono::hours(9000)).overdue);
    CHECK_FALSE(standing_of(configuration(), proofs, began + std::chrono::hours(9000)).overdue);
}

TEST_CASE("the operator is told of a silent witness once an outage, each month it lasts, until it signs", "[service]")
{
    ledger_folder at;
    const signing_key witness("auditor.example/w", key_kind::witness, seed_of(9));
    configuration settings = school_with_mail();
    settings.operations.emplace();
    settings.operations->route = "lead";
    settings.operations->weekly = settings.operations->monthly_test = false;
    settings.witness->vkeys = {format_vkey(witness.verifier())};
    settings.witness->max_age = std::chrono::hours(48);
    const auto book = at.open();
    const instant began = noon(-60);
    const auto told = [&](instant when) {
        machine_facts facts;
        facts.now = when;
        facts.witnesses = standing_of(settings, book->checkpoints().proofs(), when);
        const auto troubles = troubles_of(settings, facts);
        std::string ids;
        const auto shared = message_setting_of(settings, true);
        for (const outbox_message& m : operator_messages_due(settings, shared, troubles, {}, time_zone::utc(), when))
            ids += m.content.id.substr(0, m.content.id.find("."));
        return ids;
    };
    const auto sign = [&](std::uint64_t size, instant when) {
        const auto note = parse_note(book->checkpoints().proofs().newest()->note).value();
        const auto second =
            static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(when.time_since_epoch()).count()
            );
        checkpoint_request asked;
        asked.size = size;
        asked.lines = {{witness.cosign(note.text, second), witness.verifier().name, witness.verifier().id, second}};
        REQUIRE(change_checkpoint(*book, asked, when).has_value());
    };
    const std::chrono::milliseconds limit = settings.witness->max_age;
    const std::chrono::milliseconds one{1};
    CHECK(told(began + limit).empty());
    CHECK(told(began + limit + one) == "<trouble-witness-overdue-0-2026-09");
    CHECK(told(began + limit + std::chrono::hours(24)) == "<trouble-witness-overdue-0-2026-09"); // the same message
    CHECK(told(began + std::chrono::hours(24 * 30)) == "<trouble-witness-overdue-0-2026-10");

    const instant signed_at = began + limit + std::chrono::hours(24);
    sign(1, signed_at);
    CHECK(told(signed_at + limit).empty());
    CHECK(told(signed_at + limit + one) == "<trouble-witness-overdue-1-2026-09"); // another outage of the same month
}

TEST_CASE("a request about a checkpoint is read back as it was written", "[service]")
{
    control_request asked;
    asked.command = control_request::kind::checkpoint;
    asked.checkpoint.keep = keep_reason::exported;
    const auto kept = parse_request(to_line(asked)).value();
    CHECK(kept.command == control_request::kind::checkpoint);
    CHECK(kept.checkpoint.keep == keep_reason::exported);

    asked.checkpoint.keep.reset();
    asked.checkpoint.size = 12;
    asked.checkpoint.lines = {{"\xe2\x80\x94 a b\n", "a", 0xffffffffu, 1'800'000'000}, {"x\n", "b", 1, std::nullopt}};
    const auto cosigned = parse_request(to_line(asked)).value();
    CHECK(cosigned.checkpoint.size == 12);
    REQUIRE(cosigned.checkpoint.lines.size() == 2);
    CHECK(cosigned.checkpoint.lines[0].line == asked.checkpoint.lines[0].line);
    CHECK(cosigned.checkpoint.lines[0].key_id == 0xffffffffu);
    CHECK(cosigned.checkpoint.lines[0].posix_seconds == 1'800'000'000);
    CHECK_FALSE(cosigned.checkpoint.lines[1].posix_seconds);
    CHECK_FALSE(parse_request(R"({"command":"checkpoint","size":1,"lines":[]})"));
    CHECK_FALSE(parse_request(R"({"command":"checkpoint","keep":"for fun"})"));
}

TEST_CASE(
    "a clock that went back is one entry, and times in the ledger stand still until it has caught up", "[service]"
)
{
    const ledger_folder folder; // made at noon less an hour
    auto book = folder.open();
    const instant made = noon(-60);
    const auto entries = [&] { return book->size(); };
    note_clock(*book, made - std::chrono::seconds(2)); // as much as a time service mends by itself
    CHECK(entries() == 1);
    note_clock(*book, made - std::chrono::hours(3));
    REQUIRE(entries() == 2);
    CHECK(
        last_payload(folder) == R"({"name":"clock","value":{"recorded":"2026-09-14T11:00:00.000Z",)"
                                R"("said":"2026-09-14T08:00:00.000Z"},"what":"settings"})"
    );
    note_clock(*book, made - std::chrono::hours(2)); // goes on from where it jumped to
    CHECK(entries() == 2);
    note_clock(*book, made - std::chrono::hours(4)); // back again
    CHECK(entries() == 3);
    note_clock(*book, made + std::chrono::minutes(1));
    CHECK(entries() == 3);
    book->sign_checkpoint(made);
    book.reset();
    CHECK(folder.verify().ok());
    instant last{};
    folder.reader()->entries(0, no_entry, [&](const entry_view& entry) {
        CHECK(entry.recorded_at >= last);
        last = entry.recorded_at;
        return true;
    });
    CHECK(last == made);
}
