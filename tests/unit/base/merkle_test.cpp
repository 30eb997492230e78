#include "daemon/base/merkle.hpp"
#include "daemon/base/sha256.hpp"

#include "tests/unit/base/printing.hpp"
#include "tests/unit/base/stops.hpp"
#include "tests/unit/base/worked_example.hpp"

#include <catch2/catch.hpp>

#include <bit>
#include <random>

using namespace rollbook;

namespace {

// RFC 6962 section 2.1, word for word and slow. `subtree` gives the root of [from, to) where it is known.
template <class Known> hash plain_root(std::uint64_t from, std::uint64_t to, const Known& known)
{
    if (const auto root = known(from, to)) return *root;
    const std::uint64_t k = std::bit_floor(to - from - 1);
    return node_hash(plain_root(from, from + k, known), plain_root(from + k, to, known));
}

hash plain_root(std::span<const hash> leaves)
{
    if (leaves.empty()) return sha256({});
    return plain_root(0, leaves.size(), [&](std::uint64_t from, std::uint64_t to) {
        return to - from == 1 ? std::optional(leaves[from]) : std::nullopt;
    });
}

// RFC 6962 section 2.1.1.
std::vector<hash> plain_path(std::uint64_t m, std::span<const hash> leaves)
{
    if (leaves.size() <= 1) return {};
    const std::uint64_t k = std::bit_floor(leaves.size() - 1);
    std::vector<hash> path = m < k ? plain_path(m, leaves.first(k)) : plain_path(m - k, leaves.subspan(k));
    path.push_back(plain_root(m < k ? leaves.subspan(k) : leaves.first(k)));
    return path;
}

// RFC 6962 section 2.1.2.
std::vector<hash> plain_subproof(std::uint64_t m, std::span<const hash> leaves, bool whole)
{
    if (m == leaves.size()) return whole ? std::vector<hash>{} : std::vector<hash>{plain_root(leaves)};
    const std::uint64_t k = std::bit_floor(leaves.size() - 1);
    std::vector<hash> proof =
        m <= k ? plain_subproof(m, leaves.first(k), whole) : plain_subproof(m - k, leaves.subspan(k), false);
    proof.push_back(plain_root(m <= k ? leaves.subspan(k) : leaves.first(k)));
    return proof;
}

hash numbered(std::uint64_t i, std::string_view what = "leaf ")
{
    return sha256(as_bytes(std::string(what) + std::to_string(i)));
}

// A ledger's store in memory: all leaves, and the tiles a frontier handed over.
struct memory_store : hash_reader {
    std::vector<hash> all;
    std::map<std::pair<unsigned, std::uint64_t>, tile_hashes> tiles;
    merkle_frontier frontier;
    std::size_t leaves_read = 0;

    void append(const hash& leaf)
    {
        all.push_back(leaf);
        frontier.append(leaf, [this](unsigned level, std::uint64_t n, std::span<const hash, tile_width> hashes) {
            tile_hashes& kept = tiles[{level, n}];
            std::copy(hashes.begin(), hashes.end(), kept.begin());
        });
    }
    void grow_to(std::uint64_t size)
    {
        while (all.size() < size)
            append(numbered(all.size()));
    }
    void leaves(std::uint64_t from, std::span<hash> out) override
    {
        REQUIRE(from + out.size() <= all.size());
        std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(from), out.size(), out.begin());
        leaves_read += out.size();
    }
    bool tile(unsigned level, std::uint64_t n, tile_hashes& out) override
    {
        const auto found = tiles.find({level, n});
        if (found == tiles.end()) return false;
        out = found->second;
        return true;
    }
};

std::span<const hash> first(const memory_store& store, std::uint64_t n)
{
    return std::span<const hash>(store.all).first(n);
}

std::string hex(const hash& h)
{
    return to_hex(h);
}

} // namespace

