#include "daemon/base/merkle.hpp"
#include "daemon/ledger/checkpoints.hpp"
#include "daemon/ledger/reader.hpp"
#include "tests/unit/ledger/small_ledger.hpp"
#include "tests/unit/ledger/sql.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <set>

using namespace rollbook;
using namespace rollbook::support;

namespace {

void append_one(ledger& book, instant at)
{
    transaction t;
    t.entries.push_back(access_entry("office", no_entry, "name", "a test", at, book.size()));
    commit_and_apply(book, t, at);
    book.sign_checkpoint(at);
}

std::vector<std::uint64_t> sizes_in(const std::filesystem::path& file)
{
    std::vector<std::uint64_t> sizes;
    open_proofs(file).value()->each_checkpoint([&](const kept_checkpoint& each) {
        sizes.push_back(each.size);
        return true;
    });
    return sizes;
}

std::string text_in(const std::filesystem::path& path)
{
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// The file as the first release left it.
void make_older(const std::filesystem::path& file)
{
    const std::string first = text_in(std::filesystem::path(ROLLBOOK_SOURCE_DIR) / "schemas/ledger/0001_initial.sql");
    const auto begin = first.find("CREATE TRIGGER checkpoint_is_never_removed");
    SQLite::Database database(file.string(), SQLite::OPEN_READWRITE);
    database.exec(
        "DROP TABLE alert_value; DROP TABLE account; DROP TABLE edge; DROP TABLE cosignature; DROP TABLE "
        "checkpoint_kept; "
        "DROP TRIGGER checkpoint_is_kept; DROP INDEX outbox_by_alert; DROP INDEX thing_by_what; DROP INDEX "
        "thing_by_subject; DROP INDEX thing_by_pupil; DROP INDEX thing_by_id; DROP INDEX mark_changed; "
        "ALTER TABLE statement DROP COLUMN tombstoned; ALTER TABLE statement DROP COLUMN leavers; "
        "ALTER TABLE statement DROP COLUMN out_of_scope; ALTER TABLE statement DROP COLUMN outside_window; "
        "ALTER TABLE statement DROP COLUMN not_read; ALTER TABLE source_state DROP COLUMN marks_judged_to; "
        "PRAGMA user_version = 1;" +
        first.substr(begin, first.find("END;", begin) + 4 - begin)
    );
}

constexpr std::chrono::hours a_day{24};

} // namespace

TEST_CASE("of each day the last checkpoint stays", "[ledger]")
{
    ledger_folder at;
    const auto book = at.open();
    for (const int minute : {0, 10, 20})
        append_one(*book, noon(minute));
    CHECK(sizes_in(at.file()) == std::vector<std::uint64_t>{4});
    append_one(*book, noon() + a_day);
    append_one(*book, noon() + a_day * 2);
    append_one(*book, noon(5) + a_day * 2);
    CHECK(sizes_in(at.file()) == std::vector<std::uint64_t>{7, 5, 4});
    CHECK(at.verify().ok());
}

TEST_CASE("a checkpoint that somebody outside may hold is never pruned", "[ledger]")
{
    const auto why =
        GENERATE(keep_reason::exported, keep_reason::mailed, keep_reason::requested, keep_reason::cosigned);
    CAPTURE(name_of(why));
    ledger_folder at;
    const auto book = at.open();
    append_one(*book, noon(0));
    REQUIRE(book->checkpoints().keep(2, why, noon(1)).has_value());
    REQUIRE(book->checkpoints().keep(2, why, noon(2)).has_value()); // harmless
    append_one(*book, noon(10));
    append_one(*book, noon(20));
    CHECK(sizes_in(at.file()) == std::vector<std::uint64_t>{4, 2});

    const auto kept = book->checkpoints().proofs().last_kept(why);
    REQUIRE(kept);
    CHECK(kept->size == 2);
    CHECK(kept->at == noon(1));
    CHECK_FALSE(book->checkpoints().keep(3, why, noon()).has_value());
}

TEST_CASE("the file itself refuses to lose a checkpoint that is kept", "[ledger]")
{
    ledger_folder at;
    const auto book = at.open();
    append_one(*book, noon(0));
    REQUIRE(book->checkpoints().keep(2, keep_reason::exported, noon(1)).has_value());
    append_one(*book, noon(10));
    SQLite::Database file(at.file().string(), SQLite::OPEN_READWRITE);
    CHECK_THROWS(file.exec("DELETE FROM checkpoint WHERE size = 2"));
    CHECK_THROWS(file.exec("DELETE FROM checkpoint WHERE size = 3")); // the day's last
    CHECK_THROWS(file.exec("DELETE FROM checkpoint_kept"));
    CHECK_THROWS(file.exec("UPDATE checkpoint SET at = at + 1"));
}

TEST_CASE("a witness's line stands under its checkpoint and in the proofs from then on", "[ledger]")
{
    ledger_folder at;
    const signing_key witness("auditor.example/w", key_kind::witness, seed_of(9));
    {
        const auto book = at.open();
        append_one(*book, noon(0));
        const kept_checkpoint point = book->checkpoints().proofs().newest().value();
        const auto opened = open_checkpoint(point.note, at.key.verifier()).value();
        const cosignature line{
            witness.cosign(opened.text, 1'789'000'000), witness.verifier().name, witness.verifier().id, 1'789'000'000};
        const cosignature other{"\xe2\x80\x94 pq.example/w AAAAAAE=\n", "pq.example/w", 0, std::nullopt};
        REQUIRE(book->checkpoints().cosign(2, {line, other}, noon(1)).has_value());
        REQUIRE(book->checkpoints().cosign(2, {line}, noon(2)).has_value()); // the same file accepted twice
        CHECK_FALSE(book->checkpoints().cosign(77, {line}, noon(2)).has_value());
        append_one(*book, noon(3));
    }
    const auto proofs = open_proofs(at.file()).value();
    const auto cosigned = proofs->newest_cosigned();
    REQUIRE(cosigned);
    CHECK(cosigned->size == 2);
    const std::vector<verifier_key> known{witness.verifier()};
    const auto opened = open_checkpoint(cosigned->note, at.key.verifier(), known);
    REQUIRE(opened.has_value());
    CHECK(opened->signatures.size() == 2);
    CHECK(parse_note(cosigned->note)->signatures.size() == 3); // what nobody here understands is carried along
    CHECK(proofs->last_of(witness.verifier())->size == 2);
    CHECK_FALSE(proofs->newest_cosigned(2)); // it does not cover entry 2

    const auto reader = at.reader();
    CHECK(parse_offline_proof(reader->prove(1).value())->checkpoint_note == cosigned->note);
    CHECK(parse_offline_proof(reader->prove(2).value())->checkpoint_note == proofs->newest()->note);
    CHECK(at.verify().ok());
}

TEST_CASE("consistency between any two sizes checks against the ledger's roots", "[ledger]")
{
    ledger_folder at;
    {
        const auto book = at.open();
        for (int i = 0; i < 40; ++i)
            append_one(*book, noon(i));
    }
    const auto proofs = open_proofs(at.file()).value();
    for (std::uint64_t size = 1; size <= 41; ++size)
        for (std::uint64_t old_size = 1; old_size <= size; ++old_size) {
            CAPTURE(old_size, size);
            const auto proof = proofs->consistency(old_size, size);
            REQUIRE(proof.has_value());
            REQUIRE(verify_consistency(old_size, size, proofs->root(old_size), proofs->root(size), *proof));
        }
    CHECK_FALSE(proofs->consistency(0, 4).has_value());
    CHECK_FALSE(proofs->consistency(5, 4).has_value());
    CHECK_FALSE(proofs->consistency(5, 42).has_value());
}

TEST_CASE("a writer brings a ledger of the first schema up to date, and it verifies", "[ledger]")
{
    ledger_folder at;
    ledger_folder fresh;
    append_one(*at.open(), noon());
    {
        const auto book = at.open();
        transaction t;
        while (t.entries.size() < 300)
            t.entries.push_back(tiny_draft(book->size() + t.entries.size()));
        book->commit(t, noon(1));
        book->sign_checkpoint(noon(1));
    }
    make_older(at.file());
    REQUIRE(number_of(at.file(), "PRAGMA user_version") == 1);
    const auto refused = open_reader(at.file());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == errc::ledger_in_doubt);
    CHECK(refused.error().what.find("older Rollbook") != std::string::npos);

    const auto book = at.open();
    CHECK(at.verify().ok()); // with the hashes that no SQL makes
    append_one(*book, noon(5));
    CHECK(number_of(at.file(), "PRAGMA user_version") == number_of(fresh.file(), "PRAGMA user_version"));
    CHECK(at.verify().ok());
    const char* schema = "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema ORDER BY name)";
    CHECK(text_at(at.file(), schema) == text_at(fresh.file(), schema));
}

TEST_CASE("an upgrade that fails leaves the ledger as it was", "[ledger]")
{
    ledger_folder at;
    make_older(at.file());
    {
        // Something stands where the new table goes.
        SQLite::Database file(at.file().string(), SQLite::OPEN_READWRITE);
        file.exec("CREATE TABLE checkpoint_kept (other TEXT)");
    }
    CHECK_FALSE(open_ledger(at.file(), at.key).has_value());
    CHECK(number_of(at.file(), "PRAGMA user_version") == 1);
    CHECK(number_of(at.file(), "SELECT count(*) FROM sqlite_schema WHERE name = 'cosignature'") == 0);
}
