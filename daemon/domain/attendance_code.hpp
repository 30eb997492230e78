#pragma once

#include "daemon/base/time.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace rollbook {

// What a mark means for the figures.
enum class code_class : std::uint8_t {
    present,              // counts as possible and present
    approved_educational, // attending an approved educational activity: possible and present
    authorised,           // possible, absent with leave or reason
    unauthorised,         // possible, absent without
    not_required,         // leaves the denominator (D, X, Q, Y1-Y7)
    administrative,       // not a session at all (Z, #)
    unmapped,             // a code the statutory table does not hold on that day: counts in no figure
    none,                 // nothing recorded (blank, "-"): not an absence, counts in no figure
};

std::string_view name_of(code_class value);
std::optional<code_class> parse_code_class(std::string_view text);

// One dated row of the statutory table (schemas/statutory/attendance_codes.csv; tests/tidy/check_statutory.py holds the
// two together). Source: School Attendance (Pupil Registration) (England) Regulations 2024, SI 2024/208, reg. 10,
// in force 2024-08-19; earlier rows from the code lists then in force. `to` is the last day, inclusive, where the row
// has ended.
struct statutory_code {
    std::string_view code;
    std::string_view meaning;
    code_class klass;
    bool late;           // arrived late: L (present) and U (absent, on site)
    bool penalty_notice; // G, N, O, U: counts to the penalty-notice threshold (national framework, 2024-08-19)
    civil_day from;
    std::optional<civil_day> to;
};

// Every row, ordered by code and then by first day.
std::span<const statutory_code> statutory_codes();

// The row of `code` in force on `day`, or null when the law lists no such code on that day. Exact: upper case, no
// surrounding space. Not for blank or "-": see is_not_recorded().
const statutory_code* find_statutory_code(std::string_view code, civil_day day);

// True of blank, white space, "-": no mark has been entered. That is not an absence.
bool is_not_recorded(std::string_view raw);

// `raw` without the white space around it: a part of the same text.
std::string_view trimmed_code(std::string_view raw);

// A code as read, made comparable: trimmed, ASCII letters in upper case. Says nothing of whether the law lists it.
std::string normalised_code(std::string_view raw);

} // namespace rollbook
