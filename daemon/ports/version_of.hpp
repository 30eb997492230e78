#pragma once

#include "daemon/ports/ledger_reader.hpp"

namespace rollbook {

// A thing as its entry says it; without the digest, which only its writer compares.
thing_version version_of(const thing_view& each);

} // namespace rollbook
