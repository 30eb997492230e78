#pragma once

#include "daemon/base/bytes.hpp"
#include "daemon/base/error.hpp"

#include <array>
#include <functional>
#include <map>
#include <span>
#include <utility>
#include <vector>

// The RFC 6962 tree over the ledger's entries, and its proofs. A tree is a list of leaf hashes; sizes and indexes are
// at most 2^63 - 1.
//
// Full subtrees are kept as C2SP tiles: tile (level, n) is 256 hashes, each the root of a full subtree of 256^level
// leaves, the first of them subtree number 256 n. Tiles of level 1 and up are stored; leaf hashes (level 0) are made
// again from the entries.
namespace rollbook {

inline constexpr std::uint64_t tree_size_max = (std::uint64_t{1} << 63) - 1;
inline constexpr std::size_t tile_width = 256;
using tile_hashes = std::array<hash, tile_width>;

// Takes a tile at the moment it is full. Level is 1 or more.
using tile_sink = std::function<void(unsigned level, std::uint64_t n, std::span<const hash, tile_width> hashes)>;

// Where the tree's stored hashes come from. What fails below (the database) passes through as an exception.
class hash_reader {
public:
    virtual ~hash_reader() = default;
    // Puts the leaf hashes [from, from + out.size()) into `out`.
    virtual void leaves(std::uint64_t from, std::span<hash> out) = 0;
    // Puts full tile (level, n), level 1 or more, into `out`; false when no such tile is stored.
    virtual bool tile(unsigned level, std::uint64_t n, tile_hashes& out) = 0;
    // Puts the first out.size() hashes of tile (level, n), level 1 or more, that is not full yet into `out`; false when
    // they are not kept.
    virtual bool edge(unsigned, std::uint64_t, std::span<hash>) { return false; }
};

// The right edge of a growing tree: enough to append and to know the root. A plain value: keep a copy to undo appends
// that were rolled back.
class merkle_frontier {
public:
    merkle_frontier() = default;

    // The frontier of a tree of `size` leaves, from its stored tiles and at most 65,535 of its last leaves. Fails with
    // ledger_in_doubt when a full tile is missing. Does not check the tiles: compare root() with a signed checkpoint.
    // What is kept of tiles that are not full is not used: the entries at the end are read themselves.
    static result<merkle_frontier> restore(std::uint64_t size, hash_reader& stored);

    // Adds one leaf. Every tile that becomes full is handed to `full`, which may be empty.
    void append(const hash& leaf, const tile_sink& full);

    std::uint64_t size() const noexcept { return size_; }
    hash root() const noexcept;

    // The hashes of the tile of that level that is not yet full, at most 255: roots of subtrees of 256^level leaves.
    std::span<const hash> edge(unsigned level) const noexcept;

private:
    std::uint64_t size_ = 0;
    // By height: the root of the full subtree of 2^height leaves that ends the tree's prefix, where that bit of size_
    // is set.
    std::array<hash, 64> peaks_{};
    std::vector<std::vector<hash>> edge_; // by level
};

// Reads any full subtree of a tree of fixed size, and any root of it up to that size. Keeps what it has read, at most
// 256 tiles.
class merkle_reader {
public:
    // `edge`, where given, is a frontier of `size` or more leaves of the same tree. Without one, and beyond what
    // `stored` keeps of tiles that are not full, up to 65,535 leaves are read again. Both must outlive this.
    merkle_reader(std::uint64_t size, hash_reader& stored, const merkle_frontier* edge = nullptr);

    std::uint64_t size() const noexcept { return size_; }
    // The root of the full subtree [index * 2^height, (index + 1) * 2^height), which must lie inside the tree.
    hash subtree(unsigned height, std::uint64_t index);
    // The root of the leaves [from, to) taken as a tree of their own. `from` must be a multiple of the smallest power
    // of two that is not below to - from, as all ranges in proofs are.
    hash range(std::uint64_t from, std::uint64_t to);
    // The root the tree had at `size` leaves.
    hash root(std::uint64_t size) { return range(0, size); }

private:
    hash at(unsigned level, std::uint64_t index);
    const std::vector<hash>& tile(unsigned level, std::uint64_t n);

    std::uint64_t size_;
    hash_reader& stored_;
    const merkle_frontier* edge_;
    std::map<std::pair<unsigned, std::uint64_t>, std::vector<hash>> kept_;
};

// The proof that leaf `index` is in the tree of `size` leaves, the leaf's sibling first. Fails with usage unless
// index < size <= tree.size().
result<std::vector<hash>> inclusion_proof(std::uint64_t index, std::uint64_t size, merkle_reader& tree);

// The proof that the tree of `old_size` leaves is the beginning of the tree of `size` leaves; empty when they are the
// same. Fails with usage unless 0 < old_size <= size <= tree.size(): the empty tree begins every tree and proves
// nothing.
result<std::vector<hash>> consistency_proof(std::uint64_t old_size, std::uint64_t size, merkle_reader& tree);

// RFC 9162 section 2.1.3.2. A proof that is too long or too short fails as a wrong one does.
bool verify_inclusion(
    std::uint64_t index, std::uint64_t size, const hash& leaf, std::span<const hash> proof, const hash& root
) noexcept;

// RFC 9162 section 2.1.4.2. False for old_size 0.
bool verify_consistency(
    std::uint64_t old_size, std::uint64_t size, const hash& old_root, const hash& root, std::span<const hash> proof
) noexcept;

} // namespace rollbook
