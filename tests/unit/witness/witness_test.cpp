#include "daemon/base/merkle.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/witness/memory.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/base/worked_example.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <random>
#include <sys/stat.h>

using namespace rollbook;
using namespace rollbook::witness;

namespace {

// A log of numbered leaves; two of other `history` agree up to entry 3.
class small_log : public hash_reader {
public:
    explicit small_log(
        std::string history = "",
        const std::string& name = "school.example/ledger-test",
        std::string_view phrase = "TEST ONLY ledger log key 1"
    )
        : key(name, key_kind::log, worked_example::seed(phrase)), history_(std::move(history))
    {
    }
    void leaves(std::uint64_t from, std::span<hash> out) override
    {
        for (std::size_t i = 0; i < out.size(); ++i) {
            const std::uint64_t index = from + i;
            out[i] = leaf_hash(std::to_string(index) + (index < 4 ? std::string() : history_));
        }
    }
    bool tile(unsigned, std::uint64_t, tile_hashes&) override { return false; }

    std::string request(std::uint64_t old_size, std::uint64_t size)
    {
        merkle_reader tree(std::max(size, old_size), *this);
        witness_request asked;
        asked.old_size = old_size;
        if (old_size > 0 && old_size <= size) asked.proof = consistency_proof(old_size, size, tree).value();
        asked.checkpoint_note = sign_checkpoint({key.verifier().name, size, tree.root(size)}, key);
        return format_witness_request(asked);
    }

    signing_key key;

private:
    std::string history_;
};

constexpr std::uint64_t now = 1'800'000'000;

struct watching {
    watching()
    {
        vkey = memory::make(at.path, "auditor.example/w").value();
        open();
        own->add(format_vkey(log.key.verifier())).value();
    }
    void open()
    {
        own.reset();
        own = memory::open(at.path).value();
    }
    status ask(const std::string& request) { return own->answer_to(request, now).value().code; }

    const support::temporary_folder at;
    small_log log;
    std::string vkey;
    std::unique_ptr<memory> own;
};

} // namespace

TEST_CASE("a witness signs what extends what it signed before, and remembers across restarts", "[witness]")
{
    watching w;
    std::uint64_t held = 0;
    for (const std::uint64_t size : {3u, 5u, 5u, 6u, 64u, 300u, 1000u}) {
        CAPTURE(held, size);
        const auto said = w.own->answer_to(w.log.request(held, size), now).value();
        REQUIRE(said.code == status::signs);
        merkle_reader tree(size, w.log);
        const std::string note =
            sign_checkpoint({w.log.key.verifier().name, size, tree.root(size)}, w.log.key) + said.body;
        const std::vector<verifier_key> witnesses{parse_vkey(w.vkey).value()};
        const auto opened = open_checkpoint(note, w.log.key.verifier(), witnesses);
        REQUIRE(opened.has_value());
        CHECK(opened->signatures.at(1).posix_seconds == now);
        held = size;
        w.open();
        CHECK(w.own->logs().front().size == size);
    }
}

TEST_CASE("a fork, a smaller tree and a proof that does not hold are never signed", "[witness]")
{
    watching w;
    REQUIRE(w.ask(w.log.request(0, 8)) == status::signs);
    small_log forked("other");
    CHECK(w.ask(forked.request(8, 9)) == status::no_proof);
    CHECK(w.ask(forked.request(8, 8)) == status::no_proof); // the same size, another root
    CHECK(w.ask(w.log.request(7, 7)) == status::other_size);
    CHECK(w.ask(w.log.request(8, 7)) == status::malformed);
    CHECK(w.ask(w.log.request(0, 20)) == status::other_size);

    witness_request asked = parse_witness_request(w.log.request(8, 20)).value();
    for (hash& each : asked.proof) {
        each[0] ^= 1;
        CHECK(w.ask(format_witness_request(asked)) == status::no_proof);
        each[0] ^= 1;
    }
    asked.proof.push_back(asked.proof.front());
    CHECK(w.ask(format_witness_request(asked)) == status::no_proof);
    CHECK(w.own->logs().front().size == 8);
    CHECK(w.ask(w.log.request(8, 20)) == status::signs);
}

