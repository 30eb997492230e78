#pragma once

#include "daemon/base/merkle.hpp"
#include "daemon/base/random.hpp"
#include "daemon/ledger/rows.hpp"
#include "daemon/ports/ledger.hpp"

#include <span>
#include <string>
#include <vector>

// Entries on their way into the file. Private to this layer.
namespace rollbook {

// What is worked out of entries before the file is touched: of each draft its key, its commitment and its leaf.
struct sealed_entries {
    entry_index first = 0;
    instant at{};
    std::vector<hash> keys;
    std::vector<hash> commitments;
    std::vector<hash> leaves;
};

// Writes entries with their openings, projection rows and the tiles they fill. The caller has a transaction open and
// keeps the tree: a copy of it undoes appends that were rolled back. One thread may seal while another one writes.
class entry_writer {
public:
    explicit entry_writer(SQLite::Database& database);
    entry_writer(const entry_writer&) = delete;
    entry_writer& operator=(const entry_writer&) = delete;
    sealed_entries seal(std::span<const draft> drafts, instant at, entry_index first);
    // Adds the entries from tree.size() on, for which they were sealed.
    void write(std::span<const draft> drafts, const sealed_entries& sealed, merkle_frontier& tree);
    void append(std::span<const draft> drafts, instant at, merkle_frontier& tree)
    {
        write(drafts, seal(drafts, at, tree.size()), tree);
    }
    void append(const draft& d, instant at, merkle_frontier& tree) { append({&d, 1}, at, tree); }

private:
    row_inserter entry_;
    row_inserter opening_;
    SQLite::Statement tile_;
    row_writer rows_;
    tile_sink sink_;
    // What sealing uses.
    commit_key_source keys_;
    std::string leaf_; // scratch
};

} // namespace rollbook
