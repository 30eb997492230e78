#pragma once

#include "daemon/ports/ledger_reader.hpp"

#include <filesystem>
#include <memory>

namespace rollbook {

// Opens the ledger for reading beside its writer. One that stays open, as the pages' does, keeps every mark in memory
// from the first question about days on (kept_marks.hpp), and lets go of them after an erasure; a rebuild that mended
// rows it sees when it is opened again. Fails with ledger_in_doubt.
result<std::unique_ptr<ledger_reader>> open_reader(const std::filesystem::path& path, bool stays_open = false);

// Makes every projection again from the entries, in one transaction, and says how many rows differed. The caller holds
// the writer's lock. Fails with ledger_in_doubt.
result<rebuild_report> rebuild_projections(const std::filesystem::path& path);

} // namespace rollbook
