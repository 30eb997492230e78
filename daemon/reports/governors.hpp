#pragma once

#include "daemon/reports/report.hpp"

namespace rollbook {

// Absence of the school and each year group in every half term of the academic year up to the last day asked about, and
// in the year so far; and how often the school did what about it. Names nobody: a group of fewer than five, and any
// count of pupils from one to four, is not told, nor what would tell it by subtraction (views/roster.hpp).
report governors(const report_question& asked);

} // namespace rollbook
