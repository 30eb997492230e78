#pragma once

#include "daemon/reports/report.hpp"

namespace rollbook {

// Every source and kind of record over the days asked about: how many reads, what came of the rows, and how many reads
// did not balance. Nothing about any pupil.
report reconciliation(const report_question& asked);

// What Rollbook reads, from where, for what, who may see it and how long it is kept, from the configuration in force:
// the part of the record of processing (UK GDPR Art. 30) that Rollbook knows.
report processing(const report_question& asked);

// Who was shown which pupil, or took what list away, on the days asked about; of one pupil where one is asked about.
report who_saw_what(const report_question& asked);

// What was sent to whom about which pupil, as its receiver's receipt says. Nothing of the messages' text.
report what_was_sent(const report_question& asked);

} // namespace rollbook
