#pragma once

#include "daemon/base/merkle.hpp"
#include "daemon/base/random.hpp"
#include "daemon/ledger/rows.hpp"
#include "daemon/ports/ledger.hpp"

// Entries on their way into the file. Private to this layer.
namespace rollbook {

// Writes entries with their openings, projection rows and the tiles they fill. The caller has a transaction open and
// keeps the tree: a copy of it undoes appends that were rolled back.
class entry_writer {
public:
    explicit entry_writer(SQLite::Database& database);
    entry_writer(const entry_writer&) = delete;
    entry_writer& operator=(const entry_writer&) = delete;
    // Adds the entry at tree.size().
    void append(const draft& d, instant at, merkle_frontier& tree);

private:
    SQLite::Statement entry_;
    SQLite::Statement opening_;
    SQLite::Statement tile_;
    row_writer rows_;
    commit_key_source keys_;
    tile_sink sink_;
    std::string leaf_; // scratch
};

} // namespace rollbook
