#pragma once

#include "daemon/base/canonical_json.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/ledger_reader.hpp"

#include <vector>

// What a verification is given and says, wherever it is asked for.
namespace rollbook {

// The keys of the school's witnesses, whose stored signatures must verify. Those that cannot be read are left out: the
// configuration is refused for them.
std::vector<verifier_key> witness_keys(const configuration& settings);

// A member `problems`: an array of {index, what}.
void write_problems(json_writer& out, const std::vector<verify_problem>& problems);

} // namespace rollbook
