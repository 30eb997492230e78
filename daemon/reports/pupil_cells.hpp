#pragma once

#include "daemon/reports/report.hpp"
#include "daemon/views/actions.hpp"

#include <unordered_set>

namespace rollbook {

// Columns that say whom a row is about: reference, name where the reader may have it, year and form; and their cells.
std::vector<report_column> pupil_columns(const report_question& asked);
std::vector<std::string> pupil_cells(const report_question& asked, entry_index record);

template <class T> std::vector<T> joined(std::vector<T> first, std::vector<T> then)
{
    first.insert(first.end(), std::make_move_iterator(then.begin()), std::make_move_iterator(then.end()));
    return first;
}

// What staff wrote of a pupil, or that they did.
std::string words_told(const report_question& asked, const std::string& words);
// Of an action: what was to be done, and what came of it.
std::string words_told(const report_question& asked, const case_action& of);

// On roll in the MIS, and those of `besides`, in the order of a school: year, form, name where it is shown, reference.
std::vector<const profile*> in_order(const report_question& asked, const std::unordered_set<entry_index>& besides = {});

// Sessions as days: "2.5".
std::string days_text(std::int64_t sessions);

// "absent / possible" in a hundred, cut to two decimal places: 9.99 is not 10.
std::string hundredths_text(std::int64_t part, std::int64_t whole);

} // namespace rollbook
