#pragma once

#include "daemon/domain/what.hpp"
#include "daemon/ledger/database.hpp"
#include "daemon/ports/upkeep.hpp"

// The erasure journal beside the backups: which entries were erased, so that a restored backup loses them too before
// anybody reads it, and does not read them again. Indexes and digests only. Format: schemas/backup.md. Private to this
// layer.
namespace rollbook {

// Of one erasure entry, of what is to be known again, or of a fork.
struct journal_line {
    std::string origin;    // of the ledger it speaks of
    entry_index entry = 0; // the erasure or fork entry
    std::string basis;     // its legal basis
    std::vector<entry_range> ranges;
    std::vector<std::string> digests; // of each range's leaves, hexadecimal
    // Keyed digests (erased_key) of what must not come back. The ledger has them since `entry` at the latest, so that a
    // copy with that entry holds them itself.
    std::vector<std::uint64_t> erased;
    std::string forked_from; // the origin of which the entries before `entry` are

    bool operator==(const journal_line&) const = default;
};

std::filesystem::path journal_file(const std::filesystem::path& folder);

// Adds what the journal does not have yet of the ledger's erasures and forks, durably. Fails with ledger_in_doubt when
// the folder cannot be written.
result<void> sync_journal(SQLite::Database& database, const std::filesystem::path& folder, const std::string& origin);

// The journal's lines; none when there is no journal. Fails with ledger_in_doubt when it or a line cannot be read.
result<std::vector<journal_line>> read_journal(const std::filesystem::path& folder);

// The digest of the leaves [first, last].
std::string range_digest(stored_hashes& stored, entry_range range);

// Adds to a file of lines, in the place of one that was not written to its end, and syncs it. Fails with
// ledger_in_doubt.
result<void> append_durably(const std::filesystem::path& file, std::string_view text);

// A file that lies beside the backups, whole; empty where there is none. Fails with ledger_in_doubt for one that is
// there and cannot be read to its end: what it says must not be taken for nothing.
result<std::string> read_if_there(const std::filesystem::path& file);

// That a file in the target cannot be read or written, by errno.
failure cannot_read(const std::filesystem::path& file, int why);
failure cannot_write(const std::filesystem::path& file, int why);

} // namespace rollbook
