#include "daemon/base/key_chain.hpp"
#include "tests/unit/base/worked_example.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;

namespace {

const std::string log_name = "school.example/ledger-test";

signing_key numbered_key(int number)
{
    return {log_name, key_kind::log, worked_example::seed("key " + std::to_string(number))};
}

const instant overlap_end = parse_instant("2026-12-24T00:00:00Z").value();

// A checkpoint of that size with the signatures of those keys.
std::string signed_by(std::uint64_t size, std::initializer_list<int> numbers)
{
    const std::string text = checkpoint_text({log_name, size, worked_example::seed("root")});
    std::vector<std::string> lines;
    for (const int number : numbers)
        lines.push_back(numbered_key(number).sign(text));
    return format_note(text, lines);
}

// Key 1 until entry 10, key 2 until entry 20, then key 3.
std::vector<std::pair<std::uint64_t, key_change>> two_changes()
{
    const auto change = [](int from, int to) {
        return open_key_change(sign_key_change(numbered_key(from), numbered_key(to), overlap_end)).value();
    };
    return {{10, change(1, 2)}, {20, change(2, 3)}};
}

} // namespace

TEST_CASE("a change of key is read back as it was signed, and no byte of it can be changed", "[base][note]")
{
    const std::string note = sign_key_change(numbered_key(1), numbered_key(2), overlap_end);
    const key_change change = open_key_change(note).value();
    CHECK(change.old_key == numbered_key(1).verifier());
    CHECK(change.new_key == numbered_key(2).verifier());
    CHECK(change.until == overlap_end);
    for (std::size_t at = 0; at < note.size(); ++at) {
        std::string changed = note;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        CAPTURE(at);
        REQUIRE_FALSE(open_key_change(changed).has_value());
    }
}

TEST_CASE("a change of key that only one of the two signed is none", "[base][note]")
{
    const auto note = parse_note(sign_key_change(numbered_key(1), numbered_key(2), overlap_end)).value();
    for (const int signer : {1, 2}) {
        const std::string line = numbered_key(signer).sign(note.text);
        CHECK_FALSE(open_key_change(format_note(note.text, std::span(&line, 1))).has_value());
    }
    const signing_key witness(log_name, key_kind::witness, worked_example::seed("w"));
    const std::string text = "rollbook-key-change/v1\n" + format_vkey(numbered_key(1).verifier()) + "\n" +
                             format_vkey(witness.verifier()) + "\n" + format_instant(overlap_end) + "\n";
    const std::string line = numbered_key(1).sign(text);
    CHECK_FALSE(open_key_change(format_note(text, std::span(&line, 1))).has_value());
}

TEST_CASE("whichever key of a chain is pinned, each checkpoint must have the one in force at its size", "[base][note]")
{
    const int pinned = GENERATE(1, 2, 3);
    const key_chain chain = chain_of(numbered_key(pinned).verifier(), two_changes()).value();
    CHECK(chain.newest() == numbered_key(3).verifier());
    // Entry 10 is covered from size 11 on.
    CHECK(chain.open(signed_by(10, {1})).has_value());
    CHECK_FALSE(chain.open(signed_by(11, {1})).has_value());
    CHECK(chain.open(signed_by(11, {2})).has_value());
    CHECK(chain.open(signed_by(11, {1, 2})).has_value());
    CHECK_FALSE(chain.open(signed_by(10, {2})).has_value());
    CHECK(chain.open(signed_by(500, {3, 2})).has_value());
    CHECK_FALSE(chain.open(signed_by(500, {1, 2})).has_value());

    // A line of a known key that does not verify refuses the note, whoever else signed.
    std::string wrong = signed_by(500, {3, 2});
    const std::size_t at = wrong.size() - 10;
    wrong[at] = wrong[at] == 'A' ? 'B' : 'A';
    CHECK_FALSE(chain.open(wrong).has_value());
}

TEST_CASE("a chain that does not hold the pinned key, or has a gap, is refused", "[base][note]")
{
    CHECK_FALSE(chain_of(numbered_key(9).verifier(), two_changes()).has_value());
    auto gap = two_changes();
    gap[1].second = open_key_change(sign_key_change(numbered_key(1), numbered_key(3), overlap_end)).value();
    CHECK_FALSE(chain_of(numbered_key(1).verifier(), gap).has_value());
    auto order = two_changes();
    order[1].first = 5;
    CHECK_FALSE(chain_of(numbered_key(1).verifier(), order).has_value());
    CHECK(chain_of(numbered_key(9).verifier(), {})->newest() == numbered_key(9).verifier());
}
