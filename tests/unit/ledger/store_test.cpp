#include "tests/unit/ledger/small_ledger.hpp"
#include "tests/unit/ledger/sql.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <sys/wait.h>
#include <unistd.h>

using namespace rollbook;
using namespace rollbook::support;
using Catch::Matchers::Contains;

namespace {

// Does the ledger's side work when somebody waits for it, and not before.
struct work_on_demand : side_work {
    explicit work_on_demand(int& counted) : done(counted) {}
    void start(std::function<void()> begun) override { work.push_back(std::move(begun)); }
    void wait(std::size_t left) override
    {
        for (; work.size() > left; ++done) {
            work.front()();
            work.pop_front();
        }
    }
    std::size_t pending() override { return work.size(); }
    std::deque<std::function<void()>> work;
    int& done;
};

std::shared_ptr<const transaction> a_setting(const std::string& name)
{
    auto t = std::make_shared<transaction>();
    t->entries.push_back(setting_entry(name, "1", nullptr));
    t->streams.push_back({"mis", name, "f", {}});
    return t;
}

} // namespace

TEST_CASE("a transaction that was begun counts at once, and is there for whoever asks the ledger next", "[ledger]")
{
    const ledger_folder folder;
    int done = 0;
    auto book = open_ledger(folder.file(), {&folder.key}, std::make_unique<work_on_demand>(done)).value();
    const entry_index size = book->size();
    book->begin_commit(a_setting("first"), noon());
    CHECK(done == 0);
    CHECK(book->size() == size + 1);
    CHECK_FALSE(book->is_busy());
    book->begin_commit(a_setting("second"), noon());
    CHECK(done == 0);
    CHECK(book->is_busy());
    book->begin_commit(a_setting("third"), noon());
    CHECK(done == 1);
    CHECK(book->size() == size + 3);
    CHECK(book->stream("mis", "third"));
    CHECK(done == 3);
    book->begin_commit(a_setting("fourth"), noon());
    book->sign_checkpoint(noon());
    CHECK(done == 4);
    book->begin_commit(a_setting("fifth"), noon());
    book.reset();
    CHECK(done == 5);
    CHECK(folder.reader()->size() == size + 5);
    CHECK(folder.verify().problems.empty());
}

TEST_CASE("a transaction that fails beside stops the ledger until it is loaded again", "[ledger]")
{
    const ledger_folder folder;
    int done = 0;
    auto book = open_ledger(folder.file(), {&folder.key}, std::make_unique<work_on_demand>(done)).value();
    const entry_index size = book->size();
    (void)book->state();
    book->begin_commit(a_setting("lost"), noon());
    book->begin_commit(a_setting("behind it"), noon());
    tamper(
        folder.file(),
        "CREATE TRIGGER no_room BEFORE INSERT ON opening WHEN instr(CAST(NEW.payload AS TEXT), 'lost') > 0 "
        "BEGIN SELECT RAISE(ABORT, 'no room'); END"
    );
    CHECK_THROWS_AS(book->settle(), failure_error);
    SQLite::Database(folder.file().string(), SQLite::OPEN_READWRITE).exec("DROP TRIGGER no_room");
    CHECK_THROWS_AS(book->commit(*a_setting("next"), noon()), failure_error);
    CHECK_THROWS_AS(book->begin_commit(a_setting("next"), noon()), failure_error);
    CHECK_THROWS_AS(book->sign_checkpoint(noon()), failure_error);
    book->reload();
    CHECK(book->size() == size);
    CHECK_FALSE(book->stream("mis", "lost"));
    CHECK_FALSE(book->stream("mis", "behind it"));
    book->begin_commit(a_setting("next"), noon());
    book->settle();
    CHECK(book->size() == size + 1);
    CHECK(folder.reader()->size() == size + 1);
}

