#include "tests/unit/ledger/small_ledger.hpp"
#include "tests/unit/ledger/sql.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>

using namespace rollbook;
using namespace rollbook::support;
using Catch::Matchers::Contains;

namespace {

std::string file_bytes(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

} // namespace

TEST_CASE("a history rewritten and signed again with the ledger's own key is found by a checkpoint kept before", "[ledger]")
{
    const auto [why, sql] = GENERATE(table<std::string, std::string>({
        {"another time", "UPDATE entry SET recorded_at = recorded_at + 1 WHERE idx = 11"},
        {"another kind", "UPDATE entry SET kind = 4 WHERE idx = 6"},
        {"an entry in another's place",
         "UPDATE entry SET commitment = (SELECT commitment FROM entry WHERE idx = 5) WHERE idx = 6; "
         "UPDATE opening SET (commit_key, payload) = (SELECT commit_key, payload FROM opening WHERE idx = 5) WHERE idx = 6"},
        {"the last entry cut off",
         "DELETE FROM entry WHERE idx = 11; DELETE FROM opening WHERE idx = 11; DELETE FROM thing WHERE entry = 11"},
        {"all but the first cut off",
         "DELETE FROM entry WHERE idx > 0; DELETE FROM opening WHERE idx > 0; DELETE FROM thing WHERE entry > 0; "
         "DELETE FROM mark"},
    }));
    CAPTURE(why);
    const ledger_folder folder;
    fill(*folder.open());
    const std::string kept = text_at(folder.file(), "SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1");
    // Whoever holds file and key removes every trace of what was signed, and signs what is there now.
    tamper(folder.file(), sql + "; DELETE FROM checkpoint; DELETE FROM checkpoint_kept");
    std::filesystem::remove(folder.file().string() + ".signed");
    {
        auto book = folder.open();
        transaction t;
        t.entries.push_back(tiny_draft(book->size()));
        book->commit(t, noon(9));
        book->sign_checkpoint(noon(9));
    }
    verify_options options;
    options.key = folder.key.verifier();
    options.earlier_checkpoints = {kept};
    CHECK_FALSE(folder.reader()->verify(options).ok());
}

TEST_CASE("a ledger that lost what was signed last is not opened for writing, and verify says so", "[ledger]")
{
    const ledger_folder folder;
    const auto copy = [&](const std::string& from, const std::string& to) {
        std::filesystem::copy_file(
            folder.folder.path / from, folder.folder.path / to, std::filesystem::copy_options::overwrite_existing
        );
    };
    copy("ledger.db", "older.db");
    fill(*folder.open());
    REQUIRE(folder.verify().ok());
    copy("older.db", "ledger.db"); // sound in itself, and signed
    const auto opened = open_ledger(folder.file(), folder.key);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code == errc::ledger_in_doubt);
    CHECK_THAT(opened.error().what, Contains("the ledger holds 1 entries") && Contains("ledger.db.signed") &&
                                        Contains("12 were signed"));
    CHECK_THAT(opened.error().to_do, Contains("rollbook restore"));
    const verify_report report = folder.verify();
    REQUIRE_FALSE(report.ok());
    CHECK_THAT(report.problems.front().what, Contains("the checkpoint kept beside the ledger covers 12 entries"));
}

TEST_CASE("a write-ahead log damaged at any byte loses nothing in silence", "[ledger][crash]")
{
    const ledger_folder folder;
    const std::filesystem::path log = folder.file().string() + "-wal";
    const std::filesystem::path aside = folder.folder.path / "aside";
    std::filesystem::create_directory(aside);
    {
        // Copied while it is open: closing would empty the log.
        auto book = folder.open();
        fill(*book);
        for (const char* name : {"ledger.db", "ledger.db-wal", "ledger.db.signed"})
            std::filesystem::copy_file(folder.folder.path / name, aside / name);
    }
    const std::string sound = file_bytes(aside / "ledger.db-wal");
    REQUIRE(sound.size() > 10'000);
    int refused = 0, whole = 0;
    for (std::size_t i = 0; i < sound.size(); i += 977) {
        CAPTURE(i);
        const bool cuts = i % 2 == 1;
        std::string changed = cuts ? sound.substr(0, i) : sound;
        if (!cuts) changed[i] = static_cast<char>(changed[i] ^ 0x10);
        std::filesystem::copy_file(
            aside / "ledger.db", folder.file(), std::filesystem::copy_options::overwrite_existing
        );
        std::filesystem::remove(folder.file().string() + "-shm");
        std::ofstream(log, std::ios::binary) << changed;
        auto opened = open_ledger(folder.file(), folder.key);
        if (!opened) {
            CHECK(opened.error().code == errc::ledger_in_doubt);
            ++refused;
            continue;
        }
        CHECK((*opened)->size() == 12);
        opened->reset();
        CHECK(folder.verify().ok());
        ++whole;
    }
    CHECK(refused > 0);
    CHECK(whole > 0); // bytes behind the last commit mean nothing
}

TEST_CASE("verify lets go of the log between its steps", "[ledger]")
{
    const ledger_folder folder;
    constexpr entry_index size = 50'000;
    {
        auto book = folder.open();
        for (entry_index next = 1; next < size;) {
            transaction t;
            for (; t.entries.size() < 20'000 && next < size; ++next)
                t.entries.push_back(tiny_draft(next));
            book->commit(t, noon());
        }
        book->sign_checkpoint(noon());
    }
    verify_options options;
    options.key = folder.key.verifier();
    int steps = 0, emptied = 0;
    auto book = folder.open(); // a writer beside it
    options.progress = [&](std::uint64_t, std::uint64_t) {
        transaction t;
        t.entries.push_back(tiny_draft(book->size()));
        book->commit(t, noon(1));
        SQLite::Database other(folder.file().string(), SQLite::OPEN_READWRITE);
        SQLite::Statement empty(other, "PRAGMA wal_checkpoint(TRUNCATE)");
        emptied += empty.executeStep() && empty.getColumn(0).getInt() == 0 ? 1 : 0;
        ++steps;
    };
    CHECK(folder.reader()->verify(options).ok());
    CHECK(steps == 3);
    CHECK(emptied == 3); // no read transaction was open
}
