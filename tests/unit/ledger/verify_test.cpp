#include "daemon/base/ledger_entry.hpp"
#include "daemon/base/sha256.hpp"

#include "daemon/ledger/verify.hpp"
#include "tests/unit/ledger/small_ledger.hpp"
#include "tests/unit/ledger/sql.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::support;
using Catch::Matchers::Contains;

namespace {

std::string all_problems(const verify_report& report)
{
    std::string text;
    for (const verify_problem& problem : report.problems)
        text += (problem.index ? std::to_string(*problem.index) : std::string("-")) + ": " + problem.what + "\n";
    return text;
}

// Every way in which somebody who holds the file may change it, and what the proof then says.
struct change {
    std::string why;
    std::string sql;
    std::string said;
};

std::ostream& operator<<(std::ostream& out, const change& c)
{
    return out << c.why;
}

} // namespace

TEST_CASE("verify finds every kind of change to the file, and names the entry", "[ledger]")
{
    const auto c = GENERATE(values<change>({
        {"a byte of a payload",
         "UPDATE opening SET payload = CAST(replace(payload, 'Ada', 'Eva') AS BLOB) WHERE idx = 1",
         "1: its content does not match"},
        {"a commit key",
         "UPDATE opening SET commit_key = randomblob(32) WHERE idx = 3",
         "3: its content does not match"},
        {"a short commit key",
         "UPDATE opening SET commit_key = x'00' WHERE idx = 3",
         "3: its commit key is not 32 bytes"},
        {"a commitment", "UPDATE entry SET commitment = randomblob(32) WHERE idx = 3", "3: its content does not match"},
        {"a longer commitment",
         "UPDATE entry SET commitment = commitment || x'00' WHERE idx = 3",
         "3: its commitment is not 32 bytes"},
        {"a kind", "UPDATE entry SET kind = 4 WHERE idx = 3", "has another root than the entries"},
        {"a kind that is none", "UPDATE entry SET kind = 9 WHERE idx = 3", "3: its kind is not one of the five"},
        {"a time", "UPDATE entry SET recorded_at = recorded_at + 1 WHERE idx = 6", "has another root than the entries"},
        {"a time before the last", "UPDATE entry SET recorded_at = 0 WHERE idx = 6", "6: it is recorded before"},
        {"a time that no leaf has a form for",
         "UPDATE entry SET recorded_at = 9223372036854775807 WHERE idx = 6",
         "6: the time it was recorded is none that an entry can have"},
        {"a time before every year",
         "UPDATE entry SET recorded_at = -9223372036854775808 WHERE idx = 6",
         "6: the time it was recorded is none that an entry can have"},
        {"an entry put in between",
         "UPDATE entry SET idx = -1 - idx WHERE idx > 5; UPDATE entry SET idx = -idx WHERE idx < 0; "
         "UPDATE opening SET idx = -1 - idx WHERE idx > 5; UPDATE opening SET idx = -idx WHERE idx < 0; "
         "INSERT INTO entry SELECT 6, kind, recorded_at, commitment FROM entry WHERE idx = 5; "
         "INSERT INTO opening SELECT 6, commit_key, payload FROM opening WHERE idx = 5",
         "has another root than the entries"},
        {"two entries that changed places",
         "UPDATE entry SET idx = -1 WHERE idx = 5; UPDATE entry SET idx = 5 WHERE idx = 6; UPDATE entry SET idx = 6 "
         "WHERE idx = -1; UPDATE opening SET idx = -1 WHERE idx = 5; UPDATE opening SET idx = 5 WHERE idx = 6; UPDATE "
         "opening SET idx = 6 WHERE idx = -1",
         "has another root than the entries"},
        {"two openings that changed places",
         "UPDATE opening SET idx = -1 WHERE idx = 5; UPDATE opening SET idx = 5 WHERE idx = 6; UPDATE opening SET idx "
         "= "
         "6 WHERE idx = -1",
         "5: its content does not match"},
        {"an entry in the middle",
         "DELETE FROM entry WHERE idx = 4; DELETE FROM opening WHERE idx = 4",
         "4: entry 4 is missing"},
        {"the first entry",
         "DELETE FROM entry WHERE idx = 0; DELETE FROM opening WHERE idx = 0",
         "0: entry 0 is missing"},
        {"the last entries",
         "DELETE FROM entry WHERE idx > 9; DELETE FROM opening WHERE idx > 9",
         "entries have been removed"},
        {"all entries", "DELETE FROM entry; DELETE FROM opening", "entries have been removed"},
        {"an opening too many", "INSERT INTO opening VALUES (99, x'00', x'00')", "1 openings belong to no entry"},
        {"an opening too few",
         "DELETE FROM opening WHERE idx = 4",
         "4: its content is missing and no erasure entry names it"},
        {"a checkpoint's root",
         "UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 1) WHERE size = 7",
         "names size 1"},
        {"a checkpoint's signature",
         "UPDATE checkpoint SET note = substr(note, 1, length(note) - 10) || 'AAAAAAAA=' || char(10) WHERE size = 7",
         "the stored checkpoint of size 7"},
        {"every checkpoint", "DELETE FROM checkpoint", "nothing was ever signed"},
        {"a checkpoint filed elsewhere", "UPDATE checkpoint SET size = 8 WHERE size = 7", "names size 7"},
        {"a tile too many", "INSERT INTO tile VALUES (1, 0, zeroblob(8192))", "1 tiles belong to no part of the tree"},
        {"a mark's code", "UPDATE mark SET code = 'B' WHERE entry = 5", "5: the register differs from the entry"},
        {"a mark's raw code", "UPDATE mark SET raw = 'B' WHERE entry = 5", "5: the register differs from the entry"},
        {"a mark's day", "UPDATE mark SET day = day + 1 WHERE entry = 5", "5: the register differs from the entry"},
        {"a mark's session", "UPDATE mark SET session = 1 WHERE entry = 5", "5: the register differs from the entry"},
        {"a mark's pupil", "UPDATE mark SET pupil = 1 WHERE entry = 5", "5: the register differs from the entry"},
        {"a mark's minutes", "UPDATE mark SET minutes = 3 WHERE entry = 5", "5: the register differs from the entry"},
        {"a mark's digest",
         "UPDATE mark SET digest = digest + 1 WHERE entry = 5",
         "5: the register differs from the entry"},
        {"a mark said to be gone",
         "UPDATE mark SET gone = 1 WHERE entry = 5",
         "5: the register differs from the entry"},
        {"a mark too many",
         "INSERT INTO mark SELECT 0, to_entry, day, session, pupil, source, raw, code, minutes, digest, gone FROM mark "
         "WHERE entry = 5",
         "the register holds rows that no entry gave"},
        {"a mark too few", "DELETE FROM mark WHERE entry = 5", "5: the register differs from the entry"},
        {"the end of a mark",
         "UPDATE mark SET to_entry = 6 WHERE entry = 3",
         "entry 3 is not ended by the entry that replaces it"},
        {"no end of a mark",
         "UPDATE mark SET to_entry = NULL WHERE entry = 3",
         "entry 3 is not ended by the entry that replaces it"},
        {"an end too many",
         "UPDATE mark SET to_entry = 9 WHERE entry = 5",
         "the register ends rows that no entry replaced"},
        {"a pupil's key", "UPDATE thing SET key = 'A3' WHERE entry = 2", "2: the projection differs from the entry"},
        {"a finding said to be gone",
         "UPDATE thing SET gone = 1 WHERE entry = 9",
         "9: the projection differs from the entry"},
        {"a finding's pupil",
         "UPDATE thing SET pupil = NULL WHERE entry = 9",
         "9: the projection differs from the entry"},
        {"a thing's digest",
         "UPDATE thing SET digest = digest + 1 WHERE entry = 2",
         "2: the projection differs from the entry"},
        {"a thing too many",
         "INSERT INTO thing SELECT 3, to_entry, what, subject, pupil, source, key, digest, gone FROM thing WHERE entry "
         "= 2",
         "the projection holds rows that no entry gave"},
        {"a thing too few", "DELETE FROM thing WHERE entry = 2", "2: the projection differs from the entry"},
        {"an end of a thing too many",
         "UPDATE thing SET to_entry = 9 WHERE entry = 2",
         "the projection ends rows that no entry replaced"},
        {"the digest key", "DELETE FROM meta", "the ledger's digest key is missing"},
    }));
    CAPTURE(c);
    const ledger_folder folder;
    fill(*folder.open());
    REQUIRE(all_problems(folder.verify()).empty());
    tamper(folder.file(), c.sql);
    const verify_report report = folder.verify();
    CHECK_FALSE(report.ok());
    CHECK_THAT(all_problems(report), Contains(c.said));
}

