#include "daemon/domain/school_age.hpp"

#include <array>

namespace rollbook {
namespace {

using namespace std::chrono;

// Source: Education (Start of Compulsory School Age) Order 1998, SI 1998/1607.
constexpr std::array prescribed_days = {March / 31, August / 31, December / 31};
constexpr int starting_age = 5;
constexpr int leaving_age = 16;

// A birthday on 29 February falls on 1 March in other years.
civil_day birthday(civil_day date_of_birth, int age)
{
    const year_month_day born(date_of_birth);
    return civil_day((born.year() + years(age)) / born.month() / born.day());
}

civil_day first_prescribed_day_from(civil_day day)
{
    const year in = year_month_day(day).year();
    for (const month_day prescribed : prescribed_days)
        if (const civil_day found(in / prescribed); found >= day) return found;
    return civil_day(in / prescribed_days.back());
}

} // namespace

day_range compulsory_school_age(civil_day date_of_birth)
{
    const year_month_day sixteenth(birthday(date_of_birth, leaving_age));
    const bool is_autumn = sixteenth.month() >= September;
    const year leaves = is_autumn ? sixteenth.year() + years(1) : sixteenth.year();
    return {first_prescribed_day_from(birthday(date_of_birth, starting_age)), civil_day(leaves / June / Friday[last])};
}

bool is_compulsory_school_age(civil_day date_of_birth, civil_day day)
{
    return compulsory_school_age(date_of_birth).contains(day);
}

} // namespace rollbook
