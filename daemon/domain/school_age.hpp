#pragma once

#include "daemon/domain/calendar.hpp"

namespace rollbook {

// Compulsory school age: from the prescribed day (31 August, 31 December, 31 March) on or after the fifth birthday to
// the last Friday in June of the school year of the sixteenth, both inclusive. A school year is taken to begin on 1
// September. Source: Education Act 1996 s.8; Education (Start of Compulsory School Age) Order 1998, SI 1998/1607.
day_range compulsory_school_age(civil_day date_of_birth);
bool is_compulsory_school_age(civil_day date_of_birth, civil_day day);

} // namespace rollbook
