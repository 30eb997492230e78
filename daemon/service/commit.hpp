#pragma once

#include "daemon/ports/ledger.hpp"

namespace rollbook {

// Commits a transaction, then takes its entries into the held state. Throws failure_error, as ledger::commit does; the
// state is then as it was.
void commit_and_apply(ledger& book, const transaction& t, instant now);

} // namespace rollbook
