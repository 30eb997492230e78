#pragma once

#include "daemon/reconcile/finding_kinds.hpp"

namespace rollbook {

// The pupil's suspensions as sessions, by first session; what has no first day or is gone is left out. Without a last
// day the sessions lost say where it ends, and without those it is sure for five school days and stays open.
std::vector<suspended> suspensions_of(const finding_context& in, entry_index pupil);

} // namespace rollbook
