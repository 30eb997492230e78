#include "daemon/ledger/entry_writer.hpp"

#include "daemon/base/sha256.hpp"

#include <algorithm>
#include <array>

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

void entry_writer::append(std::span<const draft> drafts, instant at, merkle_frontier& tree)
{
    while (!drafts.empty()) {
        const std::size_t some = std::min(drafts.size(), row_inserter::at_once);
        append_some(drafts.first(some), at, tree);
        drafts = drafts.subspan(some);
    }
}

void entry_writer::append_some(std::span<const draft> drafts, instant at, merkle_frontier& tree)
{
    const entry_index first = tree.size();
    std::array<hash, row_inserter::at_once> keys;
    std::array<hash, row_inserter::at_once> committed;
    for (std::size_t i = 0; i < drafts.size(); ++i) {
        keys[i] = keys_.next();
        committed[i] = commitment(keys[i], drafts[i].payload);
        leaf_.clear();
        append_leaf(leaf_, first + i, drafts[i].kind, at, committed[i]);
        tree.append(leaf_hash(leaf_), sink_);
    }
    entry_.insert(drafts.size(), [&](SQLite::Statement& row, int column, std::size_t i) {
        row.bind(column, static_cast<std::int64_t>(first + i));
        row.bind(column + 1, static_cast<int>(drafts[i].kind));
        row.bind(column + 2, to_milliseconds(at));
        row.bindNoCopy(column + 3, committed[i].data(), static_cast<int>(committed[i].size()));
    });
    opening_.insert(drafts.size(), [&](SQLite::Statement& row, int column, std::size_t i) {
        row.bind(column, static_cast<std::int64_t>(first + i));
        row.bindNoCopy(column + 1, keys[i].data(), static_cast<int>(keys[i].size()));
        row.bindNoCopy(column + 2, drafts[i].payload.data(), static_cast<int>(drafts[i].payload.size()));
    });
    rows_.write(first, drafts.size(), [&](std::size_t i) -> const version& { return drafts[i].row; });
}

} // namespace rollbook
