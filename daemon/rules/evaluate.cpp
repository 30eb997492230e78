#include "daemon/rules/measures.hpp"

#include "daemon/base/error.hpp"

#include <utility>

namespace rollbook {
namespace {

std::optional<civil_day> first_counting_day(const rule_cohort& cohort, const judged_pupil& pupil)
{
    if (!cohort.compulsory_school_age || !pupil.date_of_birth) return std::nullopt;
    return compulsory_school_age(*pupil.date_of_birth).first;
}

void tell(verdict& found, measured&& made)
{
    found.value = made.value;
    found.window = made.window;
    found.evidence = std::move(made.evidence);
    found.unexplained = made.unexplained;
}

} // namespace

verdict evaluate(
    const rule& judged_by,
    const judged_pupil& pupil,
    const attendance_register& held,
    const school_calendar& calendar,
    const judged_day& judged
)
{
    ROLLBOOK_ENSURE(!judged_by.stages.empty());
    verdict found;
    found.threshold = judged_by.stages.front().at_least;
    found.fit = fit_of(judged_by.cohort, pupil, judged.as_of);
    if (found.fit != cohort_fit::inside) return found;

    const std::optional<civil_day> not_before = first_counting_day(judged_by.cohort, pupil);
    std::optional<rule_window> taken_over;
    measured taken;
    for (std::size_t i = 0; i < judged_by.stages.size(); ++i) {
        const rule_stage& stage = judged_by.stages[i];
        const rule_window& window = stage.window ? *stage.window : judged_by.window;
        // Neighbouring stages mostly share one window.
        if (taken_over != window) {
            const std::optional<day_range> days = days_of(window, calendar, judged.as_of);
            taken = days ? measure_over(judged_by.measure, {held, pupil.number, calendar, judged, *days, not_before})
                         : measured{};
            taken_over = window;
        }
        if (i == 0) found.above_clearing = taken.value >= judged_by.clearing_level();
        const bool is_met = taken.value >= stage.at_least;
        if (is_met) {
            found.stage = static_cast<int>(i);
            found.threshold = stage.at_least;
        }
        if (i == 0 || is_met) tell(found, measured(taken));
    }
    found.above_clearing = found.above_clearing || found.stage >= 0;
    return found;
}

} // namespace rollbook