TEST_CASE("verify finds what is not as the numbered schema files make it", "[ledger]")
{
    const auto [sql, said] = GENERATE(table<std::string, std::string>({
        {"DROP TRIGGER entry_is_never_changed", "the trigger entry_is_never_changed is missing from the file"},
        {"DROP TRIGGER entry_is_never_changed; CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry "
         "BEGIN SELECT 1; END",
         "the trigger entry_is_never_changed is not as Rollbook makes it"},
        {"CREATE TRIGGER more AFTER INSERT ON outbox BEGIN UPDATE outbox SET text = ''; END",
         "the trigger more is none of Rollbook's"},
        {"CREATE VIEW register AS SELECT * FROM mark", "the view register is none of Rollbook's"},
        {"ALTER TABLE mark ADD COLUMN said TEXT", "the table mark is not as Rollbook makes it"},
        {"PRAGMA user_version = 2", "the file's header is not that of a ledger of this version"},
        {"PRAGMA application_id = 2", "the file's header is not that of a ledger of this version"},
    }));
    CAPTURE(sql);
    const ledger_folder folder;
    fill(*folder.open());
    rebuild_projections(folder.file()).value(); // makes tables again, and they are the same
    REQUIRE(all_problems(folder.verify()).empty());
    SQLite::Database database(folder.file().string(), SQLite::OPEN_READWRITE);
    database.exec(sql);
    verify_options options;
    options.key = folder.key.verifier();
    const std::string found = all_problems(verify_ledger(database, options));
    CHECK_THAT(found, Contains(said));
}

