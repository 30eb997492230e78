#pragma once

#include "daemon/ports/ledger_reader.hpp"

#include <filesystem>
#include <memory>

namespace rollbook {

// Opens the ledger for reading beside its writer. Fails with ledger_in_doubt.
result<std::unique_ptr<ledger_reader>> open_reader(const std::filesystem::path& path);

// Makes every projection again from the entries, in one transaction, and says how many rows differed. The caller holds
// the writer's lock. Fails with ledger_in_doubt.
result<rebuild_report> rebuild_projections(const std::filesystem::path& path);

} // namespace rollbook
