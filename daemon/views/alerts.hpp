#pragma once

#include "daemon/rules/alert.hpp"
#include "daemon/views/people.hpp"

#include <functional>
#include <optional>
#include <vector>

namespace rollbook {

// The alert that a version of an alert thing stands for; empty once erased. A payload that is no alert is a
// failure_error with ledger_in_doubt.
std::optional<alert> read_alert(const thing_view& version);

// The members of `alerts list --json`. `write_history`, where given, writes the value of the member "history".
void write_alert(
    json_writer& out,
    const alert& value,
    const people& everyone,
    const std::function<void(json_writer&)>& write_history = {}
);

// Every version of the alert `id`, oldest first; empty when no alert has that id.
std::vector<alert> alert_versions(const workplace& at, entry_index id);
void write_alert_history(json_writer& out, const std::vector<alert>& versions);

} // namespace rollbook
