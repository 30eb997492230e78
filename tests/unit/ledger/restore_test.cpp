#include "daemon/ledger/restore.hpp"

#include "daemon/ledger/decisions.hpp"
#include "daemon/ledger/erase.hpp"
#include "daemon/ledger/journal.hpp"
#include "daemon/ledger/signed_file.hpp"
#include "tests/unit/ledger/small_ledger.hpp"
#include "tests/unit/ledger/sql.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <functional>
#include <iterator>

using namespace rollbook;
using namespace rollbook::support;
using Catch::Matchers::Contains;

namespace {

namespace fs = std::filesystem;

// A ledger that pupil 1 has left, with a backup target.
struct backed_up_school {
    ledger_folder of;
    signing_key second{"ledger.example.sch.uk/900001/2", key_kind::log, seed_of(8)};
    signing_key third{"ledger.example.sch.uk/900001/3", key_kind::log, seed_of(9)};
    recipient_keys keys = make_recipient();
    fs::path target = of.folder.path / "target";
    int minute = 10;

    backed_up_school()
    {
        fs::create_directory(target);
        fill(*of.open());
        leave("A1", 1, 1, of.key);
    }

    std::unique_ptr<ledger> open(const signing_key& key) const { return open_ledger(of.file(), key).value(); }

    entry_index append(const draft& what, const signing_key& key)
    {
        const auto book = open(key);
        transaction t;
        t.entries.push_back(what);
        const entry_index at = commit_and_apply(*book, t, noon(++minute));
        book->sign_checkpoint(noon(minute));
        return at;
    }

    entry_index mark(civil_day day, entry_index pupil, const std::string& id, const signing_key& key)
    {
        return append(mark_draft(*open(key), am(day), pupil, "/", id), key);
    }

    void leave(const std::string& id, entry_index pupil, entry_index newest, const signing_key& key)
    {
        thing_version row;
        row.kind = what::pupil;
        row.source = "mis";
        row.key = id;
        row.subject = pupil;
        row.pupil = pupil;
        row.replaces = newest;
        append(record_gone_entry(std::move(row), learned{noon(), noon(9), false}, "vanished"), key);
    }

    fs::path back_up()
    {
        const instant at = noon(++minute);
        const backup_place place{of.file(), target / backup_name(of.key.verifier().name, at), {keys.public_key}, at};
        write_backup(place, of.key, {}).value();
        return place.file;
    }

    void erase(entry_index pupil, const signing_key& key)
    {
        erasure_place place;
        place.ledger = of.file();
        place.journal_folder = target;
        place.origin = key.verifier().name;
        place.today = ymd(2040, 1, 1);
        place.now = noon(++minute);
        upkeep_request request;
        request.pupil = pupil;
        request.basis = "retention-expired";
        const auto book = open(key);
        REQUIRE(rollbook::erase(place, request, {}).value().ok);
        book->reload();
        book->sign_checkpoint(noon(minute));
    }

    void note(const signing_key& key) const { note_in_target(of.file(), target, key.verifier().name).value(); }

    result<upkeep_report> restore(const fs::path& backup, const signing_key& key, std::vector<std::string> notes = {})
    {
        restore_place place;
        place.ledger = of.file();
        place.backup = backup;
        place.target = target;
        place.later_checkpoints = std::move(notes);
        place.now = noon(++minute);
        auto done = rollbook::restore(place, keys, of.key.verifier(), key);
        // What was moved aside still holds what is erased later, and an erasure says so.
        for (const auto& each : fs::directory_iterator(of.folder.path))
            if (each.path().string().find(".replaced-") != std::string::npos) fs::remove(each.path());
        return done;
    }

    void lose_ledger() const
    {
        for (const char* suffix : {"", "-wal", "-shm", ".signed"})
            fs::remove(of.file().string() + suffix);
    }

    // Keeps the lines of the journal that `wanted` wants.
    void keep_lines(const std::function<bool(const std::string&)>& wanted) const
    {
        std::string kept;
        {
            std::ifstream in(journal_file(target));
            for (std::string line; std::getline(in, line);)
                if (wanted(line)) kept += line + "\n";
        }
        std::ofstream(journal_file(target)) << kept;
    }