TEST_CASE("what a thread beside wrote is what was committed at once", "[ledger]")
{
    const ledger_folder folder;
    auto book = open_ledger(folder.file(), {&folder.key}, make_side_thread()).value();
    const entry_index size = book->size();
    for (int i = 0; i < 50; ++i) {
        if (i % 7 == 3)
            book->commit(*a_setting("s" + std::to_string(i)), noon());
        else
            book->begin_commit(a_setting("s" + std::to_string(i)), noon());
        CHECK(book->size() == size + static_cast<entry_index>(i) + 1);
        if (i % 11 == 5) CHECK(book->stream("mis", "s" + std::to_string(i)));
    }
    book->sign_checkpoint(noon());
    CHECK(folder.reader()->size() == size + 50);
    CHECK(folder.verify().problems.empty());
}

TEST_CASE("a ledger opened again holds what it held before", "[ledger]")
{
    const ledger_folder folder;
    auto book = folder.open();
    fill(*book);
    const std::string before = text_of(book->state(), {"mis"});
    CHECK_THAT(before, Contains("mark mis 2026-09-14 AM 1 entry 7 ") && Contains("gone") && Contains("Ada"));
    const std::uint64_t digest = book->digest("anything");
    const auto due = book->due_messages(noon(5), 10);
    book.reset();

    book = folder.open();
    CHECK(book->size() == 12);
    CHECK(text_of(book->state(), {"mis"}) == before);
    CHECK(book->digest("anything") == digest);
    const source_state source = book->source("mis").value();
    CHECK(source.first_closed_at == noon(1));
    CHECK(source.last_attempt == noon(2));
    CHECK(source.last_success == noon(1));
    CHECK(source.data_as_of == noon(-5));
    CHECK(source.newest_day == ymd(2026, 9, 14));
    CHECK(source.statement_day == ymd(2026, 9, 14));
    CHECK(source.error == "the source did not answer");
    CHECK(source.error_to_do == "wait");
    CHECK(source.error_class == "unreachable");
    CHECK_FALSE(book->source("other"));
    const stream_state stream = book->stream("mis", "marks").value();
    CHECK(stream.fingerprint == "f1");
    REQUIRE(stream.windows.size() == 2);
    CHECK(stream.windows[0].from == ymd(2026, 9, 14));
    CHECK(stream.windows[0].read_at == noon(2));
    CHECK_FALSE(stream.windows[1].from);
    CHECK_FALSE(book->stream("mis", "pupils"));
    const auto again = book->due_messages(noon(5), 10);
    REQUIRE(again.size() == 2);
    REQUIRE(due.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(again[i].number == due[i].number);
        CHECK(again[i].content.id == due[i].content.id);
        CHECK(again[i].content.subject == due[i].content.subject);
        CHECK(again[i].content.text == "text\n");
        CHECK(again[i].content.json == "{}");
        CHECK(again[i].content.made_at == noon());
        CHECK(again[i].alert == 9);
        CHECK(again[i].pupil == no_entry);
        CHECK(again[i].stage == "letter");
    }
    CHECK(book->first_message_id(9, "lead") == "<a@example>");
    CHECK(book->first_message_id(9, "other").empty());
    CHECK(folder.verify().ok());
}

TEST_CASE("a transaction that fails leaves nothing behind and the next one succeeds", "[ledger][crash]")
{
    const ledger_folder folder;
    auto book = folder.open();
    fill(*book);
    const std::string before = text_of(book->state(), {"mis"});
    tamper(
        folder.file(),
        "CREATE TRIGGER full BEFORE INSERT ON opening WHEN NEW.idx = 13 BEGIN SELECT RAISE(ABORT, 'full'); END"
    );

    transaction t;
    t.entries.push_back(mark_draft(*book, am(ymd(2026, 9, 15)), 1, "/", "M5"));
    t.entries.push_back(mark_draft(*book, pm(ymd(2026, 9, 15)), 1, "/", "M6"));
    t.messages.push_back(message_to("lead", "<c@example>"));
    CHECK_THROWS(book->commit(t, noon(6)));
    book->reload();
    CHECK(book->size() == 12);
    CHECK(text_of(book->state(), {"mis"}) == before);
    CHECK(book->due_messages(noon(60), 10).size() == 2);

    SQLite::Database(folder.file().string(), SQLite::OPEN_READWRITE).exec("DROP TRIGGER full");
    commit_and_apply(*book, t, noon(7));
    book->sign_checkpoint(noon(7));
    CHECK(book->size() == 14);
    CHECK(book->due_messages(noon(60), 10).size() == 3);
    CHECK(folder.verify().problems.empty());
}