TEST_CASE("leaf and node hashes carry their prefixes", "[base][merkle]")
{
    CHECK(hex(leaf_hash("")) == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    CHECK(
        hex(leaf_hash(std::string_view("\0", 1))) == "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
    );
    CHECK(node_hash(hash{}, hash{}) == sha256(as_bytes('\1' + std::string(64, '\0'))));
}

TEST_CASE("the roots of the reference tree of RFC 6962 come out", "[base][merkle]")
{
    // Source: the test data of Google's certificate-transparency reference implementation.
    const std::array<std::pair<std::string_view, std::string_view>, 8> leaf_and_root = {{
        {"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        {"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
        {"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
        {"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
        {"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
        {"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
        {"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
        {"606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
    }};
    merkle_frontier frontier;
    CHECK(hex(frontier.root()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (const auto& [leaf, root] : leaf_and_root) {
        frontier.append(leaf_hash(*from_hex(leaf)), {});
        CHECK(hex(frontier.root()) == root);
    }
}

TEST_CASE("the roots of the worked example come out at every size", "[base][merkle][example]")
{
    memory_store store;
    for (std::size_t i = 0; i < worked_example::entries.size(); ++i) {
        store.append(leaf_hash(worked_example::leaf(i)));
        CHECK(hex(store.frontier.root()) == worked_example::roots[i]);
    }
    merkle_reader tree(5, store);
    CHECK(hex(tree.subtree(1, 1)) == "38754ba2083a53801f5941df259625d41c27413d0710eadd298c76aaf60ae7cd");
    CHECK(hex(tree.subtree(2, 0)) == worked_example::roots[3]);
    for (std::size_t n = 1; n <= 5; ++n)
        CHECK(hex(tree.root(n)) == worked_example::roots[n - 1]);
}

TEST_CASE("every proof of every tree up to 70 leaves is the RFC's and verifies", "[base][merkle]")
{
    memory_store store;
    std::size_t wrong = 0;
    for (std::uint64_t n = 1; n <= 70; ++n) {
        store.grow_to(n);
        const hash root = plain_root(first(store, n));
        wrong += store.frontier.root() != root;
        merkle_reader tree(n, store, &store.frontier);
        for (std::uint64_t i = 0; i < n; ++i) {
            const auto proof = inclusion_proof(i, n, tree).value();
            wrong += proof != plain_path(i, first(store, n));
            wrong += !verify_inclusion(i, n, store.all[i], proof, root);
        }
        for (std::uint64_t m = 1; m <= n; ++m) {
            const auto proof = consistency_proof(m, n, tree).value();
            wrong += proof != plain_subproof(m, first(store, n), true);
            wrong += !verify_consistency(m, n, plain_root(first(store, m)), root, proof);
            wrong += tree.root(m) != plain_root(first(store, m));
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("proofs of earlier sizes come from a later tree", "[base][merkle]")
{
    memory_store store;
    store.grow_to(600);
    merkle_reader tree(600, store, &store.frontier);
    std::size_t wrong = 0;
    for (const std::uint64_t n : {1u, 2u, 255u, 256u, 257u, 300u, 511u, 512u, 513u, 599u, 600u}) {
        const hash root = plain_root(first(store, n));
        for (std::uint64_t i = 0; i < n; i += 7) {
            wrong += !verify_inclusion(i, n, store.all[i], inclusion_proof(i, n, tree).value(), root);
        }
        for (std::uint64_t m = 1; m <= n; m += 5) {
            wrong +=
                !verify_consistency(m, n, plain_root(first(store, m)), root, consistency_proof(m, n, tree).value());
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("a reader of a smaller tree is not misled by a frontier that moved on", "[base][merkle]")
{
    memory_store store;
    store.grow_to(600);
    for (const std::uint64_t n : {10u, 88u, 256u, 300u, 344u, 512u, 520u}) {
        CAPTURE(n);
        merkle_reader tree(n, store, &store.frontier);
        CHECK(tree.root(n) == plain_root(first(store, n)));
    }
}

TEST_CASE("trees around full tiles agree with the plain tree", "[base][merkle]")
{
    memory_store store;
    std::mt19937_64 random(1);
    std::uint64_t tiles_before = 0;
    for (const std::uint64_t n : {255u, 256u, 257u, 65'535u, 65'536u, 65'537u, 65'793u, 131'072u, 131'400u}) {
        CAPTURE(n);
        store.grow_to(n);
        const hash root = plain_root(first(store, n));
        CHECK(store.frontier.root() == root);
        CHECK(store.tiles.size() == n / 65'536);
        CHECK(store.frontier.edge(0).size() == n % 256);
        CHECK(store.frontier.edge(1).size() == n / 256 % 256);
        tiles_before = store.tiles.size();

        merkle_reader with_edge(n, store, &store.frontier);
        merkle_reader from_store_only(n, store);
        for (int sample = 0; sample < 8; ++sample) {
            const std::uint64_t i = sample < 2 ? (n - 1) * static_cast<std::uint64_t>(sample) : random() % n;
            const auto proof = inclusion_proof(i, n, with_edge).value();
            CHECK(proof == plain_path(i, first(store, n)));
            CHECK(inclusion_proof(i, n, from_store_only).value() == proof);
            CHECK(verify_inclusion(i, n, store.all[i], proof, root));

            const std::uint64_t m = 1 + random() % n;
            const auto consistency = consistency_proof(m, n, with_edge).value();
            CHECK(consistency_proof(m, n, from_store_only).value() == consistency);
            CHECK(verify_consistency(m, n, with_edge.root(m), root, consistency));
        }
    }
    CHECK(tiles_before == 2);
    for (std::uint64_t n = 0; n < 2; ++n) {
        for (std::uint64_t i = 0; i < 256; ++i) {
            const std::uint64_t block = n * 256 + i;
            const auto leaves = std::span<const hash>(store.all).subspan(block * 256, 256);
            if (i % 37 == 0) CHECK(store.tiles.at({1, n})[i] == plain_root(leaves));
        }
    }
}

TEST_CASE("a reader with the frontier's edge re-hashes few leaves", "[base][merkle]")
{
    memory_store store;
    store.grow_to(65'535);
    merkle_reader tree(65'535, store, &store.frontier);
    REQUIRE(inclusion_proof(100, 65'535, tree));
    REQUIRE(consistency_proof(1000, 65'535, tree));
    CHECK(store.leaves_read <= 512);
}

TEST_CASE("a restored frontier is the one that was lost", "[base][merkle]")
{
    memory_store store;
    std::mt19937_64 random(2);
    std::vector<std::uint64_t> sizes = {0, 1, 2, 255, 256, 257, 65'535, 65'536, 65'537, 66'000};
    for (int i = 0; i < 12; ++i)
        sizes.push_back(random() % 70'000);
    std::sort(sizes.begin(), sizes.end());
    for (const std::uint64_t n : sizes) {
        CAPTURE(n);
        store.grow_to(n);
        auto restored = merkle_frontier::restore(n, store);
        REQUIRE(restored);
        CHECK(restored->size() == n);
        CHECK(restored->root() == plain_root(first(store, n)));
        // It must also grow on as the old one does, across the edge of a tile.
        merkle_frontier lost = store.frontier;
        for (int i = 0; i < 300; ++i) {
            restored->append(numbered(n + static_cast<std::uint64_t>(i)), {});
            lost.append(numbered(n + static_cast<std::uint64_t>(i)), {});
        }
        CHECK(restored->root() == lost.root());
        for (unsigned level = 0; level < 3; ++level) {
            CHECK(std::ranges::equal(restored->edge(level), lost.edge(level)));
        }
    }
}

TEST_CASE("a tree of twenty million leaves is restored from its tiles", "[base][merkle]")
{
    // Blocks of 256 leaves have invented roots, so that the tree need not be built leaf by leaf.
    struct invented_store : hash_reader {
        std::uint64_t last_block = 0;
        void leaves(std::uint64_t from, std::span<hash> out) override
        {
            REQUIRE(from / 256 >= last_block);
            for (std::size_t i = 0; i < out.size(); ++i)
                out[i] = numbered(from + i);
        }
        bool tile(unsigned level, std::uint64_t n, tile_hashes& out) override
        {
            if (level > 2 || (level == 2 && n > 0)) return false;
            for (std::size_t i = 0; i < tile_width; ++i) {
                const std::uint64_t at = n * tile_width + i;
                out[i] = level == 1 ? numbered(at, "block ") : root_of(at << 16, (at + 1) << 16);
            }
            return true;
        }
        hash root_of(std::uint64_t from, std::uint64_t to) const
        {
            return plain_root(from, to, [&](std::uint64_t a, std::uint64_t b) -> std::optional<hash> {
                if (b - a == 256 && a % 256 == 0 && a / 256 < last_block) return numbered(a / 256, "block ");
                if (b - a == 1) return numbered(a);
                return std::nullopt;
            });
        }
    };
    invented_store store;
    store.last_block = 300 * 256;
    const std::uint64_t size = store.last_block * 256 + 700;

    const auto frontier = merkle_frontier::restore(size, store);
    REQUIRE(frontier);
    const hash root = store.root_of(0, size);
    CHECK(frontier->root() == root);
    CHECK(frontier->edge(2).size() == 44);
    CHECK(frontier->edge(3).size() == 1);

    merkle_reader tree(size, store, &*frontier);
    for (const std::uint64_t i : {size - 1, size - 300, size - 700}) {
        CHECK(verify_inclusion(i, size, numbered(i), inclusion_proof(i, size, tree).value(), root));
    }
    for (const std::uint64_t m : {std::uint64_t{1} << 24, std::uint64_t{19'000'064}, size - 1, size - 690}) {
        CHECK(verify_consistency(m, size, tree.root(m), root, consistency_proof(m, size, tree).value()));
    }
}

TEST_CASE("a missing tile stops the restore and is named", "[base][merkle]")
{
    memory_store store;
    store.grow_to(65'536);
    store.tiles.clear();
    const auto restored = merkle_frontier::restore(65'536, store);
    REQUIRE_FALSE(restored);
    CHECK(restored.error().code == errc::ledger_in_doubt);
    CHECK_THAT(restored.error().what, Catch::Contains("tile 0 of level 1"));
}

TEST_CASE("a copy of the frontier undoes appends", "[base][merkle]")
{
    merkle_frontier frontier;
    for (std::uint64_t i = 0; i < 300; ++i)
        frontier.append(numbered(i), {});
    merkle_frontier copy = frontier;
    for (std::uint64_t i = 0; i < 300; ++i)
        copy.append(numbered(7000 + i), {});
    copy = frontier;
    copy.append(numbered(300), {});
    frontier.append(numbered(300), {});
    CHECK(copy.root() == frontier.root());
}

TEST_CASE("a proof for what is not in the tree is refused", "[base][merkle]")
{
    memory_store store;
    store.grow_to(10);
    merkle_reader tree(10, store);
    CHECK(inclusion_proof(10, 10, tree).error().code == errc::usage);
    CHECK(inclusion_proof(0, 0, tree).error().code == errc::usage);
    CHECK(inclusion_proof(3, 11, tree).error().code == errc::usage);
    CHECK(consistency_proof(0, 10, tree).error().code == errc::usage);
    CHECK(consistency_proof(9, 8, tree).error().code == errc::usage);
    CHECK(consistency_proof(3, 11, tree).error().code == errc::usage);
    CHECK(consistency_proof(10, 10, tree)->empty());
    CHECK(stops([&] { (void)tree.root(11); }));
    CHECK(stops([&] { (void)tree.range(3, 5); }));
}

TEST_CASE("a forged inclusion proof fails at every tree size", "[base][merkle]")
{
    memory_store store;
    store.grow_to(40);
    std::size_t accepted = 0;
    for (std::uint64_t n = 1; n <= 40; ++n) {
        merkle_reader tree(n, store);
        const hash root = tree.root(n);
        for (std::uint64_t i = 0; i < n; ++i) {
            const hash leaf = store.all[i];
            const auto good = inclusion_proof(i, n, tree).value();
            for (std::size_t at = 0; at <= good.size(); ++at) {
                auto longer = good;
                longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(at), root);
                accepted += verify_inclusion(i, n, leaf, longer, root);
                if (at == good.size()) break;
                auto shorter = good;
                shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(at));
                accepted += verify_inclusion(i, n, leaf, shorter, root);
                auto changed = good;
                changed[at][31] ^= 1;
                accepted += verify_inclusion(i, n, leaf, changed, root);
            }
            for (std::uint64_t other = 0; other < n; ++other) {
                if (other != i) accepted += verify_inclusion(other, n, leaf, good, root);
            }
            accepted += verify_inclusion(i, n, numbered(99), good, root);
            accepted += verify_inclusion(i, n, leaf, good, numbered(99));
            accepted += verify_inclusion(n, n, leaf, good, root);
            // Too long for the size, though the arithmetic would reach this root.
            auto beyond = good;
            beyond.push_back(numbered(99));
            accepted += verify_inclusion(i, n, leaf, beyond, node_hash(numbered(99), root));
            // Too short for the size, though right for a smaller tree.
            for (std::uint64_t less = i + 1; less < n; ++less) {
                const auto of_less = inclusion_proof(i, less, tree).value();
                if (of_less.size() == good.size()) continue;
                accepted += verify_inclusion(i, n, leaf, of_less, tree.root(less));
            }
        }
    }
    CHECK(accepted == 0);
}

TEST_CASE("a node cannot be passed off as a leaf", "[base][merkle]")
{
    memory_store store;
    store.grow_to(4);
    merkle_reader tree(4, store);
    const std::vector<hash> proof = {tree.subtree(1, 1)};
    // The arithmetic agrees, in a tree of two; only the size, which is signed, and the prefixes keep it out.
    CHECK_FALSE(verify_inclusion(0, 4, tree.subtree(1, 0), proof, tree.root(4)));
    std::string node(1, '\1');
    node += as_text(store.all[0]);
    node += as_text(store.all[1]);
    CHECK(sha256(as_bytes(node)) == tree.subtree(1, 0));
    CHECK(leaf_hash(node) != tree.subtree(1, 0));
}

TEST_CASE("a forged consistency proof fails at every pair of sizes", "[base][merkle]")
{
    memory_store store;
    store.grow_to(34);
    std::size_t accepted = 0;
    for (std::uint64_t n = 1; n <= 34; ++n) {
        merkle_reader tree(n, store);
        const hash root = tree.root(n);
        for (std::uint64_t m = 1; m <= n; ++m) {
            const hash old_root = tree.root(m);
            const auto good = consistency_proof(m, n, tree).value();
            for (std::size_t at = 0; at <= good.size(); ++at) {
                auto longer = good;
                longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(at), old_root);
                accepted += verify_consistency(m, n, old_root, root, longer);
                if (at == good.size()) break;
                auto shorter = good;
                shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(at));
                accepted += verify_consistency(m, n, old_root, root, shorter);
                auto changed = good;
                changed[at][0] ^= 0x80;
                accepted += verify_consistency(m, n, old_root, root, changed);
            }
            accepted += verify_consistency(m, n, numbered(99), root, good);
            accepted += verify_consistency(m, n, old_root, numbered(99), good);
            if (m != n) accepted += verify_consistency(m, n, old_root, root, {});
            if (m != n) accepted += verify_consistency(n, m, root, old_root, good);
            auto beyond = good;
            beyond.push_back(numbered(99));
            accepted +=
                verify_consistency(m, n, node_hash(numbered(99), old_root), node_hash(numbered(99), root), beyond);
            for (std::uint64_t less = m; less < n; ++less) {
                const auto of_less = consistency_proof(m, less, tree).value();
                if (of_less.size() == good.size()) continue;
                accepted += verify_consistency(m, n, old_root, tree.root(less), of_less);
            }
        }
        accepted += verify_consistency(0, n, empty_root(), root, {});
    }
    accepted += verify_consistency(0, 0, empty_root(), empty_root(), {});
    CHECK(accepted == 0);
}

TEST_CASE("sizes above 2^63 - 1 are refused", "[base][merkle]")
{
    const hash leaf = numbered(1);
    const std::uint64_t too_big = std::uint64_t{1} << 63;
    CHECK_FALSE(verify_consistency(too_big, too_big, leaf, leaf, {}));
    CHECK(verify_consistency(tree_size_max, tree_size_max, leaf, leaf, {}));
    // The last leaf of a tree of 2^63: right in arithmetic, and still refused.
    const std::vector<hash> proof(63, leaf);
    hash root = leaf;
    for (const hash& p : proof)
        root = node_hash(p, root);
    CHECK_FALSE(verify_inclusion(too_big - 1, too_big, leaf, proof, root));
    CHECK(stops([] {
        memory_store store;
        (void)merkle_frontier::restore(std::uint64_t{1} << 63, store);
    }));
}
