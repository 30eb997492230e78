#include "daemon/rules/budget.hpp"

#include <algorithm>

namespace rollbook {

lower_flood
threshold_within(std::span<const value_pair> values, std::int64_t at_least, std::int64_t step, std::int64_t allowed)
{
    for (lower_flood tried{at_least + step, 0};; tried.at_least += step) {
        tried.would_open = std::ranges::count_if(values, [&](const value_pair& each) {
            return each.before < tried.at_least && each.now >= tried.at_least;
        });
        if (tried.would_open <= allowed || tried.would_open == 0) return tried;
    }
}

bool may_be_raised(const rule& judged_by)
{
    const measure_kind& kind = *find_measure(judged_by.measure);
    return !judged_by.needs_decision && !judged_by.safety && !kind.by_clock && !kind.by_source;
}

std::optional<value_pair> values_of(const rule& judged_by, const pupil_history& now)
{
    rule lowest = judged_by;
    lowest.stages.resize(1);
    const verdict today = evaluate(lowest, now);
    if (today.fit != cohort_fit::inside) return std::nullopt;
    const auto day = now.facts().calendar.school_day_back(now.judged().as_of, 1);
    if (!day || *day == now.judged().as_of) return value_pair{0, today.value};
    return value_pair{
        evaluate(lowest, now.pupil(), now.facts(), {*day, *day + std::chrono::hours(24)}).value, today.value};
}

} // namespace rollbook
