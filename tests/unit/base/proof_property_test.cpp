#include "daemon/base/merkle.hpp"
#include "daemon/base/sha256.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>

using namespace rollbook;

namespace {

// A tree of leaves "0", "1", ... that is kept in memory; no tile of level 1 is ever full in it.
class growing_tree : public hash_reader {
public:
    explicit growing_tree(std::uint64_t size)
    {
        for (std::uint64_t i = 0; i < size; ++i)
            leaves_.push_back(leaf_hash(std::to_string(i)));
    }
    void leaves(std::uint64_t from, std::span<hash> out) override
    {
        std::copy_n(leaves_.begin() + static_cast<std::ptrdiff_t>(from), out.size(), out.begin());
    }
    bool tile(unsigned, std::uint64_t, tile_hashes&) override { return false; }
    const hash& leaf(std::uint64_t index) const { return leaves_[index]; }

private:
    std::vector<hash> leaves_;
};

// Every way that one byte of a proof can be wrong in its lowest bit, and a hash too many or too few at every place.
// Calls `holds` with each wrong proof; none may hold.
template <class F> void none_holds(const std::vector<hash>& proof, F&& holds)
{
    for (std::size_t i = 0; i < proof.size(); ++i)
        for (std::size_t byte = 0; byte < proof[i].size(); ++byte) {
            std::vector<hash> wrong = proof;
            wrong[i][byte] ^= 1;
            CAPTURE(i, byte);
            REQUIRE_FALSE(holds(wrong));
        }
    for (std::size_t i = 0; i < proof.size(); ++i) {
        std::vector<hash> wrong = proof;
        wrong.erase(wrong.begin() + static_cast<std::ptrdiff_t>(i));
        CAPTURE(i);
        REQUIRE_FALSE(holds(wrong));
    }
    for (std::size_t i = 0; i <= proof.size(); ++i) {
        std::vector<hash> wrong = proof;
        wrong.insert(wrong.begin() + static_cast<std::ptrdiff_t>(i), proof.empty() ? hash{} : proof[i % proof.size()]);
        CAPTURE(i);
        REQUIRE_FALSE(holds(wrong));
    }
}

constexpr std::uint64_t property_size_max = 2'000;

} // namespace

TEST_CASE("inclusion and consistency proofs between random sizes hold, and no wrong one does", "[base][merkle]")
{
    std::mt19937_64 dice(20260901); // the same sizes each time
    growing_tree leaves(property_size_max);
    merkle_reader tree(property_size_max, leaves);
    const auto below = [&](std::uint64_t end) { return dice() % end; };
    for (int round = 0; round < 120; ++round) {
        const std::uint64_t n = 2 + below(property_size_max - 1);
        const std::uint64_t m = 1 + below(n - 1);
        const std::uint64_t index = below(n);
        CAPTURE(m, n, index);
        const hash root = tree.root(n);
        const hash old_root = tree.root(m);

        const auto inclusion = inclusion_proof(index, n, tree);
        REQUIRE(inclusion.has_value());
        REQUIRE(verify_inclusion(index, n, leaves.leaf(index), *inclusion, root));
        none_holds(*inclusion, [&](const auto& wrong) {
            return verify_inclusion(index, n, leaves.leaf(index), wrong, root);
        });
        REQUIRE_FALSE(verify_inclusion((index + 1) % n, n, leaves.leaf(index), *inclusion, root));
        REQUIRE_FALSE(verify_inclusion(index, n, leaves.leaf((index + 1) % n), *inclusion, root));
        REQUIRE_FALSE(verify_inclusion(index, n, leaves.leaf(index), *inclusion, old_root));

        const auto consistency = consistency_proof(m, n, tree);
        REQUIRE(consistency.has_value());
        REQUIRE(verify_consistency(m, n, old_root, root, *consistency));
        none_holds(*consistency, [&](const auto& wrong) { return verify_consistency(m, n, old_root, root, wrong); });
        REQUIRE_FALSE(verify_consistency(m, n, root, old_root, *consistency));
        hash other = old_root;
        other[31] ^= 1;
        REQUIRE_FALSE(verify_consistency(m, n, other, root, *consistency));
    }
}

TEST_CASE("inclusion and consistency proofs of every pair of sizes up to 300 hold", "[base][merkle]")
{
    growing_tree leaves(300);
    merkle_reader tree(300, leaves);
    for (std::uint64_t n = 1; n <= 300; ++n) {
        const hash root = tree.root(n);
        for (std::uint64_t m = 1; m <= n; ++m) {
            const auto consistency = consistency_proof(m, n, tree);
            const auto inclusion = inclusion_proof(m - 1, n, tree);
            if (!consistency || !verify_consistency(m, n, tree.root(m), root, *consistency) || !inclusion ||
                !verify_inclusion(m - 1, n, leaves.leaf(m - 1), *inclusion, root))
                FAIL("sizes " << m << " and " << n);
        }
    }
}