TEST_CASE("a damaged time or kind of an entry is named wherever entries are read", "[ledger]")
{
    const auto column = GENERATE(as<std::string>(), "recorded_at", "kind");
    CAPTURE(column);
    const ledger_folder folder;
    fill(*folder.open());
    tamper(folder.file(), "UPDATE entry SET " + column + " = 9223372036854775807 WHERE idx = 11");
    const auto named = [&](const failure& why) {
        CHECK(why.code == errc::ledger_in_doubt);
        CHECK_THAT(why.what, Contains("entry 11 of the ledger has a"));
    };
    const auto opened = open_ledger(folder.file(), folder.key);
    REQUIRE_FALSE(opened.has_value());
    named(opened.error());
    const auto reader = folder.reader();
    try {
        reader->entries(0, no_entry, [](const entry_view&) { return true; });
        FAIL("it was read");
    } catch (const failure_error& e) {
        named(e.why());
    }
}

TEST_CASE(
    "a witness's signature that is stored must verify with the witness's key, and be filed as what it is", "[ledger]"
)
{
    const auto [sql, said] = GENERATE(table<std::string, std::string>({
        {"UPDATE cosignature SET signed_at = signed_at + 1", "is filed under another time"},
        {"UPDATE cosignature SET name = 'auditor.example/x'", "is filed under another name"},
        {"UPDATE cosignature SET key_id = key_id + 1", "is filed under another name"},
        {"UPDATE cosignature SET line = substr(line, 1, length(line) - 10) || 'AAAAAAAA=' || char(10)", "size 12"},
        {"UPDATE cosignature SET size = 7", "does not verify"},
        {"UPDATE cosignature SET size = 8", "cannot be read"},
        {"UPDATE cosignature SET line = ''", "cannot be read"},
    }));
    CAPTURE(sql);
    const ledger_folder folder;
    {
        const auto book = folder.open();
        fill(*book);
        cosign_newest(*book);
    }
    verify_options options;
    options.key = folder.key.verifier();
    options.witnesses = {example_witness().verifier()};
    REQUIRE(all_problems(folder.reader()->verify(options)).empty());
    tamper(folder.file(), sql);
    const std::string found = all_problems(folder.reader()->verify(options));
    CHECK_THAT(found, Contains("a witness's signature under the checkpoint of size") && Contains(said));
}

