#pragma once

#include "daemon/domain/visibility.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/ledger_reader.hpp"

#include <unordered_map>

namespace rollbook {

// Labels of entries (views/labels), by index. An entry says the same for ever, and rests on entries before it alone:
// they hold at whatever size the ledger is asked about, until something is erased, and of one configuration and reader.
using known_labels = std::unordered_map<entry_index, visibility>;

// A ledger open for reading, as asked about.
struct workplace {
    const configuration& config;
    const ledger_reader& reader;
    const time_zone& zone;
    instant now;                    // the moment asked about: known-at, or now
    entry_index n;                  // known at this size
    known_labels* labels = nullptr; // where they are kept; null: each is worked out anew
};

} // namespace rollbook