TEST_CASE("recorded times never go back, whatever the clock does", "[ledger]")
{
    const ledger_folder folder;
    auto book = folder.open();
    const auto append = [&](instant at) {
        transaction t;
        t.entries.push_back(tiny_draft(book->size()));
        book->commit(t, at);
    };
    append(noon(10));
    append(noon(3)); // the clock was put back
    book = folder.open();
    append(noon(4)); // and still is after a restart
    append(noon(11));
    std::vector<instant> recorded;
    folder.reader()->entries(1, no_entry, [&](const entry_view& entry) {
        recorded.push_back(entry.recorded_at);
        return true;
    });
    CHECK(recorded == std::vector<instant>{noon(10), noon(10), noon(10), noon(11)});
}

TEST_CASE("a ledger says when its newest entry was recorded, beside or not and opened again", "[ledger]")
{
    const ledger_folder folder;
    auto book = open_ledger(folder.file(), {&folder.key}, make_side_thread()).value();
    const auto stored = [&] { return book->checkpoints().proofs().last_recorded(); };
    CHECK(book->last_recorded() == stored());
    book->commit(*a_setting("a"), noon(3));
    CHECK(book->last_recorded() == noon(3));
    CHECK(stored() == noon(3));
    book->begin_commit(a_setting("b"), noon(2));
    CHECK(book->last_recorded() == noon(3));
    CHECK(stored() == noon(3));
    book->begin_commit(a_setting("c"), noon(4));
    CHECK(book->last_recorded() == noon(4));
    CHECK(stored() == noon(4));
    transaction nothing_new;
    nothing_new.messages.push_back(message_to("lead", "<c@example>"));
    book->commit(nothing_new, noon(5));
    CHECK(book->last_recorded() == noon(4));
    book = folder.open();
    CHECK(book->last_recorded() == noon(4));
}

TEST_CASE("entries, tiles and checkpoints can be neither changed nor removed", "[ledger]")
{
    const ledger_folder folder;
    {
        auto book = folder.open();
        transaction t;
        for (entry_index i = 1; i <= 256; ++i)
            t.entries.push_back(tiny_draft(i));
        book->commit(t, noon());
        book->sign_checkpoint(noon());
    }
    const auto sql = GENERATE(
        as<std::string>(),
        "UPDATE entry SET recorded_at = 0 WHERE idx = 3",
        "DELETE FROM entry WHERE idx = 3",
        "UPDATE opening SET payload = x'00' WHERE idx = 3",
        "UPDATE tile SET hashes = x'00'",
        "DELETE FROM tile",
        "UPDATE checkpoint SET note = ''",
        "DELETE FROM checkpoint"
    );
    CAPTURE(sql);
    // A tile of level 1 needs 65,536 entries; one is put there.
    SQLite::Database database(folder.file().string(), SQLite::OPEN_READWRITE);
    database.exec("INSERT INTO tile (level, n, hashes) VALUES (1, 9, x'00')");
    CHECK_THROWS_AS(database.exec(sql), SQLite::Exception);
}

TEST_CASE("signing twice stores one checkpoint, and signing after a reopen only what is new", "[ledger]")
{
    const ledger_folder folder;
    auto book = folder.open();
    fill(*book);
    const auto count = [&] { return number_of(folder.file(), "SELECT count(*) FROM checkpoint"); };
    const auto before = count();
    book->sign_checkpoint(noon(9));
    book = folder.open();
    book->sign_checkpoint(noon(10));
    CHECK(count() == before);

    transaction t;
    t.entries.push_back(tiny_draft(book->size()));
    book->commit(t, noon(11));
    CHECK(folder.verify().unsigned_entries == 1);
    CHECK(folder.verify().ok());
    book = folder.open();
    book->sign_checkpoint(noon(12));
    CHECK(number_of(folder.file(), "SELECT max(size) FROM checkpoint") == 13);
    CHECK(folder.verify().unsigned_entries == 0);
}

