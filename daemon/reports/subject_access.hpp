#pragma once

#include "daemon/reports/report.hpp"

namespace rollbook {

// All that the ledger holds about one person, as it is handed to them: other people's names are taken out of texts, and
// the last table says what is withheld, how often and why. Somebody reads it before it is handed over: who is spoken of
// without a name no program finds.
//
// Source: UK GDPR art. 15, in particular 15(4); Data Protection Act 2018, Schedule 2 paragraph 16 (others' rights) and
// Schedule 3 (serious harm), in force 2018-05-25.
report subject_access(const report_question& asked);

} // namespace rollbook
