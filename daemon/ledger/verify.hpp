#pragma once

#include "daemon/ledger/database.hpp"
#include "daemon/ports/ledger_reader.hpp"

namespace rollbook {

// The whole proof of the outside contract's section "Verification", in short read transactions.
verify_report verify_ledger(SQLite::Database& database, const verify_options& options);

} // namespace rollbook
