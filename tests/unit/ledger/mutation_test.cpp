#include "daemon/ledger/verify.hpp"
#include "tests/sanitized.hpp"
#include "tests/unit/ledger/faulty_disk.hpp"
#include "tests/unit/ledger/small_ledger.hpp"
#include "tests/unit/ledger/sql.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

using namespace rollbook;
using namespace rollbook::support;
using Catch::Matchers::Contains;

namespace {

std::string file_bytes(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// A file's bytes as a database in memory.
class opened_bytes {
public:
    explicit opened_bytes(const std::string& bytes) : database_(":memory:", SQLite::OPEN_READWRITE)
    {
        auto* copy = static_cast<unsigned char*>(sqlite3_malloc64(bytes.size()));
        std::memcpy(copy, bytes.data(), bytes.size());
        const auto size = static_cast<sqlite3_int64>(bytes.size());
        const int code =
            sqlite3_deserialize(database_.getHandle(), "main", copy, size, size, SQLITE_DESERIALIZE_FREEONCLOSE);
        if (code != SQLITE_OK) throw SQLite::Exception(database_.getHandle(), code);
    }
    SQLite::Database& database() { return database_; }

private:
    SQLite::Database database_;
};

// All that the ledger says: its entries, what they mean, and what was signed of them. The working tables beside it
// (bookmarks, outbox, quarantine) are no part of the proof, and neither is when a signature was stored.
std::string content_of(SQLite::Database& database)
{
    std::string text;
    for (const char* said :
         {"entry",
          "opening",
          "tile",
          "edge",
          "(SELECT size, note FROM checkpoint)",
          "(SELECT size, line, name, key_id, signed_at FROM cosignature)",
          "mark",
          "thing",
          "(SELECT value FROM meta WHERE name = 'digest_key')"}) {
        SQLite::Statement rows(database, std::string("SELECT * FROM ") + said + " ORDER BY 1");
        while (rows.executeStep()) {
            text += said;
            for (int i = 0; i < rows.getColumnCount(); ++i) {
                const SQLite::Column cell = rows.getColumn(i);
                const auto* bytes = static_cast<const char*>(cell.getBlob());
                text += '\x1f' + std::to_string(cell.getType()) + ':';
                text.append(bytes ? bytes : "", static_cast<std::size_t>(cell.getBytes()));
            }
            text += '\n';
        }
    }
    return text;
}

} // namespace

TEST_CASE("every byte of a ledger, changed, is found or is proved to mean nothing", "[ledger][long]")
{
    const ledger_folder folder;
    {
        const auto book = folder.open();
        fill(*book);
        cosign_newest(*book);
    }
    // Small pages, so that few bytes lie between the ones that say something.
    const std::filesystem::path small = folder.folder.path / "small.db";
    {
        SQLite::Database database(folder.file().string(), SQLite::OPEN_READWRITE);
        database.exec("PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM");
        database.exec("VACUUM INTO '" + small.string() + "'");
    }
    const std::string sound = file_bytes(small);
    verify_options options;
    options.key = folder.key.verifier();
    options.witnesses = {example_witness().verifier()};
    std::string content;
    {
        opened_bytes whole(sound);
        REQUIRE(verify_ledger(whole.database(), options).ok());
        content = content_of(whole.database());
    }
    std::size_t found = 0, harmless = 0, tried = 0;
    for (std::size_t i = 0; i < sound.size(); i += is_sanitized ? 17 : 1) {
        ++tried;
        std::string changed = sound;
        changed[i] = static_cast<char>(changed[i] ^ (1 << (i % 8)));
        try {
            opened_bytes now(changed);
            if (!verify_ledger(now.database(), options).ok()) {
                ++found;
                continue;
            }
            if (content_of(now.database()) == content) {
                ++harmless;
                continue;
            }
        } catch (const SQLite::Exception&) {
            ++found;
            continue;
        }
        FAIL_CHECK("byte " << i << " of " << sound.size() << " changes what the ledger says, and verify passes it");
    }
    CHECK(found + harmless == tried);
    CHECK(found > tried / 5);
}

TEST_CASE(
    "a history rewritten and signed again with the ledger's own key is found by a checkpoint kept before", "[ledger]"
)
{
    const auto [why, sql] = GENERATE(table<std::string, std::string>({
        {"another time", "UPDATE entry SET recorded_at = recorded_at + 1 WHERE idx = 11"},
        {"another kind", "UPDATE entry SET kind = 4 WHERE idx = 6"},
        {"an entry in another's place",
         "UPDATE entry SET commitment = (SELECT commitment FROM entry WHERE idx = 5) WHERE idx = 6; "
         "UPDATE opening SET (commit_key, payload) = (SELECT commit_key, payload FROM opening WHERE idx = 5) WHERE idx "
         "= 6"},
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
    CHECK_THAT(
        opened.error().what,
        Contains("the ledger holds 1 entries") && Contains("ledger.db.signed") && Contains("12 were signed")
    );
    CHECK_THAT(opened.error().to_do, Contains("rollbook restore"));
    const verify_report report = folder.verify();
    REQUIRE_FALSE(report.ok());
    CHECK_THAT(report.problems.front().what, Contains("the checkpoint kept beside the ledger covers 12 entries"));
}

TEST_CASE("a write-ahead log damaged at any byte loses nothing in silence", "[ledger][crash]")
{
    const faulty_disk disk; // whose syncs cost nothing
    const ledger_folder folder;
    const std::filesystem::path log = folder.file().string() + "-wal";
    const std::filesystem::path aside = folder.folder.path / "aside";
    std::filesystem::create_directory(aside);
    {
        SQLite::Database small_pages(folder.file().string(), SQLite::OPEN_READWRITE);
        small_pages.exec("PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM");
    }
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
    const auto try_log = [&](const std::string& changed) {
        std::filesystem::copy_file(
            aside / "ledger.db", folder.file(), std::filesystem::copy_options::overwrite_existing
        );
        std::filesystem::remove(folder.file().string() + "-shm");
        std::ofstream(log, std::ios::binary) << changed;
        auto opened = open_ledger(folder.file(), folder.key);
        if (!opened) {
            CHECK(opened.error().code == errc::ledger_in_doubt);
            ++refused;
            return;
        }
        CHECK((*opened)->size() == 12);
        opened->reset();
        CHECK(folder.verify().ok());
        ++whole;
    };
    // Some of the bytes each time; ROLLBOOK_EVERY_BYTE=1 tries them all, which takes minutes.
    const bool all = std::getenv("ROLLBOOK_EVERY_BYTE") != nullptr;
    const char* given = std::getenv("ROLLBOOK_SEED");
    const auto seed = given ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device()();
    CAPTURE(seed);
    std::mt19937 dice(seed);
    for (std::size_t i = 0; i < (all ? sound.size() : 300); ++i) {
        const std::size_t at = all ? i : dice() % sound.size();
        CAPTURE(at);
        std::string changed = sound;
        changed[at] = static_cast<char>(changed[at] ^ (1 << (dice() % 8)));
        try_log(changed);
        if (all || i % 4 == 0) try_log(sound.substr(0, at));
    }
    CHECK(refused > 0);
    CHECK(whole > 0); // bytes behind the last commit mean nothing
    if (all) WARN(sound.size() << " bytes: " << refused << " refused, " << whole << " whole");
}

TEST_CASE("verify lets go of the log between its steps, and goes on where it was stopped", "[ledger]")
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
    std::vector<verify_progress> kept;
    int emptied = 0;
    {
        auto book = folder.open(); // a writer beside it
        options.keep = [&](const verify_progress& now) {
            kept.push_back(now);
            transaction t;
            t.entries.push_back(tiny_draft(book->size()));
            book->commit(t, noon(1));
            SQLite::Database other(folder.file().string(), SQLite::OPEN_READWRITE);
            SQLite::Statement empty(other, "PRAGMA wal_checkpoint(TRUNCATE)");
            emptied += empty.executeStep() && empty.getColumn(0).getInt() == 0 ? 1 : 0;
        };
        CHECK(folder.reader()->verify(options).ok());
        options.keep = {};
    }
    REQUIRE(kept.size() == 3);
    CHECK(emptied == 3); // no read transaction was open
    CHECK(kept[0].index == 20'000);

    options.go_on = kept[1];
    verify_report report = folder.reader()->verify(options);
    CHECK(report.ok());
    CHECK(report.taken_over == 40'000);
    CHECK(report.openings == folder.reader()->size());

    // What is behind is not opened again; what lies ahead is, and what was found stays found.
    tamper(folder.file(), "UPDATE opening SET payload = x'00' WHERE idx = 45000");
    options.go_on->problems = {{7, "its content does not match its commitment"}};
    report = folder.reader()->verify(options);
    REQUIRE(report.problems.size() >= 2);
    CHECK(report.problems[0].index == 7);
    CHECK(report.problems[1].index == 45'000);

    // Of another ledger, or of another state of this one: everything is checked again.
    options.go_on->root[0] ^= 1;
    report = folder.reader()->verify(options);
    CHECK(report.taken_over == 0);
    CHECK(report.problems.front().index == 45'000);
}
