#pragma once

#include "daemon/base/key_chain.hpp"
#include "daemon/ports/ledger_proofs.hpp"

#include <filesystem>
#include <memory>

namespace SQLite {
class Database;
}

namespace rollbook {

// The ledger's checkpoints and proofs, read beside its writer. Fails with ledger_in_doubt.
result<std::unique_ptr<ledger_proofs>> open_proofs(const std::filesystem::path& path);

// The same on a connection that is there, which must outlive it.
std::unique_ptr<ledger_proofs> make_proofs(SQLite::Database& database);

// The writer's, on the writer's own connection, which must outlive it.
std::unique_ptr<checkpoint_book> make_checkpoint_book(SQLite::Database& database);

// SQL that removes the checkpoint before the one of size ?1, which was just stored, unless something keeps it: that of
// a day (UTC) is kept when it is the last, and those in checkpoint_kept are. Earlier ones went as theirs were stored.
inline constexpr const char* prune_checkpoint =
    "DELETE FROM checkpoint WHERE size = (SELECT max(size) FROM checkpoint WHERE size < ?1) "
    "AND at / 86400000 = (SELECT at / 86400000 FROM checkpoint WHERE size = ?1) "
    "AND size NOT IN (SELECT size FROM checkpoint_kept)";

// The ledger's changes of key, each with its entry, in order. Throws failure_error when one cannot be read.
std::vector<std::pair<std::uint64_t, key_change>> key_changes(SQLite::Database& database);

} // namespace rollbook
