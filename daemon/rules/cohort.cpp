#include "daemon/domain/year_group.hpp"
#include "daemon/rules/alert.hpp"

#include <algorithm>

namespace rollbook {
namespace {

constexpr int last_compulsory_year = 11;

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

bool has_any(const flag_set& flags, const std::vector<std::string>& named)
{
    for (std::size_t i = 0; i < known_flags.size(); ++i)
        if (flags.test(i) && std::ranges::find(named, known_flags[i]) != named.end()) return true;
    return false;
}

} // namespace

cohort_fit fit_of(const rule_cohort& cohort, const judged_pupil& pupil, civil_day day)
{
    const auto is_pupils = [year = bare_year(pupil.year)](std::string_view named) { return bare_year(named) == year; };
    if (!cohort.years.empty() && (pupil.year.empty() || std::ranges::none_of(cohort.years, is_pupils)))
        return cohort_fit::other_year;
    if (!cohort.groups.empty() && std::ranges::find(cohort.groups, pupil.group) == cohort.groups.end())
        return cohort_fit::other_year;
    if (cohort.asks_of_flags() && !(cohort.watch_list && pupil.is_watched) && !has_any(pupil.flags, cohort.flags))
        return cohort_fit::other_year;
    return cohort.compulsory_school_age && !is_of_age(pupil, day) ? cohort_fit::other_age : cohort_fit::inside;
}

bool in_cohort(const rule_cohort& cohort, const judged_pupil& pupil, civil_day day)
{
    return fit_of(cohort, pupil, day) == cohort_fit::inside;
}

} // namespace rollbook