    bool knows_erased(const std::string& id, const signing_key& key) const
    {
        const auto book = open(key);
        return book->state().erased().contains(book->digest(erased_key(what::pupil, "mis", id)));
    }

    std::string openings() const
    {
        return text_at(of.file(), "SELECT group_concat(idx) FROM (SELECT idx FROM opening ORDER BY idx)");
    }
};

bool names_entries(const std::string& line)
{
    return line.find("\"entries\"") != std::string::npos;
}

} // namespace

TEST_CASE("a restored ledger knows again what was erased since the copy was made", "[ledger]")
{
    backed_up_school school;
    const fs::path copy = school.back_up();
    school.erase(1, school.of.key);
    REQUIRE(school.knows_erased("A1", school.of.key));
    SECTION("by what the journal says") {}
    SECTION("by what is erased again, where the journal is of a version that did not say it")
    {
        school.keep_lines(names_entries);
    }
    school.lose_ledger();
    REQUIRE(school.restore(copy, school.second).has_value());
    CHECK(school.knows_erased("A1", school.second));
    CHECK_FALSE(school.knows_erased("A2", school.second));
    CHECK(number_of(school.of.file(), "SELECT count(*) FROM opening WHERE idx IN (1, 3, 4, 7, 8, 12)") == 0);
}

TEST_CASE("a pupil who came after the copy and was erased is known again in a restored ledger", "[ledger]")
{
    backed_up_school school;
    const fs::path copy = school.back_up();
    const auto& key = school.of.key;
    const entry_index late = school.append(pupil_draft(*school.open(key), "mis", "A3", R"({"forename":"Cy"})"), key);
    school.leave("A3", late, late, key);
    school.erase(late, key);
    school.lose_ledger();
    REQUIRE(school.restore(copy, school.second).has_value());
    CHECK(school.knows_erased("A3", school.second));
}

TEST_CASE("the journal says what is to be known again once, also of what was erased before it did", "[ledger]")
{
    backed_up_school school;
    school.erase(1, school.of.key);
    const auto erased = [&] {
        std::size_t digests = 0;
        for (const journal_line& line : read_journal(school.target).value())
            digests += line.erased.size();
        return digests;
    };
    CHECK(erased() == 1);
    school.note(school.of.key);
    CHECK(erased() == 1);
    school.keep_lines(names_entries);
    CHECK(erased() == 0);
    school.note(school.of.key);
    CHECK(erased() == 1);
    CHECK(read_journal(school.target).value().size() == 2);
}

TEST_CASE("no second history is signed under the name of a ledger that went on from the same backup", "[ledger]")
{
    backed_up_school school;
    const fs::path copy = school.back_up();
    REQUIRE(school.restore(copy, school.second).has_value());
    school.append(tiny_draft(1), school.second);
    std::vector<std::string> notes;
    const auto newest = [&] { return school.open(school.second)->checkpoints().proofs().newest()->note; };
    SECTION("that is still there") {}
    SECTION("that is gone, by the newest checkpoint in the target")
    {
        school.note(school.second);
        school.lose_ledger();
    }
    SECTION("that is gone, by the checkpoint that lay beside it")
    {
        const std::string signed_note = read_signed(school.of.file()).value();
        school.lose_ledger();
        write_signed(school.of.file(), signed_note);
    }
    SECTION("that is gone, by a checkpoint that was kept elsewhere")
    {
        notes.push_back(newest());
        school.lose_ledger();
    }
    SECTION("that is gone, by the journal alone")
    {
        school.erase(1, school.second);
        school.lose_ledger();
    }
    const auto again = school.restore(copy, school.second, notes);
    REQUIRE(!again);
    CHECK(again.error().code == errc::forbidden);
    CHECK_THAT(again.error().what, Contains("second history") && Contains("900001/2"));
    CHECK_THAT(again.error().to_do, Contains("a new name"));
    CHECK(school.restore(copy, school.third, notes).has_value());
}

