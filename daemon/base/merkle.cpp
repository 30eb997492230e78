#include "daemon/base/merkle.hpp"

#include "daemon/base/sha256.hpp"

#include <algorithm>
#include <bit>
#include <string>

namespace rollbook {

namespace {

constexpr unsigned tile_height = 8; // 256 = 2^8
constexpr std::size_t kept_tiles_max = 256;

// The root of a full subtree from its 2^h hashes.
hash fold(std::span<const hash> hashes)
{
    if (hashes.size() == 1) return hashes[0];
    std::array<hash, tile_width / 2> row;
    std::size_t width = hashes.size() / 2;
    for (std::size_t i = 0; i < width; ++i)
        row[i] = node_hash(hashes[2 * i], hashes[2 * i + 1]);
    for (; width > 1; width /= 2) {
        for (std::size_t i = 0; i < width / 2; ++i)
            row[i] = node_hash(row[2 * i], row[2 * i + 1]);
    }
    return row[0];
}

// How many subtrees of 256^level leaves a tree of `size` has in full.
std::uint64_t count_at(std::uint64_t size, unsigned level)
{
    const unsigned height = level * tile_height;
    return height < 64 ? size >> height : 0;
}

// Where RFC 6962 splits n > 1 leaves: the largest power of two below n.
std::uint64_t split(std::uint64_t n)
{
    return std::bit_floor(n - 1);
}

failure wrong_size(std::string what)
{
    return failure(errc::usage, std::move(what), "Ask for an entry and sizes within the ledger's tree.");
}

} // namespace

result<merkle_frontier> merkle_frontier::restore(std::uint64_t size, hash_reader& stored)
{
    ROLLBOOK_ENSURE(size <= tree_size_max);
    merkle_frontier made;
    made.size_ = size;
    for (unsigned level = 0; count_at(size, level) != 0; ++level) {
        const std::uint64_t end = count_at(size, level);
        const std::uint64_t begin = end - end % tile_width;
        std::vector<hash>& row = made.edge_.emplace_back(static_cast<std::size_t>(end - begin));
        if (row.empty()) continue;
        if (level == 0) {
            stored.leaves(begin, row);
        } else {
            tile_hashes below;
            for (std::size_t i = 0; i < row.size(); ++i) {
                const std::uint64_t n = begin + i;
                if (level == 1) {
                    stored.leaves(n * tile_width, below);
                } else if (!stored.tile(level - 1, n, below)) {
                    return failure(
                        errc::ledger_in_doubt,
                        "tile " + std::to_string(n) + " of level " + std::to_string(level - 1) +
                            " of the ledger's tree is missing",
                        "Stop, keep the file, and restore the ledger from a backup."
                    );
                }
                row[i] = fold(below);
            }
        }
        // Cut the row into full subtrees, the largest first: these are the peaks of the tree.
        std::size_t at = 0;
        for (unsigned h = tile_height; h-- > 0;) {
            const std::size_t width = std::size_t{1} << h;
            if ((row.size() & width) == 0) continue;
            made.peaks_[level * tile_height + h] = fold(std::span(row).subspan(at, width));
            at += width;
        }
    }
    return made;
}

void merkle_frontier::append(const hash& leaf, const tile_sink& full)
{
    ROLLBOOK_ENSURE(size_ < tree_size_max);
    hash root = leaf;
    for (unsigned height = 0;; ++height) {
        // `root` is now that of a full subtree of 2^height leaves, ending with the new leaf.
        if (height % tile_height == 0) {
            const unsigned level = height / tile_height;
            if (edge_.size() <= level) edge_.emplace_back().reserve(tile_width);
            std::vector<hash>& row = edge_[level];
            row.push_back(root);
            if (row.size() == tile_width) {
                const std::uint64_t n = size_ >> (height + tile_height);
                if (level > 0 && full) full(level, n, std::span<const hash, tile_width>(row));
                row.clear();
            }
        }
        if ((size_ >> height & 1) == 0) {
            peaks_[height] = root;
            break;
        }
        root = node_hash(peaks_[height], root);
    }
    ++size_;
}

hash merkle_frontier::root() const noexcept
{
    if (size_ == 0) return empty_root();
    unsigned height = static_cast<unsigned>(std::countr_zero(size_));
    hash root = peaks_[height];
    for (++height; height < 64; ++height) {
        if (size_ >> height & 1) root = node_hash(peaks_[height], root);
    }
    return root;
}

std::span<const hash> merkle_frontier::edge(unsigned level) const noexcept
{
    return level < edge_.size() ? std::span<const hash>(edge_[level]) : std::span<const hash>();
}

merkle_reader::merkle_reader(std::uint64_t size, hash_reader& stored, const merkle_frontier* edge)
    : size_(size), stored_(stored), edge_(edge)
{
    ROLLBOOK_ENSURE(size <= tree_size_max && (edge == nullptr || size <= edge->size()));
}

// The hashes of a tile, full or (at the right edge) not. The reference holds until the next call.
const std::vector<hash>& merkle_reader::tile(unsigned level, std::uint64_t n)
{
    const auto place = std::make_pair(level, n);
    if (const auto found = kept_.find(place); found != kept_.end()) return found->second;

    const std::uint64_t begin = n * tile_width;
    const std::uint64_t there = count_at(size_, level);
    ROLLBOOK_ENSURE(begin < there);
    std::vector<hash> hashes(static_cast<std::size_t>(std::min<std::uint64_t>(there - begin, tile_width)));
    const auto from_edge = [&] {
        if (edge_ == nullptr) return false;
        const auto row = edge_->edge(level);
        const std::uint64_t edge_end = count_at(edge_->size(), level);
        if (edge_end - row.size() != begin || row.size() < hashes.size()) return false;
        std::copy_n(row.begin(), hashes.size(), hashes.begin());
        return true;
    };
    const auto from_store = [&] {
        tile_hashes read;
        if (level == 0 || !stored_.tile(level, n, read)) return false;
        std::copy_n(read.begin(), hashes.size(), hashes.begin());
        return true;
    };
    const auto from_kept_edge = [&] { return level > 0 && stored_.edge(level, n, hashes); };
    if (!from_edge() && !from_store() && !from_kept_edge()) {
        if (level == 0) {
            stored_.leaves(begin, hashes);
        } else {
            // Not full yet, so not stored: its hashes are the roots of the tiles below.
            for (std::size_t i = 0; i < hashes.size(); ++i)
                hashes[i] = fold(tile(level - 1, begin + i));
        }
    }
    if (kept_.size() >= kept_tiles_max) kept_.clear();
    return kept_.insert_or_assign(place, std::move(hashes)).first->second;
}

hash merkle_reader::subtree(unsigned height, std::uint64_t index)
{
    ROLLBOOK_ENSURE(height < 63 && index < size_ >> height);
    const unsigned level = height / tile_height;
    const unsigned rest = height % tile_height;
    const std::uint64_t first = index << rest; // in hashes of that level
    const auto& hashes = tile(level, first / tile_width);
    return fold(std::span(hashes).subspan(first % tile_width, std::size_t{1} << rest));
}

hash merkle_reader::range(std::uint64_t from, std::uint64_t to)
{
    ROLLBOOK_ENSURE(from <= to && to <= size_);
    const std::uint64_t n = to - from;
    if (n == 0) return empty_root();
    ROLLBOOK_ENSURE(from % std::bit_ceil(n) == 0);
    // Full subtrees from the left, the largest first, then joined from the right.
    std::array<hash, 64> roots;
    std::size_t count = 0;
    std::uint64_t at = from;
    for (unsigned height = 63; height-- > 0;) {
        if ((n >> height & 1) == 0) continue;
        roots[count++] = subtree(height, at >> height);
        at += std::uint64_t{1} << height;
    }
    hash root = roots[--count];
    while (count > 0)
        root = node_hash(roots[--count], root);
    return root;
}

result<std::vector<hash>> inclusion_proof(std::uint64_t index, std::uint64_t size, merkle_reader& tree)
{
    if (size > tree.size()) return wrong_size("the ledger has not reached the size the proof is asked for");
    if (index >= size) return wrong_size("the entry is not in the tree of the size the proof is asked for");
    // RFC 6962 section 2.1.1, from the root down.
    std::vector<hash> proof;
    std::uint64_t from = 0;
    std::uint64_t to = size;
    while (to - from > 1) {
        const std::uint64_t middle = from + split(to - from);
        if (index < middle) {
            proof.push_back(tree.range(middle, to));
            to = middle;
        } else {
            proof.push_back(tree.range(from, middle));
            from = middle;
        }
    }
    std::reverse(proof.begin(), proof.end());
    return proof;
}

result<std::vector<hash>> consistency_proof(std::uint64_t old_size, std::uint64_t size, merkle_reader& tree)
{
    if (size > tree.size()) return wrong_size("the ledger has not reached the size the proof is asked for");
    if (old_size == 0) return wrong_size("the empty tree begins every tree, so there is no proof from size 0");
    if (old_size > size) return wrong_size("a tree cannot begin with a larger one");
    // RFC 6962 section 2.1.2, from the root down.
    std::vector<hash> proof;
    std::uint64_t from = 0;
    std::uint64_t to = size;
    bool whole = true; // whether [from, old_size) is the old tree itself, whose root the verifier has
    while (old_size != to) {
        const std::uint64_t middle = from + split(to - from);
        if (old_size <= middle) {
            proof.push_back(tree.range(middle, to));
            to = middle;
        } else {
            proof.push_back(tree.range(from, middle));
            from = middle;
            whole = false;
        }
    }
    if (!whole) proof.push_back(tree.range(from, to));
    std::reverse(proof.begin(), proof.end());
    return proof;
}

bool verify_inclusion(
    std::uint64_t index, std::uint64_t size, const hash& leaf, std::span<const hash> proof, const hash& root
) noexcept
{
    if (size > tree_size_max || index >= size) return false;
    std::uint64_t fn = index;
    std::uint64_t sn = size - 1;
    hash r = leaf;
    for (const hash& p : proof) {
        if (sn == 0) return false;
        if ((fn & 1) != 0 || fn == sn) {
            r = node_hash(p, r);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            r = node_hash(r, p);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && r == root;
}

bool verify_consistency(
    std::uint64_t old_size, std::uint64_t size, const hash& old_root, const hash& root, std::span<const hash> proof
) noexcept
{
    if (old_size == 0 || old_size > size || size > tree_size_max) return false;
    if (old_size == size) return proof.empty() && old_root == root;
    if (proof.empty()) return false;
    hash fr = old_root;
    if (!std::has_single_bit(old_size)) {
        fr = proof.front();
        proof = proof.subspan(1);
    }
    hash sr = fr;
    std::uint64_t fn = old_size - 1;
    std::uint64_t sn = size - 1;
    while ((fn & 1) != 0) {
        fn >>= 1;
        sn >>= 1;
    }
    for (const hash& c : proof) {
        if (sn == 0) return false;
        if ((fn & 1) != 0 || fn == sn) {
            fr = node_hash(c, fr);
            sr = node_hash(c, sr);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            sr = node_hash(sr, c);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return fr == old_root && sr == root && sn == 0;
}

} // namespace rollbook
