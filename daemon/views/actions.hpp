#pragma once

#include "daemon/base/canonical_json.hpp"
#include "daemon/cases/action.hpp"
#include "daemon/cases/penalty.hpp"
#include "daemon/views/workplace.hpp"

#include <vector>

namespace rollbook {

// Every action of ours that stands at the size asked about, in order of id.
std::vector<case_action> actions_at(const workplace& at);

// Those about one pupil's record, in no order.
std::vector<case_action> actions_of(const workplace& at, entry_index pupil);

// Calls and visits of that day that were made, by whom and about what alert so ever; the oldest first.
std::vector<case_action> contacts_on(const workplace& at, civil_day day);

// The members of an action in `alerts show --json` and `pupil --json`.
void write_action(json_writer& out, const case_action& action, bool with_words = true);

} // namespace rollbook
