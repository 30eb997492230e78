#include "daemon/ledger/entry_writer.hpp"

#include "daemon/base/error.hpp"
#include "daemon/base/sha256.hpp"

namespace rollbook {

entry_writer::entry_writer(SQLite::Database& database)
    : entry_(database, "entry (idx, kind, recorded_at, commitment)", 4),
      opening_(database, "opening (idx, commit_key, payload)", 3),
      tile_(database, "INSERT INTO tile (level, n, hashes) VALUES (?, ?, ?)"), rows_(database, "mark", "thing"),
      sink_([this](unsigned level, std::uint64_t n, std::span<const hash, tile_width> hashes) {
          tile_.bind(1, static_cast<std::int64_t>(level));
          tile_.bind(2, static_cast<std::int64_t>(n));
          tile_.bindNoCopy(3, hashes.data(), static_cast<int>(hashes.size_bytes()));
          run(tile_);
      })
{
}

sealed_entries entry_writer::seal(std::span<const draft> drafts, instant at, entry_index first)
{
    sealed_entries sealed{first, at, {}, {}, {}};
    sealed.keys.reserve(drafts.size());
    sealed.commitments.reserve(drafts.size());
    sealed.leaves.reserve(drafts.size());
    for (const draft& each : drafts) {
        sealed.keys.push_back(keys_.next());
        sealed.commitments.push_back(commitment(sealed.keys.back(), each.payload));
        leaf_.clear();
        append_leaf(leaf_, first + sealed.leaves.size(), each.kind, at, sealed.commitments.back());
        sealed.leaves.push_back(leaf_hash(leaf_));
    }
    return sealed;
}

void entry_writer::write(std::span<const draft> drafts, const sealed_entries& sealed, merkle_frontier& tree)
{
    const entry_index first = tree.size();
    ROLLBOOK_ENSURE(sealed.first == first && sealed.leaves.size() == drafts.size());
    for (const hash& leaf : sealed.leaves)
        tree.append(leaf, sink_);
    entry_.insert(drafts.size(), [&](SQLite::Statement& row, int column, std::size_t i) {
        row.bind(column, static_cast<std::int64_t>(first + i));
        row.bind(column + 1, static_cast<int>(drafts[i].kind));
        row.bind(column + 2, to_milliseconds(sealed.at));
        row.bindNoCopy(column + 3, sealed.commitments[i].data(), static_cast<int>(sealed.commitments[i].size()));
    });
    opening_.insert(drafts.size(), [&](SQLite::Statement& row, int column, std::size_t i) {
        row.bind(column, static_cast<std::int64_t>(first + i));
        row.bindNoCopy(column + 1, sealed.keys[i].data(), static_cast<int>(sealed.keys[i].size()));
        row.bindNoCopy(column + 2, drafts[i].payload.data(), static_cast<int>(drafts[i].payload.size()));
    });
    rows_.write(first, drafts.size(), [&](std::size_t i) -> const version& { return drafts[i].row; });
}

} // namespace rollbook
