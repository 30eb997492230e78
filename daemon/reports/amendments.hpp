#pragma once

#include "daemon/reports/report.hpp"

namespace rollbook {

// Changes of session marks that Rollbook recorded on the days asked about: the original entry and the amended one, when
// it was learned, and reason, date, name and position where the source gives them.
//
// A session whose first version had nothing recorded is no amendment when its register is taken. A change of nothing
// but comment or taker is none either.
//
// Source: School Attendance (Pupil Registration) (England) Regulations 2024, SI 2024/208, in force 2024-08-19, and
// "Working together to improve school attendance" (statutory guidance): a corrected register shows the original entry,
// the amended entry, the reason, the date, and name and position of who made it.
report amendments(const report_question& asked);

} // namespace rollbook
