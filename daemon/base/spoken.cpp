#include "daemon/base/spoken.hpp"

#include <fmt/format.h>

#include <array>

namespace rollbook {

std::string_view month_name(std::chrono::month month)
{
    static constexpr std::array<std::string_view, 12> names = {
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December"};
    return names[static_cast<unsigned>(month) - 1];
}

std::string spoken_date(civil_day day)
{
    const std::chrono::year_month_day date(day);
    return fmt::format(
        "{} {} {}", static_cast<unsigned>(date.day()), month_name(date.month()), static_cast<int>(date.year())
    );
}

std::string spoken_weekday_date(civil_day day)
{
    static constexpr std::array<std::string_view, 7> names = {
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
    return fmt::format("{} {}", names[std::chrono::weekday(day).c_encoding()], spoken_date(day));
}

} // namespace rollbook
