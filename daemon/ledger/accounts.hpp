#pragma once

#include "daemon/ports/accounts.hpp"

#include <filesystem>
#include <memory>
#include <vector>

namespace rollbook {

// The accounts, for whoever holds the ledger's lock. Fails with ledger_in_doubt.
result<std::unique_ptr<account_book>> open_accounts(const std::filesystem::path& ledger);

// Every account, read-only, while the daemon may run. Fails with ledger_in_doubt.
result<std::vector<account>> list_accounts(const std::filesystem::path& ledger);

} // namespace rollbook