TEST_CASE("what is committed while a ledger is being read into memory is held as it is in the file", "[ledger]")
{
    using namespace std::chrono_literals;
    const civil_day day = ymd(2026, 9, 14);
    bool was_all_read = false;
    int steps = 0;
    for (; !was_all_read; ++steps) {
        CAPTURE(steps);
        const ledger_folder folder;
        fill(*folder.open());
        const auto book = folder.open();
        // A step of no time at all reads one thing or mark.
        for (int i = 0; i < steps; ++i)
            was_all_read = book->load_some(0ms);
        transaction t;
        t.entries.push_back(mark_draft(*book, am(day), 1, "L", "M1", 7));
        t.entries.push_back(mark_draft(*book, am(day + std::chrono::days(1)), 2, "/", "M9"));
        t.entries.push_back(tiny_draft(14));
        commit_and_apply(*book, t, noon(6));
        while (!book->load_some(0ms))
            ;
        const std::string held = text_of(book->state(), {"mis"});
        CHECK_THAT(
            held, Contains("mark mis 2026-09-14 AM 1 entry 12 ") && Contains("mark mis 2026-09-15 AM 2 entry 13 ")
        );
        CHECK(held == text_of(folder.open()->state(), {"mis"}));
    }
    CHECK(steps > 8); // there were that many moments in between
}

TEST_CASE("what of earlier years is not in memory is compared as the ledger has it", "[ledger]")
{
    const ledger_folder folder;
    auto book = folder.open();
    fill(*book);
    const civil_day earlier = ymd(2025, 3, 3);
    transaction t;
    for (const entry_index pupil : {1, 2})
        t.entries.push_back(mark_draft(*book, am(earlier), pupil, "/", "E" + std::to_string(pupil)));
    const entry_index first = commit_and_apply(*book, t, noon(6));
    const std::string held = text_of(book->state(), {"mis"});
    book = folder.open();
    attendance_register& marks = book->state().register_of("mis");
    const pupil_no second = marks.find_pupil(2).value();
    CHECK(marks.find_but_digest(am(earlier), second).entry == first + 1);
    CHECK(marks.find_but_digest(am(earlier), second).digest == 0);
    CHECK(marks.find(am(earlier), second).digest == mark_digest(digest_of(*book), "E2", {}, {}));
    CHECK(text_of(book->state(), {"mis"}) == held);
}

TEST_CASE("a try is counted before it is made, and stays counted when the process dies", "[ledger][crash]")
{
    const ledger_folder folder;
    auto book = folder.open();
    fill(*book);
    const std::int64_t first = book->due_messages(noon(5), 1).front().number;
    CHECK(book->begin_attempt(first, noon(6)) == 1);
    book = folder.open();
    CHECK(book->begin_attempt(first, noon(7)) == 2);
    CHECK(book->due_messages(noon(7), 1).front().attempts == 2);
}

TEST_CASE(
    "a message leaves the outbox when it is delivered or given up, and waits until its time otherwise", "[ledger]"
)
{
    using end = transaction::attempt_result::end;
    const ledger_folder folder;
    auto book = folder.open();
    fill(*book);
    const auto due = book->due_messages(noon(5), 10);
    transaction t;
    t.attempts.push_back({due[0].number, GENERATE(end::delivered, end::failed), {}, "no"});
    t.attempts.push_back({due[1].number, end::again, noon(20), "busy"});
    book->commit(t, noon(6));
    CHECK(book->due_messages(noon(20) - std::chrono::milliseconds(1), 10).empty());
    CHECK(book->next_message_at() == noon(20));
    REQUIRE(book->due_messages(noon(20), 10).size() == 1);
    CHECK(book->due_messages(noon(20), 10).front().last_error == "busy");
    CHECK(folder.reader()->outbox().waiting == 1);
    CHECK(folder.reader()->outbox().failed == (t.attempts[0].as == end::failed ? 1 : 0));
}

