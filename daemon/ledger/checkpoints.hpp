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

// Removes the checkpoints that nothing keeps: all but the last of each day (UTC) and those in checkpoint_kept.
void prune_checkpoints(SQLite::Database& database);

// The ledger's changes of key, each with its entry, in order. Throws failure_error when one cannot be read.
std::vector<std::pair<std::uint64_t, key_change>> key_changes(SQLite::Database& database);

// A stored note with the lines that witnesses added: what is handed out.
std::string with_cosignatures(SQLite::Database& database, std::uint64_t size, std::string note);

} // namespace rollbook
