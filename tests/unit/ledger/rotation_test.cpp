#include "daemon/base/key_chain.hpp"
#include "daemon/ledger/checkpoints.hpp"
#include "daemon/reconcile/housekeeping_entries.hpp"
#include "tests/unit/ledger/small_ledger.hpp"
#include "tests/unit/ledger/sql.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::support;

namespace {

struct changing_keys {
    changing_keys() : next("ledger.example.sch.uk/900001", key_kind::log, seed_of(8)) {}

    std::unique_ptr<ledger> open_with(const std::vector<const signing_key*>& keys)
    {
        return open_ledger(at.file(), keys).value();
    }
    void append(ledger& book, draft entry, instant now)
    {
        transaction t;
        t.entries.push_back(std::move(entry));
        commit_and_apply(book, t, now);
    }
    void change(instant now, instant until)
    {
        const auto book = open_with({&next, &at.key});
        append(*book, key_entry(sign_key_change(at.key, next, until), now, book->size()), now);
        book->reload();
        book->sign_checkpoint(now);
    }
    // The signatures under the newest checkpoint.
    std::vector<std::uint32_t> signers()
    {
        std::vector<std::uint32_t> ids;
        const signed_note note = parse_note(open_proofs(at.file()).value()->newest()->note).value();
        for (const note_signature& each : note.signatures)
            ids.push_back(each.key_id);
        return ids;
    }
    bool verifies(const verifier_key& pinned)
    {
        verify_options options;
        options.key = pinned;
        return at.reader()->verify(options).ok();
    }
    void day_passes(const std::vector<const signing_key*>& keys, instant now)
    {
        const auto book = open_with(keys);
        append(*book, heartbeat_entry(now, book->size()), now);
        book->sign_checkpoint(now);
    }

    ledger_folder at;
    signing_key next;
};

constexpr std::chrono::hours one_day{24};

} // namespace

TEST_CASE("after a change both keys sign for a while, then only the new one, and either pin verifies", "[ledger]")
{
    changing_keys k;
    const std::uint32_t old_id = k.at.key.verifier().id;
    const std::uint32_t new_id = k.next.verifier().id;
    fill(*k.at.open());
    k.change(noon(10), noon(10) + one_day * 2);
    CHECK(k.signers() == std::vector<std::uint32_t>{new_id, old_id});
    CHECK(k.verifies(k.at.key.verifier()));
    CHECK(k.verifies(k.next.verifier()));

    k.day_passes({&k.next, &k.at.key}, noon() + one_day);
    CHECK(k.signers() == std::vector<std::uint32_t>{new_id, old_id});
    k.day_passes({&k.next, &k.at.key}, noon() + one_day * 3);
    CHECK(k.signers() == std::vector<std::uint32_t>{new_id});
    k.day_passes({&k.next}, noon() + one_day * 4); // the old one is no longer needed
    CHECK(k.verifies(k.at.key.verifier()));
    CHECK(k.verifies(k.next.verifier()));
    CHECK_FALSE(k.verifies(signing_key(k.next.verifier().name, key_kind::log, seed_of(9)).verifier()));
}

TEST_CASE("a ledger that changed its key is not opened with the old one alone", "[ledger]")
{
    changing_keys k;
    k.change(noon(10), noon(20));
    const auto refused = open_ledger(k.at.file(), k.at.key);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == errc::ledger_in_doubt);
}

TEST_CASE("a new key that lies ready signs nothing before its entry is written", "[ledger]")
{
    changing_keys k;
    k.day_passes({&k.next, &k.at.key}, noon(10)); // killed between the key file and the entry
    CHECK(k.signers() == std::vector<std::uint32_t>{k.at.key.verifier().id});
    CHECK(k.verifies(k.at.key.verifier()));
    k.change(noon(11), noon(20));
    CHECK(k.signers().front() == k.next.verifier().id);
}

TEST_CASE("a checkpoint after a change that only the old key signed is found", "[ledger]")
{
    changing_keys k;
    k.change(noon(10), noon(10) + one_day);
    // Whoever stole the old key goes on with it.
    const auto newest = open_proofs(k.at.file()).value()->newest().value();
    const std::string text = parse_note(newest.note)->text;
    const std::string line = k.at.key.sign(text);
    tamper(
        k.at.file(),
        "UPDATE checkpoint SET note = '" + format_note(text, std::span(&line, 1)) +
            "' WHERE size = " + std::to_string(newest.size)
    );
    CHECK_FALSE(k.verifies(k.at.key.verifier()));
    CHECK_FALSE(open_ledger(k.at.file(), {&k.next, &k.at.key}).has_value());
}