TEST_CASE("what was given up, or will not have come within an hour, is a message undelivered", "[ledger]")
{
    using end = transaction::attempt_result::end;
    const ledger_folder folder;
    auto book = folder.open();
    fill(*book);
    CHECK(folder.reader()->outbox().undelivered.empty());
    const outbox_message about = book->due_messages(noon(5), 10).at(0);
    const auto [as, hours, is_late] = GENERATE(table<end, int, bool>(
        {{end::again, 0, false}, {end::again, 1, true}, {end::failed, 0, true}, {end::delivered, 0, false}}
    ));
    transaction t;
    t.attempts.push_back({about.number, as, about.content.made_at + std::chrono::hours(hours), "no"});
    book->commit(t, noon(6));
    CHECK(folder.reader()->outbox().undelivered.contains(about.route) == is_late);
    CHECK(book->undelivered_messages(about.route).size() == (as == end::delivered ? 0 : 1));
    CHECK(book->undelivered_messages("elsewhere").empty());
}

TEST_CASE("what comes while nothing was due is due at its own time, before what waited already", "[ledger]")
{
    using end = transaction::attempt_result::end;
    const ledger_folder folder;
    auto book = folder.open();
    fill(*book);
    const auto due = book->due_messages(noon(5), 10);
    REQUIRE(due.size() == 2);
    transaction later;
    for (const outbox_message& each : due)
        later.attempts.push_back({each.number, end::again, noon(40), "busy"});
    book->commit(later, noon(6));
    CHECK(book->due_messages(noon(10), 10).empty());

    transaction fresh;
    fresh.messages.push_back(message_to("lead", "<c@example>"));
    book->commit(fresh, noon(10));
    REQUIRE(book->due_messages(noon(10), 10).size() == 1);
    CHECK(book->due_messages(noon(10), 10).front().content.id == "<c@example>");
    CHECK(book->due_messages(noon(9), 10).empty());
    CHECK(book->due_messages(noon(39), 10).size() == 1);

    transaction sooner;
    sooner.attempts.push_back({due[0].number, end::again, noon(8), ""});
    book->commit(sooner, noon(10));
    CHECK(book->due_messages(noon(9), 10).size() == 1);
    CHECK(book->due_messages(noon(40), 10).size() == 3);
}

TEST_CASE("one message id is stored once", "[ledger]")
{
    const ledger_folder folder;
    auto book = folder.open();
    fill(*book);
    transaction again;
    again.messages.push_back(message_to("lead", "<a@example>", 9));
    book->commit(again, noon(6));
    CHECK(book->due_messages(noon(60), 10).size() == 2);
}

TEST_CASE("the same bad row met again is counted, not stored again", "[ledger]")
{
    const ledger_folder folder;
    auto book = folder.open();
    quarantined_row bad;
    bad.source = "mis";
    bad.stream = "marks";
    bad.reason = "no pupil";
    bad.row = "{}";
    transaction t;
    t.quarantined = {bad, bad};
    book->commit(t, noon());
    book->commit(t, noon(1));
    CHECK(folder.reader()->quarantined() == 1);
    CHECK(number_of(folder.file(), "SELECT times FROM quarantine") == 4);
}

