#pragma once

#include "daemon/base/time.hpp"
#include "daemon/domain/calendar.hpp"

#include <catch2/catch.hpp>

namespace rollbook {

inline civil_day on(int year, int month, int day)
{
    return civil_day(std::chrono::year(year) / month / day);
}

inline std::optional<day_range> from_to(civil_day first, civil_day last)
{
    return day_range{first, last};
}

} // namespace rollbook

namespace Catch {

template <> struct StringMaker<rollbook::civil_day> {
    static std::string convert(rollbook::civil_day day) { return rollbook::format_day(day); }
};

template <> struct StringMaker<rollbook::day_range> {
    static std::string convert(const rollbook::day_range& range)
    {
        return rollbook::format_day(range.first) + " to " + rollbook::format_day(range.last);
    }
};

template <class T> struct StringMaker<std::optional<T>> {
    static std::string convert(const std::optional<T>& value)
    {
        return value ? StringMaker<T>::convert(*value) : "nothing";
    }
};

} // namespace Catch
