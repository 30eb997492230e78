#pragma once

#include "daemon/reports/report.hpp"

namespace rollbook {

// Pupils on roll whose attendance in the days asked about is 97 % or more of at least twenty possible sessions: the
// half term so far, where no day is asked for. Whom the safeguarding lead marked to be handled with care is left out
// from that moment on, and nothing tells how many those are.
// Source: customary, not statutory (97 % as in schools' own policies; twenty sessions as in the Department's own
// monitoring).
report praise(const report_question& asked);

} // namespace rollbook