TEST_CASE("a ledger is made once and what is not one is refused", "[ledger]")
{
    const ledger_folder folder;
    ledger_birth birth;
    birth.origin = folder.key.verifier().name;
    const auto second = create_ledger(folder.file(), birth, folder.key);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().code == errc::ledger_in_doubt);

    const auto missing = open_ledger(folder.folder.path / "none.db", folder.key);
    REQUIRE_FALSE(missing.has_value());
    CHECK_THAT(missing.error().to_do, Contains("rollbook init"));

    const auto foreign = folder.folder.path / "foreign.db";
    SQLite::Database(foreign.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec("CREATE TABLE t (a)");
    for (const bool reading : {false, true}) {
        const failure why = reading ? open_reader(foreign).error() : open_ledger(foreign, folder.key).error();
        CHECK(why.code == errc::ledger_in_doubt);
        CHECK_THAT(why.what, Contains("is not a Rollbook ledger"));
    }
    const auto text = folder.folder.path / "text.db";
    std::ofstream(text) << std::string(4096, 'x');
    CHECK(open_ledger(text, folder.key).error().code == errc::ledger_in_doubt);
    CHECK(open_reader(text).error().code == errc::ledger_in_doubt);

    tamper(folder.file(), "PRAGMA user_version = 99");
    CHECK_THAT(open_ledger(folder.file(), folder.key).error().what, Contains("newer Rollbook"));
    CHECK_THAT(open_reader(folder.file()).error().what, Contains("newer Rollbook"));
    CHECK_FALSE(rebuild_projections(folder.file()).has_value());
}

TEST_CASE("a ledger whose tree is not the one that was signed is not written again", "[ledger]")
{
    const ledger_folder folder;
    fill(*folder.open());
    const auto [why, sql] = GENERATE(table<std::string, std::string>({
        {"an entry was changed", "UPDATE entry SET recorded_at = recorded_at + 1 WHERE idx = 5"},
        {"the last entries were removed", "DELETE FROM entry WHERE idx > 8"},
        {"an entry is missing in the middle", "DELETE FROM entry WHERE idx = 5"},
        {"the checkpoint was cut", "UPDATE checkpoint SET note = substr(note, 1, 60)"},
        {"the checkpoint is another's", "UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 1)"},
    }));
    CAPTURE(why);
    tamper(folder.file(), sql);
    const auto opened = open_ledger(folder.file(), folder.key);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code == errc::ledger_in_doubt);
}

TEST_CASE("another signing key is refused before it signs anything", "[ledger]")
{
    const ledger_folder folder;
    const signing_key other("ledger.example.sch.uk/900001", key_kind::log, seed_of(8));
    const auto opened = open_ledger(folder.file(), other);
    REQUIRE_FALSE(opened.has_value());
    CHECK_THAT(opened.error().what, Contains("was not signed with the key"));
}

TEST_CASE("a second writer is refused and told which process holds the ledger", "[ledger]")
{
    const ledger_folder folder;
    auto first = ledger_lock::take(folder.file()).value();
    const auto second = ledger_lock::take(folder.file());
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().code == errc::ledger_in_doubt);
    CHECK_THAT(second.error().what, Contains("process " + std::to_string(::getpid())));

    // The same from another process, which then dies holding nothing.
    const pid_t child = ::fork();
    if (child == 0) ::_exit(ledger_lock::take(folder.file()) ? 0 : 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WEXITSTATUS(status) == 1);

    first.reset();
    CHECK(ledger_lock::take(folder.file()).has_value());
}

TEST_CASE("windows are read back as they were written", "[ledger]")
{
    const ledger_folder folder;
    auto book = folder.open();
    stream_state stream;
    stream.source = "mis";
    stream.stream = "marks";
    transaction t;
    t.streams.push_back(stream);
    book->commit(t, noon());
    CHECK(book->stream("mis", "marks")->windows.empty());
    for (int i = 0; i < 5; ++i)
        stream.windows.push_back({ymd(2026, 9, 30) - std::chrono::days(10 * i), noon(-i), i % 2 == 0});
    t.streams = {stream};
    book->commit(t, noon());
    const auto windows = book->stream("mis", "marks")->windows;
    REQUIRE(windows.size() == 5);
    for (std::size_t i = 0; i < 5; ++i) {
        CHECK(windows[i].from == stream.windows[i].from);
        CHECK(windows[i].read_at == stream.windows[i].read_at);
        CHECK(windows[i].listed == stream.windows[i].listed);
    }
}
