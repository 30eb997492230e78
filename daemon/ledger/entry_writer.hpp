#pragma once

#include "daemon/base/merkle.hpp"
#include "daemon/base/random.hpp"
#include "daemon/ledger/rows.hpp"
#include "daemon/ports/ledger.hpp"

#include <span>
#include <string>

// Entries on their way into the file. Private to this layer.
namespace rollbook {

// Writes entries with their openings, projection rows and the tiles they fill. The caller has a transaction open and
// keeps the tree: a copy of it undoes appends that were rolled back.
class entry_writer {
public:
    explicit entry_writer(SQLite::Database& database);
    entry_writer(const entry_writer&) = delete;
    entry_writer& operator=(const entry_writer&) = delete;
    // Adds the entries from tree.size() on.
    void append(std::span<const draft> drafts, instant at, merkle_frontier& tree);
    void append(const draft& d, instant at, merkle_frontier& tree) { append({&d, 1}, at, tree); }

private:
    void append_some(std::span<const draft> drafts, instant at, merkle_frontier& tree);

    row_inserter entry_;
    row_inserter opening_;
    SQLite::Statement tile_;
    row_writer rows_;
    commit_key_source keys_;
    tile_sink sink_;
    std::string leaf_; // scratch
};

} // namespace rollbook