TEST_CASE("the checks come in the order of tlog-witness", "[witness]")
{
    watching w;
    small_log other("", "unknown.example/log");
    // Unknown log before all else; then the signature, the old size, the size held, the proof.
    CHECK(w.ask(other.request(9, 3)) == status::unknown_log);
    small_log impostor("", w.log.key.verifier().name, "other");
    CHECK(w.ask(impostor.request(9, 3)) == status::not_ours);
    CHECK(w.ask(w.log.request(9, 3)) == status::malformed);
    const auto conflict = w.own->answer_to(w.log.request(2, 3), now).value();
    CHECK(conflict.code == status::other_size);
    CHECK(conflict.body == "0\n");
    witness_request asked = parse_witness_request(w.log.request(0, 3)).value();
    asked.proof.push_back(hash{});
    CHECK(w.ask(format_witness_request(asked)) == status::no_proof);
    CHECK(w.ask("") == status::malformed);
    CHECK(w.ask("old 0\n\n") == status::malformed);
}

TEST_CASE("a signature of the log's that was changed is refused, whatever else is right", "[witness]")
{
    watching w;
    std::string request = w.log.request(0, 3);
    const std::size_t at = request.rfind('=') - 6;
    request[at] = request[at] == 'A' ? 'B' : 'A';
    CHECK(w.ask(request) == status::not_ours);
}

TEST_CASE("the worked example's witness answers byte for byte", "[witness][example]")
{
    const support::temporary_folder at;
    {
        std::ofstream key(at.path / "witness.key", std::ios::binary);
        key << "auditor.example/witness-1\n"
            << to_base64(worked_example::seed("TEST ONLY auditor witness key 1")) << "\n";
    }
    ::chmod((at.path / "witness.key").c_str(), 0600);
    const auto own = memory::open(at.path).value();
    CHECK(format_vkey(own->own_key()) == worked_example::witness_vkey);
    own->add(worked_example::log_vkey).value();
    const std::string first = "old 0\n\n" + std::string(worked_example::checkpoint_at_3);
    REQUIRE(own->answer_to(first, 1'900'000'000)->code == status::signs);
    const auto said = own->answer_to(worked_example::witness_request, worked_example::cosigned_at).value();
    CHECK(worked_example::proof_file.ends_with(said.body));
    CHECK(said.body.size() > 100);
}

TEST_CASE("nothing is signed that could not be stored first", "[witness]")
{
    watching w;
    REQUIRE(w.ask(w.log.request(0, 3)) == status::signs);
    // A folder stands where the new file goes: the way a full or read-only disk looks, for root as well.
    for (const auto& each : std::filesystem::directory_iterator(w.at.path))
        if (each.path().filename().string().starts_with("log-"))
            std::filesystem::create_directory(each.path().string() + ".new");
    CHECK_FALSE(w.own->answer_to(w.log.request(3, 5), now).has_value());
    CHECK(w.own->logs().front().size == 3);
}

TEST_CASE("a witness whose key others may read, or whose file is damaged, does not start", "[witness]")
{
    watching w;
    const auto key = w.at.path / "witness.key";
    w.own.reset();
    ::chmod(key.c_str(), 0640);
    CHECK(memory::open(w.at.path).error().to_do.find("chmod 600") != std::string::npos);
    ::chmod(key.c_str(), 0600);
    for (const auto& each : std::filesystem::directory_iterator(w.at.path))
        if (each.path().filename().string().starts_with("log-"))
            std::filesystem::resize_file(each.path(), std::filesystem::file_size(each.path()) - 1);
    CHECK(memory::open(w.at.path).error().code == errc::ledger_in_doubt);
}

TEST_CASE("one process at a time has a witness open, and no witness is overwritten", "[witness]")
{
    watching w;
    CHECK_FALSE(memory::open(w.at.path).has_value());
    CHECK_FALSE(memory::make(w.at.path, "auditor.example/w").has_value());
    CHECK_FALSE(memory::make(w.at.path / "new", "a name").has_value());
    CHECK_FALSE(memory::open(w.at.path / "nothing").has_value());
}

TEST_CASE("a log that changes its key is followed once its new key is added", "[witness]")
{
    watching w;
    REQUIRE(w.ask(w.log.request(0, 3)) == status::signs);
    small_log next("", w.log.key.verifier().name, "next");
    CHECK(w.ask(next.request(3, 5)) == status::not_ours);
    w.own->add(format_vkey(next.key.verifier())).value();
    w.own->add(format_vkey(next.key.verifier())).value();
    CHECK(w.own->logs().size() == 1);
    CHECK(w.ask(next.request(3, 5)) == status::signs);
    CHECK_FALSE(w.own->add(w.vkey).has_value());
    CHECK_FALSE(w.own->add("nonsense").has_value());
}
