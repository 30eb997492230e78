#include "daemon/rules/measures.hpp"

#include "daemon/base/error.hpp"
#include "daemon/rules/reason.hpp"

#include <cstdint>

namespace rollbook {
namespace {

std::optional<civil_day> first_counting_day(const rule_cohort& cohort, const judged_pupil& pupil)
{
    if (!cohort.compulsory_school_age || !pupil.date_of_birth) return std::nullopt;
    return compulsory_school_age(*pupil.date_of_birth).first;
}

void tell(verdict& found, const measured& made)
{
    found.value = made.value;
    found.window = made.window;
    found.evidence = made.evidence;
    found.unexplained = made.unexplained;
    found.parts = made.parts;
    found.detail = made.detail;
}

// What the value would be at the end of the academic year if it went on as so far, cut to a whole number.
std::int64_t carried_on(std::int64_t value, const school_calendar& calendar, civil_day as_of)
{
    const civil_day start = school_calendar::academic_year_start(as_of);
    const civil_day before = start - std::chrono::days(1);
    const civil_day next = school_calendar::academic_year_start(start + std::chrono::days(366));
    const std::int64_t so_far = calendar.school_days_between(before, as_of);
    const std::int64_t in_all = calendar.school_days_between(before, next - std::chrono::days(1));
    return so_far == 0 ? 0 : value * in_all / so_far;
}

} // namespace

std::optional<civil_day> first_day_of_windows(const rule& by, const school_calendar& calendar, civil_day as_of)
{
    std::optional<civil_day> first;
    for (const rule_stage& stage : by.stages)
        if (const auto days = days_of(by.window_of(stage), calendar, as_of))
            first = std::min(first.value_or(days->first), days->first);
    return first;
}

verdict evaluate(const rule& judged_by, const pupil_history& history)
{
    ROLLBOOK_ENSURE(!judged_by.stages.empty());
    const civil_day as_of = history.judged().as_of;
    const school_calendar& calendar = history.facts().calendar;
    verdict found;
    found.threshold = judged_by.stages.front().at_least;
    found.fit = fit_of(judged_by.cohort, history.pupil(), as_of);
    if (found.fit != cohort_fit::inside) return found;

    const std::optional<civil_day> not_before = first_counting_day(judged_by.cohort, history.pupil());
    std::optional<rule_window> taken_over;
    measured taken;
    bool waits = false;
    for (std::size_t i = 0; i < judged_by.stages.size(); ++i) {
        const rule_stage& stage = judged_by.stages[i];
        const rule_window& window = judged_by.window_of(stage);
        // Neighbouring stages mostly share one window.
        if (taken_over != window) {
            const std::optional<day_range> days = days_of(window, calendar, as_of);
            taken = {};
            taken.is_enough = days.has_value();
            if (days)
                taken = measure_over(
                    judged_by.measure,
                    {history, *days, window, not_before, judged_by.min_possible, judged_by.when_unknown}
                );
            taken_over = window;
        }
        waits = waits || taken.may_fall_by > 0 || taken.may_rise_by > 0;
        const std::int64_t sure = taken.value - taken.may_fall_by;
        const std::int64_t at_most = taken.value + taken.may_rise_by;
        if (i == 0) found.above_clearing = taken.is_enough && at_most >= judged_by.clearing_level();
        const bool is_predicted = stage.predict && i > 0 && found.stage == static_cast<int>(i) - 1 &&
                                  taken.value < stage.at_least &&
                                  carried_on(taken.value, calendar, as_of) >= stage.at_least;
        const bool is_met = taken.is_enough && (sure >= stage.at_least || is_predicted);
        found.may_be_met = found.may_be_met || is_met || (taken.is_enough && at_most >= stage.at_least);
        if (is_met) {
            found.stage = static_cast<int>(i);
            found.threshold = stage.at_least;
            found.is_predicted = is_predicted;
        }
        if (i == 0 || is_met) tell(found, taken);
    }
    if (found.stage < 0 && waits) found.waits_for = what_is_held_back(history);
    found.above_clearing = found.above_clearing || found.stage >= 0;
    return found;
}

verdict evaluate_fresh(const rule& judged_by, const pupil_history& history, std::vector<entry_index> used)
{
    if (used.empty()) return evaluate(judged_by, history);
    const verdict whole = evaluate(judged_by, history);
    verdict found = evaluate(judged_by, history.without(used));
    found.in_all = verdict::whole_count{whole.value, whole.above_clearing};
    found.left_out = std::move(used);
    return found;
}

verdict evaluate(const rule& judged_by, const judged_pupil& pupil, const rule_facts& facts, const judged_day& judged)
{
    return evaluate(judged_by, pupil_history(facts, pupil, judged));
}

} // namespace rollbook
