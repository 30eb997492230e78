#pragma once

#include "daemon/views/workplace.hpp"

#include <cstdint>
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

// Whether a row of a statement balances: "yes" or "NO"; "not read: switched off" where it was not read.
std::string balance_text(const statement_row& row);

} // namespace rollbook
