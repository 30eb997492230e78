#pragma once

#include "daemon/ports/configuration.hpp"
#include "daemon/ports/decision.hpp"
#include "daemon/ports/ledger.hpp"
#include "daemon/ports/upkeep.hpp"

namespace rollbook {

// Carries out one decision of a person: its entry and the notes that write it back, committed and signed, or nothing
// where things stand so already.
// What a decision may be, and how it fails, is in cases/decide.hpp.
//
// Settling a route fails with usage where the configuration has none of that name and nothing is left over for it.
//
// Reading a quarantined row again makes no entry: the stream's fingerprint and bookmark are forgotten, so that the next
// read of the source reads all of it. Fails with not_found for an unknown stream.
result<upkeep_report>
take_decision(ledger& book, const configuration& settings, const decision_request& request, instant now);

failure no_route(const std::string& name);

} // namespace rollbook