TEST_CASE("the quick proof leaves out the projections and nothing else", "[ledger]")
{
    const ledger_folder folder;
    fill(*folder.open());
    verify_options quick;
    quick.key = folder.key.verifier();
    quick.quick = true;
    tamper(folder.file(), "DELETE FROM mark WHERE entry = 5");
    CHECK(folder.reader()->verify(quick).ok());
    tamper(folder.file(), "UPDATE opening SET payload = x'00' WHERE idx = 5");
    CHECK_FALSE(folder.reader()->verify(quick).ok());
}

TEST_CASE("a proof without a key, or with another's, is no proof", "[ledger]")
{
    const ledger_folder folder;
    fill(*folder.open());
    CHECK_FALSE(folder.reader()->verify({}).ok());
    verify_options other;
    other.key = signing_key("ledger.example.sch.uk/900001", key_kind::log, seed_of(8)).verifier();
    CHECK_FALSE(folder.reader()->verify(other).ok());
}

TEST_CASE("a checkpoint kept elsewhere must be a prefix of the ledger", "[ledger]")
{
    const ledger_folder folder;
    fill(*folder.open());
    const auto kept = [&](std::int64_t size) {
        return text_at(folder.file(), "SELECT note FROM checkpoint WHERE size = " + std::to_string(size));
    };
    verify_options options;
    options.key = folder.key.verifier();
    options.earlier_checkpoints = {kept(7), kept(12)};
    CHECK(folder.reader()->verify(options).problems.empty());

    // Another ledger of the same school, signed by the same key: no prefix of this one.
    const ledger_folder other;
    fill(*other.open());
    options.earlier_checkpoints = {text_at(other.file(), "SELECT note FROM checkpoint WHERE size = 7")};
    CHECK_THAT(all_problems(folder.reader()->verify(options)), Contains("6: the given checkpoint has another root"));
    options.earlier_checkpoints = {"no checkpoint"};
    CHECK_FALSE(folder.reader()->verify(options).ok());
}

TEST_CASE("an erased entry is one that an erasure entry names, no more and no less", "[ledger]")
{
    const ledger_folder folder;
    {
        auto book = folder.open();
        fill(*book);
        transaction t;
        t.entries.push_back(
            draft(entry_kind::erasure, R"({"basis":"request","entries":[[2,2],[5,6]],"what":"erasure"})", {})
        );
        t.entries.front().row = project(t.entries.front().payload, 12, digest_of(*book)).value();
        book->commit(t, noon(9));
        book->sign_checkpoint(noon(9));
    }
    CHECK_THAT(all_problems(folder.verify()), Contains("2: an erasure entry names it, and its content is still there"));
    tamper(
        folder.file(),
        "DELETE FROM opening WHERE idx IN (2, 5, 6); DELETE FROM thing WHERE entry = 2; DELETE FROM mark WHERE entry "
        "IN (5, 6)"
    );
    const verify_report report = folder.verify();
    CHECK(all_problems(report).empty());
    CHECK(report.erased == 3);
    CHECK(report.openings == 10);
    tamper(folder.file(), "DELETE FROM opening WHERE idx = 7");
    CHECK_THAT(all_problems(folder.verify()), Contains("7: its content is missing and no erasure entry names it"));
}

