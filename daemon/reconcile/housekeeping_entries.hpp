#pragma once

#include "daemon/ports/ledger.hpp"

namespace rollbook {

// Rollbook was there, on a day that gave no other entry.
draft heartbeat_entry(instant at, entry_index own_index);

} // namespace rollbook
