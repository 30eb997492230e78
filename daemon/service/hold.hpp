#pragma once

#include "daemon/ports/ledger.hpp"
#include "daemon/ports/upkeep.hpp"

namespace rollbook {

// Sets or ends a legal hold on a pupil: an entry, so that it is known at any instant who held what, and why. Fails with
// not_found for what is no pupil, with usage without a reason, with forbidden where a hold stands or none does.
result<upkeep_report> change_hold(ledger& book, const upkeep_request& request, instant now);

} // namespace rollbook
