#pragma once

#include "daemon/reports/report.hpp"

namespace rollbook {

// One pupil's sessions that are no plain presence, alerts, actions, incidents and concerns, over the days asked about
// (without them, the academic year): what the reader may see of them. A mark whose code the law does not list is in it.
report case_file(const report_question& asked);

} // namespace rollbook
