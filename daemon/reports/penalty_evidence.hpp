#pragma once

#include "daemon/reports/report.hpp"

namespace rollbook {

// What a school sends with a referral for a penalty notice about one pupil: each session that counts, as the rule
// `penalty-notice` in force counts it on the last day asked about, or on the pupil's last one of compulsory school age
// before it, with its ledger entry and whether a signed checkpoint proves it, whether a decision was made on it
// already, and what was done before. Of a pupil whom the rule is not about no count is given. Source: Education
// (Penalty Notices) (England) (Amendment) Regulations 2024, SI 2024/210, and the national framework in "Working
// together to improve school attendance"; in force 2024-08-19.
report penalty_evidence(const report_question& asked);

} // namespace rollbook
