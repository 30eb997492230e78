#pragma once

#include "daemon/domain/retention.hpp"
#include "daemon/ports/upkeep.hpp"

#include <filesystem>

namespace SQLite {
class Database;
}

namespace rollbook {

// What an erasure is told of its surroundings.
struct erasure_place {
    std::filesystem::path ledger;
    std::filesystem::path journal_folder; // the backup target; empty: no backups are made
    std::string origin;                   // of the ledger, for the journal
    retention_clocks clocks;
    civil_day today{}; // the school's own
    instant now{};
    std::optional<std::chrono::milliseconds> copies_kept; // how long a backup stays at the most
    std::chrono::milliseconds reader_wait{std::chrono::seconds(30)};
};

// Erases one person (kind::erase) or everything past its maximum (kind::retention), or says in a dry run what would go:
// the recipe of schemas/erasure.md. One transaction removes the openings, appends the erasure entries and makes the
// projections again; then the write-ahead log is emptied and every file of the ledger's folder is searched for what
// must be gone. A kill before the transaction leaves everything, a kill after it is finished when the ledger is next
// opened for writing.
//
// The caller holds the writer's lock, has no statement of its own under way, and calls ledger::reload() and
// sign_checkpoint() after it. Fails with forbidden (a hold, a source that still lists the pupil, a minimum period, a
// reader that does not end within 30 s), not_found, usage, or ledger_in_doubt.
result<upkeep_report> erase(const erasure_place& place, const upkeep_request& request, const upkeep_progress& progress);

// Empties the write-ahead log after an erasure that a kill cut short. For open_ledger(), which has `database` open.
void finish_erasure(const std::filesystem::path& ledger, SQLite::Database& database);

} // namespace rollbook