TEST_CASE("what was erased from a ledger that went on under another name is not restored either", "[ledger]")
{
    backed_up_school school;
    const fs::path copy = school.back_up();
    REQUIRE(school.restore(copy, school.second).has_value());
    school.erase(1, school.second);
    SECTION("by its journal") {}
    SECTION("by its journal of a version that did not say what to know again")
    {
        school.keep_lines(names_entries);
    }
    school.lose_ledger();
    const upkeep_report done = school.restore(copy, school.third).value();
    CHECK_THAT(done.json, Contains("\"erased\":6"));
    CHECK(number_of(school.of.file(), "SELECT count(*) FROM opening WHERE idx IN (1, 3, 4, 7, 8, 12)") == 0);
    CHECK(school.knows_erased("A1", school.third));
}

TEST_CASE("an erasure of another name is taken as far as its entries are the backup's, and no further", "[ledger]")
{
    backed_up_school school;
    const auto& key = school.of.key;
    const fs::path first = school.back_up(); // 0 to 12, the last about pupil 1
    school.mark(ymd(2026, 9, 15), 1, "M13", key);
    const fs::path longer = school.back_up();
    school.mark(ymd(2026, 9, 16), 2, "M14", key);
    school.mark(ymd(2026, 9, 17), 2, "M15", key);
    school.mark(ymd(2026, 9, 18), 2, "M16", key);
    const fs::path longest = school.back_up();
    // It goes on from the second copy: entry 14 is the fork, and 15 and 16 are about pupil 1.
    REQUIRE(school.restore(longer, school.second).has_value());
    REQUIRE(school.mark(ymd(2026, 9, 16), 1, "N15", school.second) == 15);
    school.mark(ymd(2026, 9, 17), 1, "N16", school.second);
    school.erase(1, school.second);
    SECTION("an older copy ends within a range")
    {
        REQUIRE(school.restore(first, school.third).has_value());
        CHECK_THAT(school.openings(), Contains("10,11,13"));
    }
    SECTION("a newer copy has entries of its own where the other name's begin")
    {
        REQUIRE(school.restore(longest, school.third).has_value());
        CHECK_THAT(school.openings(), Contains("10,11,14,15,16,17"));
    }
    SECTION("nothing is erased twice")
    {
        REQUIRE(school.restore(longest, school.third).has_value());
        const auto copied = [&] {
            const instant at = noon(++school.minute);
            const backup_place place{school.of.file(), school.target / "again.rbk", {school.keys.public_key}, at};
            write_backup(place, school.third, {}).value();
            return place.file;
        }();
        restore_place place;
        place.ledger = school.of.file();
        place.backup = copied;
        place.target = school.target;
        place.now = noon(++school.minute);
        const upkeep_report done = restore(place, school.keys, school.third.verifier(), school.third).value();
        CHECK_THAT(done.json, Contains("\"erased\":0") && Contains("\"forked\":false"));
    }
}

TEST_CASE("the journal of a ledger that has nothing to do with the backup's is no matter", "[ledger]")
{
    backed_up_school school;
    const fs::path copy = school.back_up();
    std::ofstream(journal_file(school.target))
        << R"({"basis":"b","digests":["00","00"],"entries":[[1,1],[5,40]],"entry":41,"origin":"another"})"
        << "\n"
        << R"({"entry":3,"forked_from":"a third","origin":"another"})"
        << "\n"
        << R"({"entry":41,"erased":["00000000000000ff"],"origin":"another"})"
        << "\n";
    const upkeep_report done = school.restore(copy, school.of.key).value();
    CHECK_THAT(done.json, Contains("\"erased\":0") && Contains("\"forked\":false"));
    CHECK(school.open(school.of.key)->state().erased().empty());
}

namespace {

// Everything that lies beside the backups, in a folder of its own, as it is brought to another machine. The target is
// empty then, as where nothing is mounted.
fs::path bring(const backed_up_school& school)
{
    const fs::path brought = school.of.folder.path / "brought";
    fs::rename(school.target, brought);
    fs::create_directory(school.target);
    return brought;
}

} // namespace

