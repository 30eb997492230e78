#pragma once

#include "daemon/base/time.hpp"

#include <string>
#include <string_view>

namespace rollbook {

// Days as people read them, in British English.
std::string_view month_name(std::chrono::month month);
std::string spoken_date(civil_day day);         // "20 November 2026"
std::string spoken_weekday_date(civil_day day); // "Friday 20 November 2026"

} // namespace rollbook
