#pragma once

#include "daemon/views/workplace.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rollbook {

class json_writer;

// The members of `statement --json`; how records went that are no longer read, only where some did.
void write_statement(json_writer& out, const statement_row& row);

// The last try succeeded.
bool is_ok(const source_state& state);
// How every configured source stands; one that was never read has a state without times.
std::vector<std::pair<const source_configuration*, source_state>> states_of(const workplace& at);
// The members of a source in `status --json`.
void write_source(json_writer& out, const source_state& state, instant now);

// Alerts that have not ended.
std::int64_t alerts_open(const workplace& at);

// That more alerts were opened on the school day asked about than [rules] alert_budget: how many, and what would have
// kept within it, in words. Empty on any other day.
struct budget_passed {
    std::int64_t budget = 0;
    std::int64_t opened = 0;
    std::string advice;
};
std::optional<budget_passed> budget_passed_on(const workplace& at, civil_day day);
// The members of "over_budget" in `status --json` and the model of the page of today.
void write_over_budget(json_writer& out, const std::optional<budget_passed>& passed);

// Whether a row of a statement balances: "yes" or "NO"; "not read: switched off" where it was not read.
std::string balance_text(const statement_row& row);

} // namespace rollbook
