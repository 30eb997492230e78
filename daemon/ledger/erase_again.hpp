#pragma once

#include "daemon/ledger/backup.hpp"
#include "daemon/ledger/journal.hpp"

// Erasures carried out again in a ledger that is being made of a backup. Private to this layer.
namespace rollbook {

struct erased_again {
    std::uint64_t entries = 0;                                              // that lost their opening
    std::vector<std::pair<std::string, std::vector<entry_range>>> erasures; // legal basis and entries of each
};

// Carries out in `database`, which has the entries, openings and working tables of the backup `of` and no projections
// yet, what the journal says was erased since. What was erased is remembered as by the erasure itself, so that no
// source brings it back. Does not append the erasure entries: that is the caller's.
//
// Lines of other origins count where their entries are the backup's: by the digest of a range, and beyond the backup's
// end by the fork that the journal tells of. Fails with ledger_in_doubt where a line of the backup's own origin speaks
// of other entries than the backup has.
result<erased_again>
erase_again(SQLite::Database& database, const backup_facts& of, const std::vector<journal_line>& journal);

} // namespace rollbook
