#pragma once

#include "daemon/domain/figures.hpp"
#include "daemon/ports/ledger_reader.hpp"

#include <functional>
#include <map>

namespace rollbook {

// What lies between two sizes of the ledger, and what it did to the figures.
struct entry_count {
    std::int64_t fresh = 0;   // first versions
    std::int64_t changed = 0; // later versions
    std::int64_t ended = 0;   // versions that say: gone, closed, resolved, withdrawn
};

// Entries [from, to) by what they are about, of the pupil records that `wants` accepts (empty: all entries). Erased
// entries are in no count.
std::map<what, entry_count> count_entries(
    const ledger_reader& reader, entry_index from, entry_index to, const std::function<bool(entry_index)>& wants
);

struct figures_change {
    figures before;
    figures after;
};

// The figures of `days` that differ between the two sizes, by person; `person_of` says whose a pupil record is.
std::map<entry_index, figures_change> changed_figures(
    const ledger_reader& reader,
    std::string_view mis,
    entry_index from,
    entry_index to,
    const day_range& days,
    const std::function<entry_index(entry_index)>& person_of
);

} // namespace rollbook