TEST_CASE("an erasure while verify reads is no alarm", "[ledger]")
{
    const ledger_folder folder;
    fill(*folder.open());
    verify_options options;
    options.key = folder.key.verifier();
    int steps = 0;
    options.progress = [&](std::uint64_t, std::uint64_t) {
        if (steps++ > 0) return;
        {
            const auto book = folder.open();
            transaction t;
            const std::string payload = R"({"basis":"request","entries":[[5,5]],"what":"erasure"})";
            t.entries.push_back(written(*book, payload, 12, entry_kind::erasure));
            book->commit(t, noon(9));
            book->sign_checkpoint(noon(9));
        }
        tamper(folder.file(), "DELETE FROM opening WHERE idx = 5; DELETE FROM mark WHERE entry = 5");
    };
    const verify_report report = folder.reader()->verify(options);
    CHECK(all_problems(report).empty());
    CHECK(report.erased == 1);
    CHECK(report.size == 13);
    CHECK(steps == 2);
}

TEST_CASE("the proof file of every entry verifies against the newest checkpoint, and against no other leaf", "[ledger]")
{
    const ledger_folder folder;
    fill(*folder.open());
    const auto reader = folder.reader();
    std::vector<hash> leaves;
    reader->entries(0, no_entry, [&](const entry_view& entry) {
        std::string leaf;
        append_leaf(leaf, entry.index, entry.kind, entry.recorded_at, entry.commitment);
        leaves.push_back(leaf_hash(leaf));
        CHECK(commitment(entry.commit_key, entry.payload) == entry.commitment);
        return true;
    });
    REQUIRE(leaves.size() == 12);
    for (entry_index i = 0; i < 12; ++i) {
        CAPTURE(i);
        const auto proof = parse_offline_proof(reader->prove(i).value()).value();
        CHECK(proof.index == i);
        CHECK(verify_offline_proof(proof, leaves[i], folder.key.verifier()).has_value());
        CHECK_FALSE(verify_offline_proof(proof, leaves[(i + 1) % 12], folder.key.verifier()).has_value());
    }
    CHECK(reader->prove(12).error().code == errc::not_found);
}

TEST_CASE("an entry that is not signed yet has no proof", "[ledger]")
{
    const ledger_folder folder;
    auto book = folder.open();
    fill(*book);
    transaction t;
    t.entries.push_back(tiny_draft(12));
    book->commit(t, noon(9));
    CHECK(folder.reader()->prove(12).error().code == errc::not_found);
    CHECK(folder.reader()->prove(11).has_value());
}

TEST_CASE("rebuilding changes nothing in a sound ledger and mends a damaged one", "[ledger]")
{
    const ledger_folder folder;
    fill(*folder.open());
    const auto sound = rebuild_projections(folder.file()).value();
    CHECK(sound.entries == 12);
    CHECK(sound.rows == 12);
    CHECK(sound.differed == 0);
    const std::string before = text_of(folder.open()->state(), {"mis"});

    const auto [sql, differed] = GENERATE(table<std::string, std::uint64_t>({
        {"UPDATE mark SET code = 'B' WHERE entry = 5", 1},
        {"DELETE FROM mark WHERE entry = 5", 1},
        {"UPDATE mark SET to_entry = NULL; UPDATE thing SET key = 'x' WHERE entry = 1", 3},
        {"DELETE FROM mark; DELETE FROM thing", 12},
        {"INSERT INTO mark SELECT 0, to_entry, day, session, pupil, source, raw, code, minutes, digest, gone FROM mark "
         "WHERE entry = 5",
         1},
    }));
    CAPTURE(sql);
    tamper(folder.file(), sql);
    CHECK(rebuild_projections(folder.file())->differed == differed);
    CHECK(rebuild_projections(folder.file())->differed == 0);
    CHECK(all_problems(folder.verify()).empty());
    CHECK(text_of(folder.open()->state(), {"mis"}) == before);
}

