#include "daemon/ledger/entry_writer.hpp"

#include "daemon/base/sha256.hpp"

namespace rollbook {

entry_writer::entry_writer(SQLite::Database& database)
    : entry_(database, "INSERT INTO entry (idx, kind, recorded_at, commitment) VALUES (?, ?, ?, ?)"),
      opening_(database, "INSERT INTO opening (idx, commit_key, payload) VALUES (?, ?, ?)"),
      tile_(database, "INSERT INTO tile (level, n, hashes) VALUES (?, ?, ?)"), rows_(database, "mark", "thing"),
      sink_([this](unsigned level, std::uint64_t n, std::span<const hash, tile_width> hashes) {
          tile_.bind(1, static_cast<std::int64_t>(level));
          tile_.bind(2, static_cast<std::int64_t>(n));
          tile_.bindNoCopy(3, hashes.data(), static_cast<int>(hashes.size_bytes()));
          run(tile_);
      })
{
}

void entry_writer::append(const draft& d, instant at, merkle_frontier& tree)
{
    const entry_index index = tree.size();
    const hash key = keys_.next();
    const hash committed = commitment(key, d.payload);
    leaf_.clear();
    append_leaf(leaf_, index, d.kind, at, committed);
    tree.append(leaf_hash(leaf_), sink_);

    entry_.bind(1, static_cast<std::int64_t>(index));
    entry_.bind(2, static_cast<int>(d.kind));
    entry_.bind(3, to_milliseconds(at));
    entry_.bindNoCopy(4, committed.data(), static_cast<int>(committed.size()));
    run(entry_);
    opening_.bind(1, static_cast<std::int64_t>(index));
    opening_.bindNoCopy(2, key.data(), static_cast<int>(key.size()));
    opening_.bindNoCopy(3, d.payload.data(), static_cast<int>(d.payload.size()));
    run(opening_);
    rows_.write(index, d.row);
}

} // namespace rollbook
