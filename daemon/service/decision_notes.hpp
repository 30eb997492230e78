#pragma once

#include "daemon/ports/configuration.hpp"
#include "daemon/ports/ledger.hpp"

#include <vector>

namespace rollbook {

// The notes that a person's decision comes to, which will be the entry `index`: one for each note route that takes
// decisions (`decisions = true`) and the alert's rule; a contact without an alert is for those that take every rule.
// None for what is neither.
//
// A note holds the person's own words and who they were: it goes into the pupil's record at the source, and the words
// were written for it. Its id is of the entry and the route, so that a decision is written back once.
std::vector<outbox_message> decision_notes(
    const configuration& settings, const held_state& held, const draft& decided, entry_index index, instant now
);

} // namespace rollbook
