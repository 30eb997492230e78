#pragma once

#include "daemon/base/keyed_digest.hpp"
#include "daemon/ledger/database.hpp"
#include "daemon/ports/ledger_reader.hpp"

// Private to this layer.
namespace rollbook {

// The secret that keys the digests of this ledger.
digest_key read_digest_key(SQLite::Database& database);

// Makes every projection again from the openings into fresh tables and puts them in place of the old ones, in the
// transaction that the caller has open. `compare`: count the rows that differed. Throws failure_error for a payload
// that cannot be read.
rebuild_report rebuild_tables(SQLite::Database& database, bool compare);

} // namespace rollbook
