#pragma once

#include "daemon/reports/report.hpp"

namespace rollbook {

// Suspensions that began in the days asked about: what was lost, what the register holds as E, and the running totals
// of the term and the school year with what they ask of the school. Totals are those of the measure `suspended_days`.
// Sources: SI 2012/1033 (over 5 and over 15 days in a term, which ends on 31 December, Easter Monday or 31 July; 45 in
// a school year), SI 2023/571 (cancelled ones).
report suspensions(const report_question& asked);

// Incidents with force, restraint or seclusion, by the words the school's findings look for, and whether the parents
// were told.
// Source: Schools (Recording and Reporting of Seclusion and Restraint) (No. 2) (England) Regulations 2025; in force
// 2026-04-01: recorded in writing and reported to parents no later than the same day.
report restrictive_interventions(const report_question& asked);

} // namespace rollbook
