#pragma once

#include "daemon/ports/configuration.hpp"
#include "daemon/ports/ledger_reader.hpp"

namespace rollbook {

// A ledger open for reading, as asked about.
struct workplace {
    const configuration& config;
    const ledger_reader& reader;
    const time_zone& zone;
    instant now;   // the moment asked about: known-at, or now
    entry_index n; // known at this size
};

} // namespace rollbook
