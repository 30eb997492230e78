#include "daemon/domain/retention.hpp"

namespace rollbook {

civil_day add_years(civil_day day, int years)
{
    const std::chrono::year_month_day was(day);
    const std::chrono::year_month_day then = was + std::chrono::years(years);
    return then.ok() ? civil_day(then) : civil_day(then.year() / std::chrono::March / 1);
}

civil_day may_go_on(const retention_clock& clock, civil_day from)
{
    return add_years(from, clock.at_least_years);
}

std::optional<civil_day> must_go_on(const retention_clock& clock, civil_day from)
{
    if (!clock.at_most_years) return std::nullopt;
    return add_years(from, *clock.at_most_years);
}

} // namespace rollbook
