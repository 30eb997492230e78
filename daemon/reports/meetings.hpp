#pragma once

#include "daemon/reports/report.hpp"

namespace rollbook {

// What the weekly attendance meeting talks about: alerts that opened, rose or ended since the first day asked about
// (without one, since the last meeting that is recorded, or seven days ago); actions that are due or overdue; what was
// done.
report weekly_meeting(const report_question& asked);

// Pupils for the termly meeting with the local authority: those who are persistently or severely absent over the school
// year, and those with a penalty-notice alert, with what was done. What the meeting is called is the question's.
// Source: "Working together to improve school attendance" (targeting support meetings); persistent is 10 % or more of a
// pupil's own possible sessions, severe 50 % or more.
report targeting_support(const report_question& asked);

} // namespace rollbook
