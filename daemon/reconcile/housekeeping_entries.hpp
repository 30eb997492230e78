#pragma once

#include "daemon/ports/ledger.hpp"

namespace rollbook {

// Rollbook was there, on a day that gave no other entry.
draft heartbeat_entry(instant at, entry_index own_index);

// The ledger's signing key changes hands; `note` is what sign_key_change() made.
draft key_entry(std::string_view note, instant at, entry_index own_index);

} // namespace rollbook