TEST_CASE("an empty backup target hides nothing of what was brought with the backup", "[ledger]")
{
    backed_up_school school;
    const fs::path copy = school.back_up();
    SECTION("what was erased")
    {
        school.erase(1, school.of.key);
        school.lose_ledger();
        REQUIRE(school.restore(bring(school) / copy.filename(), school.second).has_value());
        CHECK(school.knows_erased("A1", school.second));
        CHECK(number_of(school.of.file(), "SELECT count(*) FROM opening WHERE idx IN (1, 3, 4, 7, 8, 12)") == 0);
    }
    SECTION("what was signed")
    {
        school.append(tiny_draft(1), school.of.key);
        school.note(school.of.key);
        school.lose_ledger();
        const auto again = school.restore(bring(school) / copy.filename(), school.of.key);
        REQUIRE(!again);
        CHECK_THAT(again.error().what, Contains("second history"));
    }
    SECTION("what people decided")
    {
        school.append(access_entry("office", no_entry, "name", "a call", noon(11), 13), school.of.key);
        copy_decisions(school.of.file(), school.target, school.of.key.verifier().name, {school.keys.public_key})
            .value();
        school.lose_ledger();
        const auto done = school.restore(bring(school) / copy.filename(), school.second).value();
        CHECK_THAT(done.json, Contains("a call"));
    }
}

TEST_CASE("what lies in the target counts as well as what was brought with the backup", "[ledger]")
{
    backed_up_school school;
    const fs::path copy = school.back_up();
    school.erase(1, school.of.key);
    const fs::path brought = bring(school);
    fs::copy(journal_file(brought), journal_file(school.target));
    SECTION("also where only the target has it")
    {
        fs::remove(journal_file(brought));
    }
    SECTION("and once where both have it") {}
    school.lose_ledger();
    const upkeep_report done = school.restore(brought / copy.filename(), school.second).value();
    CHECK_THAT(done.json, Contains("\"erased\":6"));
    CHECK(
        number_of(
            school.of.file(),
            "SELECT count(*) FROM thing WHERE what = " + std::to_string(static_cast<int>(what::erasure))
        ) == 1
    );
}

TEST_CASE("a file beside the backups that is there and cannot be read stops a restore", "[ledger]")
{
    backed_up_school school;
    const fs::path copy = school.back_up();
    const std::string name = GENERATE("erasures.jsonl", "checkpoint", "decisions.sealed");
    const bool opens = GENERATE(false, true);
    CAPTURE(name, opens);
    if (opens)
        fs::create_directory(school.target / name);
    else
        fs::create_symlink(name, school.target / name);
    school.lose_ledger();
    const auto refused = school.restore(copy, school.second);
    REQUIRE(!refused);
    CHECK_THAT(refused.error().what, Contains(name) && Contains("cannot be read"));
    CHECK_THAT(refused.error().to_do, Contains("readable"));
    CHECK_FALSE(fs::exists(school.of.file()));
}

TEST_CASE(
    "a target with the checkpoint of another ledger is refused, and one of a ledger this went on from is not",
    "[ledger]"
)
{
    backed_up_school school;
    const fs::path copy = school.back_up();
    school.note(school.of.key);
    const std::string before = read_if_there(school.target / "checkpoint").value();
    SECTION("one that it went on from")
    {
        REQUIRE(school.restore(copy, school.second).has_value());
        const std::vector<std::string> names = {school.second.verifier().name, school.of.key.verifier().name};
        CHECK(origins_of(school.of.file(), names.front()).value() == names);
        school.note(school.second);
        CHECK(read_if_there(school.target / "checkpoint").value() != before);
    }
    SECTION("another")
    {
        ledger_folder hill;
        const auto refused = note_in_target(hill.file(), school.target, "ledger.example.sch.uk/900002");
        REQUIRE(!refused);
        CHECK(refused.error().code == errc::forbidden);
        CHECK_THAT(refused.error().what, Contains("one folder for each school") && Contains("900001"));
        CHECK(read_if_there(school.target / "checkpoint").value() == before);
    }
}
