#pragma once

#include "daemon/reports/report.hpp"

namespace rollbook {

// Pupils of compulsory school age who were absent for a continuous ten school days or more (twenty sessions) with G, N,
// O or U, in a run that touches the days asked about. Any session attended, and any leave that was given, ends a run;
// what asks for no attendance (D, X, Y, Q, # and the like) neither counts nor ends it, and nor does a session outside
// compulsory school age, where the date of birth is known. Who has left the roll since is listed and said to have. Who
// otherwise fails to attend regularly is for the school to judge, and is not listed.
// Source: SI 2024/208 reg. 13 (attendance return); in force 2024-08-19. At least monthly, as agreed with the authority.
report attendance_return(const report_question& asked);

// Pupils of compulsory school age who will miss fifteen school days by illness (I) in the school year, or may: those
// whom the rule `illness` in force says so of, as of the last day asked about, or of their last one of compulsory
// school age where that lies before it in the same year.
// Source: SI 2024/208 reg. 13 (sickness return); in force 2024-08-19.
report sickness_return(const report_question& asked);

// Sessions still recorded N, with the end of the fifth school day after each, by when the reason is due.
// Source: SI 2024/208 reg. 10(7) to (9); in force 2024-08-19.
report no_reason(const report_question& asked);

// Pupils who came on roll, and who left it, in the days asked about, with the day a return is due where it is known.
// Source: SI 2024/208 reg. 13(1): by the end of the fifth day after the name was entered; a deletion when it is made.
report joiners_and_leavers(const report_question& asked);

} // namespace rollbook