TEST_CASE("the tree's edge is kept as it was signed, and one that was changed proves nothing", "[ledger]")
{
    const ledger_folder folder;
    const auto grow_to = [&](entry_index size) {
        auto book = folder.open();
        transaction t;
        while (book->size() + t.entries.size() < size)
            t.entries.push_back(tiny_draft(book->size() + t.entries.size()));
        book->commit(t, noon());
        book->sign_checkpoint(noon());
    };
    const auto kept = [&] { return number_of(folder.file(), "SELECT coalesce(sum(length(hashes)), 0) FROM edge"); };
    grow_to(255);
    CHECK(kept() == 0);
    CHECK(all_problems(folder.verify()).empty());
    grow_to(256);
    CHECK(kept() == 32);
    grow_to(600);
    CHECK(kept() == 64);
    CHECK(all_problems(folder.verify()).empty());
    REQUIRE(folder.reader()->prove(599).has_value());

    const auto [sql, proves] = GENERATE(table<std::string, bool>({
        {"UPDATE edge SET hashes = zeroblob(64)", false},
        {"UPDATE edge SET hashes = substr(hashes, 1, 32)", true}, // made again from the entries
        {"UPDATE edge SET hashes = hashes || zeroblob(32)", true},
        {"UPDATE edge SET n = 1", true},
        {"UPDATE edge SET level = 2", true},
        {"UPDATE edge SET hashes = CAST(hashes AS TEXT)", true},
        {"DELETE FROM edge", true},
        {"INSERT INTO edge VALUES (7, 0, zeroblob(32))", true},
    }));
    CAPTURE(sql);
    tamper(folder.file(), sql);
    CHECK_THAT(all_problems(folder.verify()), Contains("what is kept of the tree's edge at size 600 differs"));
    const auto proof = folder.reader()->prove(599);
    CHECK(proof.has_value() == proves);
    if (!proof) CHECK(proof.error().code == errc::ledger_in_doubt);
    // The writer reads the entries themselves, and what it signs next puts the edge right.
    grow_to(601);
    CHECK(all_problems(folder.verify()).empty());
}

TEST_CASE("a ledger of more than one full tile opens, verifies and proves", "[ledger]")
{
    const ledger_folder folder;
    constexpr entry_index size = 65'536 + 300;
    {
        auto book = folder.open();
        for (entry_index next = 1; next < size;) {
            transaction t;
            for (; t.entries.size() < 20'000 && next < size; ++next)
                t.entries.push_back(tiny_draft(next));
            book->commit(t, noon());
            book->sign_checkpoint(noon());
        }
    }
    CHECK(number_of(folder.file(), "SELECT count(*) FROM tile WHERE level = 1") == 1);
    auto book = folder.open();
    CHECK(book->size() == size);
    transaction more;
    more.entries.push_back(tiny_draft(size));
    book->commit(more, noon(1));
    book->sign_checkpoint(noon(1));
    book.reset();
    CHECK(all_problems(folder.verify()).empty());
    for (const entry_index i : {entry_index{0}, entry_index{255}, entry_index{65'535}, entry_index{65'536}, size}) {
        const auto reader = folder.reader();
        hash leaf{};
        reader->entries(i, i + 1, [&](const entry_view& entry) {
            std::string text;
            append_leaf(text, entry.index, entry.kind, entry.recorded_at, entry.commitment);
            leaf = leaf_hash(text);
            return true;
        });
        CHECK(verify_offline_proof(parse_offline_proof(reader->prove(i).value()).value(), leaf, folder.key.verifier())
                  .has_value());
    }

    const auto [sql, said] = GENERATE(table<std::string, std::string>({
        {"UPDATE tile SET hashes = zeroblob(8192)", "tile 0 of level 1 differs from the hashes below it"},
        {"DELETE FROM tile", "tile 0 of level 1 is missing"},
    }));
    tamper(folder.file(), sql);
    CHECK_THAT(all_problems(folder.verify()), Contains(said));
    CHECK_FALSE(open_ledger(folder.file(), folder.key).has_value());
}
