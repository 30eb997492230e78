#include "daemon/rules/alert.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

using namespace std::chrono;

// Source: Education (Start of Compulsory School Age) Order 1998, SI 1998/1607.
constexpr std::array prescribed_days = {March / 31, August / 31, December / 31};
constexpr int starting_age = 5;
constexpr int leaving_age = 16;
constexpr int last_compulsory_year = 11;

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

char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// "7" of "7", "07", "Y7", "Yr 7" and "Year 7"; anything else as it is.
std::string_view bare_year(std::string_view text)
{
    const std::string_view whole = text;
    for (const std::string_view word : {"year", "yr", "y"}) {
        const bool is_there =
            text.size() > word.size() && std::ranges::equal(text.substr(0, word.size()), word, {}, lower);
        if (!is_there) continue;
        text.remove_prefix(word.size());
        break;
    }
    while (text.size() > 1 && (text.front() == ' ' || text.front() == '0'))
        text.remove_prefix(1);
    const bool is_number = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    return is_number ? text : whole;
}

bool is_after_compulsory_years(std::string_view year)
{
    const std::string_view bare = bare_year(year);
    if (bare.size() != 2 || bare[0] < '0' || bare[0] > '9' || bare[1] < '0' || bare[1] > '9') return false;
    return (bare[0] - '0') * 10 + (bare[1] - '0') > last_compulsory_year;
}

bool is_of_age(const judged_pupil& pupil, civil_day day)
{
    if (pupil.date_of_birth) return is_compulsory_school_age(*pupil.date_of_birth, day);
    return !is_after_compulsory_years(pupil.year);
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

cohort_fit fit_of(const rule_cohort& cohort, const judged_pupil& pupil, civil_day day)
{
    const auto is_pupils = [year = bare_year(pupil.year)](std::string_view named) { return bare_year(named) == year; };
    if (!cohort.years.empty() && (pupil.year.empty() || std::ranges::none_of(cohort.years, is_pupils)))
        return cohort_fit::other_year;
    return cohort.compulsory_school_age && !is_of_age(pupil, day) ? cohort_fit::other_age : cohort_fit::inside;
}

bool in_cohort(const rule_cohort& cohort, const judged_pupil& pupil, civil_day day)
{
    return fit_of(cohort, pupil, day) == cohort_fit::inside;
}

} // namespace rollbook
