#include "daemon/ledger/backup.hpp"

#include "tests/unit/ledger/small_ledger.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace rollbook;
using namespace rollbook::support;

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::days a_year{365};
constexpr std::chrono::days keep{30};

instant on_day(int day)
{
    return noon() + std::chrono::days(day);
}

// A ledger that grows by one entry for each backup in its target.
struct growing_school {
    ledger_folder of;
    std::string origin = of.key.verifier().name;
    hash recipient = make_recipient().public_key;
    fs::path target = of.folder.path / "target";
    entry_index entries = 0;

    growing_school() { fs::create_directory(target); }

    fs::path back_up(instant at)
    {
        const auto book = of.open();
        transaction t;
        t.entries.push_back(tiny_draft(++entries));
        commit_and_apply(*book, t, noon());
        const backup_place place{of.file(), target / backup_name(origin, at), {recipient}, at};
        write_backup(place, of.key, {}).value();
        return place.file;
    }

    std::vector<fs::path> back_up_daily(int first, int last)
    {
        std::vector<fs::path> made;
        for (int day = first; day <= last; ++day)
            made.push_back(back_up(on_day(day)));
        return made;
    }

    std::size_t rotate(instant now) const { return rotate_backups(target, {origin}, now, keep); }

    std::size_t held() const
    {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(target), fs::directory_iterator()));
    }
};

} // namespace

TEST_CASE("backups that are older than they are to be kept go, those within it stay", "[ledger]")
{
    growing_school school;
    const fs::path old = school.back_up(on_day(0));
    const fs::path cut = school.back_up(on_day(1));
    fs::resize_file(cut, fs::file_size(cut) - 1);
    school.back_up(on_day(2));
    school.back_up(on_day(31));
    school.back_up(on_day(32));
    CHECK(school.rotate(on_day(32)) == 2);
    CHECK_FALSE(fs::exists(old));
    CHECK_FALSE(fs::exists(cut));
    CHECK(school.held() == 3);
}

TEST_CASE("one clock that is wrong takes no backup away, and two leave two", "[ledger]")
{
    growing_school school;
    school.back_up_daily(0, 3);
    school.back_up(on_day(4) + a_year);
    CHECK(school.rotate(on_day(4) + a_year) == 0);
    school.back_up(on_day(5) + a_year);
    CHECK(school.rotate(on_day(5) + a_year) == 4);
    CHECK(school.held() == 2);
}

TEST_CASE(
    "a backup that a clock ahead dated is not the newest, and goes with those that hold what it holds", "[ledger]"
)
{
    growing_school school;
    const fs::path before = school.back_up(on_day(0));
    const fs::path ahead = school.back_up(on_day(0) + a_year);
    CHECK(newest_backup(school.target, school.origin, on_day(1))->file == before);
    CHECK(newest_backup(school.target, school.origin, on_day(0) + a_year)->file == ahead);

    school.back_up_daily(1, 30);
    CHECK(school.rotate(on_day(30)) == 0);
    school.back_up(on_day(31));
    CHECK(school.rotate(on_day(31)) == 1);
    CHECK_FALSE(fs::exists(before));
    CHECK(fs::exists(ahead));
    school.back_up(on_day(32));
    CHECK(school.rotate(on_day(32)) == 2);
    CHECK_FALSE(fs::exists(ahead));
}

TEST_CASE("what interrupted backups of a ledger left goes, and nothing of another's", "[ledger]")
{
    growing_school school;
    const fs::path whole = school.back_up(on_day(0));
    const std::vector<std::string> others = {
        backup_name("another", on_day(1)) + ".unfinished", "notes.unfinished", whole.filename().string() + ".kept"};
    for (const std::string& other : others)
        std::ofstream(school.target / other) << "x";
    for (int day = 1; day < 3; ++day)
        std::ofstream(school.target / (backup_name(school.origin, on_day(day)) + ".unfinished")) << "x";
    remove_unfinished(school.target, {school.origin});
    CHECK(school.held() == 4);
    CHECK(fs::exists(whole));
    for (const std::string& other : others)
        CHECK(fs::exists(school.target / other));
}

TEST_CASE("backups of another ledger in the folder are left alone, and keep none of ours from going", "[ledger]")
{
    growing_school school;
    const signing_key other("ledger.example.sch.uk/900002", key_kind::log, seed_of(8));
    const auto back_up_other = [&](int day) {
        const std::string name = backup_name(other.verifier().name, on_day(day));
        write_backup({school.of.file(), school.target / name, {school.recipient}, on_day(day)}, other, {}).value();
        return school.target / name;
    };
    const fs::path theirs = back_up_other(0);
    const fs::path theirs_cut = back_up_other(1);
    fs::resize_file(theirs_cut, fs::file_size(theirs_cut) - 1);
    const fs::path ours = school.back_up(on_day(0));
    back_up_other(39);
    back_up_other(40);
    school.back_up(on_day(40));
    CHECK(school.rotate(on_day(40)) == 0);
    school.back_up(on_day(41));
    CHECK(school.rotate(on_day(41)) == 1);
    CHECK_FALSE(fs::exists(ours));
    CHECK(fs::exists(theirs));
    CHECK(fs::exists(theirs_cut));
    // Where it went on from the other, they are its own.
    CHECK(rotate_backups(school.target, {school.origin, other.verifier().name}, on_day(41), keep) == 2);
}
