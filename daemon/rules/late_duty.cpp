#include "daemon/rules/late_duty.hpp"

#include "daemon/rules/reason.hpp"

#include <algorithm>
#include <chrono>

namespace rollbook {
namespace {

// Which of the `earlier` days are of the episode of an alert that goes on: those from its opening until it was met no
// more, and what goes on before, between and after them. Without one: of the episode that goes on today.
std::vector<bool>
days_of_own_episode(const alert* going_on, const judged_verdict& today, const std::vector<judged_verdict>& earlier)
{
    std::vector<bool> found;
    bool goes_on = false;
    for (const auto& [when, then] : earlier) {
        const bool is_within =
            going_on &&
            day_range{going_on->opened_for.as_of, going_on->met_until.value_or(today.judged.as_of)}.contains(when.as_of
            );
        found.push_back(goes_on = is_within || (goes_on && then.above_clearing));
    }
    goes_on = going_on ? today.found.above_clearing : today.found.stage >= 0;
    for (std::size_t i = earlier.size(); i-- > 0;)
        found[i] = goes_on = found[i] || (goes_on && earlier[i].found.above_clearing);
    return found;
}

// An episode of earlier days: the place of the one that met it best, the first of those, and its last day.
struct episode {
    std::size_t best = 0;
    civil_day last{};
};

// The episodes of the `earlier` days that are neither left out nor passed over, the newest first.
std::vector<episode> episodes_of(const std::vector<judged_verdict>& earlier, const std::vector<bool>& left_out)
{
    std::vector<episode> found;
    std::optional<civil_day> last; // of the episode that the day at hand is of
    bool is_met = false;           // on a day of it
    for (std::size_t i = earlier.size(); i-- > 0;) {
        const auto& [when, then] = earlier[i];
        if (left_out[i] || !then.above_clearing) {
            last.reset();
            is_met = false;
            continue;
        }
        if (!last) last = when.as_of;
        if (then.stage < 0) continue;
        if (!is_met)
            found.push_back({i, *last});
        else if (then.stage >= earlier[found.back().best].found.stage)
            found.back().best = i;
        is_met = true;
    }
    return found;
}

} // namespace

judged_verdict
judged_at_end_of(civil_day day, const rule& judged_by, const pupil_history& now, const std::vector<entry_index>& used)
{
    const judged_day then{day, day + std::chrono::hours(24)};
    return {then, evaluate_fresh(judged_by, now.as_of(then), used)};
}

late_duty with_late_duties(
    const rule& judged_by,
    const alert* last,
    judged_verdict today,
    std::vector<judged_verdict> earlier,
    std::span<const day_range> decided
)
{
    const bool stands = last && !is_ended(last->state);
    // A rule that does not reuse evidence leaves out by itself what was decided.
    const bool goes_on = stands || (last && judged_by.reuse_evidence && is_decided(judged_by, *last));
    const int floor = std::max(today.found.stage, goes_on ? place_of_stage(judged_by, last->stage) : -1);

    std::vector<bool> is_known = days_of_own_episode(goes_on ? last : nullptr, today, earlier);
    std::vector<bool> is_over(earlier.size());
    for (std::size_t i = earlier.size(); i-- > 0;) {
        const auto& [when, then] = earlier[i];
        is_over[i] = std::ranges::any_of(decided, [&](const day_range& of) { return of.contains(when.as_of); }) ||
                     (i + 1 < earlier.size() && is_over[i + 1] && then.above_clearing);
    }

    std::optional<std::size_t> best;
    const auto take_if_higher = [&](std::size_t i, int than) {
        const int stage = earlier[i].found.stage;
        if (stage > than && (!best || stage >= earlier[*best].found.stage)) best = i;
    };
    for (std::size_t i = earlier.size(); i-- > 0;)
        if (!is_over[i]) take_if_higher(i, floor);
    for (std::size_t i = 0; i < earlier.size(); ++i)
        is_known[i] = is_known[i] || is_over[i];
    const std::vector<episode> others = episodes_of(earlier, is_known);
    if (!best && !stands && today.found.stage < 0)
        for (const episode& each : others)
            take_if_higher(each.best, -1);
    if (!best && others.empty()) return {std::move(today), false};

    std::vector<earlier_duty> besides;
    for (auto each = others.rbegin(); each != others.rend(); ++each) {
        const auto& [when, then] = earlier[each->best];
        // An alert that opens for a day says it; one that stands for another goes on to say so.
        if (best != each->best || stands)
            besides.push_back({{when.as_of, each->last}, why_before(judged_by, then, when.as_of)});
    }
    late_duty found{best ? std::move(earlier[*best]) : std::move(today), !stands};
    found.found.met_before = std::move(besides);
    return found;
}

late_duty with_late_days(
    const rule& judged_by,
    const alert* last,
    judged_verdict today,
    const verdict& before,
    const std::vector<judged_verdict>& earlier,
    std::span<const told_day> told,
    const news_since& since
)
{
    const auto is_told = [&](const judged_verdict& each) {
        return std::ranges::any_of(told, [&](const told_day& of) {
            return of.day == each.judged.as_of && of.threshold >= each.found.threshold;
        });
    };
    const auto is_news = [&](const judged_verdict& each, const verdict& day_before) {
        const verdict& then = each.found;
        if (then.stage < 0 || is_told(each)) return false;
        const bool is_met_anew = then.stage > day_before.stage || is_more_than(then.evidence, day_before.evidence);
        const bool was_silent = since.silent_from && each.judged.as_of >= *since.silent_from;
        return is_met_anew && (was_silent || std::ranges::any_of(then.evidence, [&](entry_index mark) {
                                   return mark >= since.recorded_from;
                               }));
    };
    std::vector<const judged_verdict*> news;
    const verdict* day_before = &before;
    for (const judged_verdict& each : earlier) {
        if (is_news(each, *day_before)) news.push_back(&each);
        day_before = &each.found;
    }
    if (news.empty()) return {std::move(today), false};

    const bool stands = last && !is_ended(last->state);
    const bool is_today_told = today.found.stage >= 0 && is_told(today);
    int floor = stands || !is_today_told ? today.found.stage : -1;
    if (stands) floor = std::max(floor, place_of_stage(judged_by, last->stage));
    const judged_verdict* best = nullptr;
    for (const judged_verdict* each : news)
        if (each->found.stage > floor && (!best || each->found.stage >= best->found.stage)) best = each;

    if (best && today.found.stage >= 0 && !is_today_told) news.push_back(&today);
    std::vector<told_day> besides;
    if (!stands && is_today_told) besides.push_back({today.judged.as_of, today.found.threshold});
    late_duty found{best ? *best : today, !stands};
    for (const judged_verdict* each : news) {
        const civil_day day = each->judged.as_of;
        besides.push_back({day, each->found.threshold});
        if (each != best) found.found.met_before.push_back({{day, day}, why_before(judged_by, each->found, day)});
    }
    found.found.told_besides = std::move(besides);
    return found;
}

verdict verdict_stood_for(const rule& judged_by, const alert& standing, verdict opening, const pupil_history& now)
{
    if (opening.stage >= 0 || opening.may_be_met) return opening;
    // Of the day itself as well what came after the hour at which it opened.
    std::vector<day_range> all{{standing.opened_for.as_of, now.judged().as_of}};
    for (const earlier_duty& each : standing.also_met)
        all.push_back(each.days);
    const auto& days = now.facts().calendar.school_days();
    std::optional<verdict> possible;
    for (const day_range& range : all)
        for (auto day = std::ranges::lower_bound(days, range.first); day != days.end() && range.contains(*day); ++day) {
            if (*day >= now.judged().as_of) break;
            verdict then = judged_at_end_of(*day, judged_by, now, standing.used).found;
            if (then.stage >= 0) return then;
            if (then.may_be_met && !possible) possible = std::move(then);
        }
    return possible ? std::move(*possible) : std::move(opening);
}

} // namespace rollbook
