#pragma once

#include "daemon/domain/calendar.hpp"
#include "daemon/domain/register.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace rollbook {

// What a standing alert's value has become though no version of it was made: nothing changed that counts, as when the
// possible sessions grow behind a share. Kept beside the ledger, from which it can be worked out again; the newest of
// an alert holds until the alert's next version.
struct alert_value {
    entry_index alert = no_entry;
    entry_index size = 0; // of the ledger when it became so: known from that size on
    std::int64_t value = 0;
    std::optional<std::int64_t> absent, possible; // of a share
    day_range window{};
    std::string reason;
};

} // namespace rollbook
