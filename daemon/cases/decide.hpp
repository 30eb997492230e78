#pragma once

#include "daemon/cases/action.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/decision.hpp"
#include "daemon/ports/upkeep.hpp"

namespace rollbook {

// What a decision comes to: the entry it makes, or none where things stand so already.
struct decision_outcome {
    std::optional<draft> entry;
    upkeep_report report; // {"entry":N, "id":N, "done":"..."}; entry is null where nothing was to be done
};

// Turns a person's decision into its entry, which will have the index `next`.
//
// Deciding the same again makes nothing: of a command whose answer was lost nobody has to ask whether it was carried
// out. So does a note, or an action that is not done, which says the very same as one there is.
//
// Fails with usage, forbidden or not_found and a line on what to do. Reading the quarantine again is no entry and is
// not for here.
result<decision_outcome> decide(
    const held_state& held,
    const configuration& settings,
    const decision_request& request,
    entry_index next,
    civil_day today,
    instant now
);

} // namespace rollbook
