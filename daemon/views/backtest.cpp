#include "daemon/views/backtest.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/cases/marker.hpp"
#include "daemon/domain/calendar.hpp"
#include "daemon/reconcile/payload.hpp"

#include <algorithm>
#include <tuple>

namespace rollbook {
namespace {

using alert_key = std::pair<std::size_t, entry_index>; // place of the rule, pupil

bool is_by_clock(const rule& by)
{
    return find_measure(by.measure)->by_clock;
}

bool is_by_evening(const rule& by)
{
    return can_be_tried(by) && !is_by_clock(by);
}

} // namespace

void backtest_counts::note(civil_day day, const alert_change& change)
{
    switch (change.tell) {
    case telling::baseline: ++already; break;
    case telling::opened:
    case telling::later_day:
    case telling::earlier_day:
    case telling::stage_up: ++weeks[monday_of(day)][change.next.stage]; break;
    case telling::ended: ++ended; break;
    case telling::nothing: break;
    }
}

const held_state& past_state::at(entry_index n)
{
    const digester no_digest = [](std::string_view) { return std::uint64_t{0}; };
    constexpr entry_index pause_each = 1'000;
    book_.entries(taken_, n, [&](const entry_view& entry) {
        if (pause_ && entry.index % pause_each == 0) pause_();
        if (entry.payload.empty()) return true;
        const result<version> read = project(entry.payload, entry.index, no_digest);
        if (read) held_.apply(entry.index, *read, entry.payload);
        return true;
    });
    taken_ = std::max(taken_, n);
    return held_;
}

void write_counts(json_writer& out, const rule& by, const backtest_counts& counts)
{
    out.begin_object();
    out.member("already", counts.already).member("ended", counts.ended).member("rule", by.id);
    out.key("weeks").begin_array();
    for (const auto& [monday, stages] : counts.weeks) {
        out.begin_object().key("stages").begin_object();
        for (const auto& [name, count] : stages)
            out.member(name, count);
        out.end_object().member("week_of", format_day(monday)).end_object();
    }
    out.end_array().end_object();
}

bool can_be_tried(const rule& by)
{
    return !find_measure(by.measure)->by_source;
}

namespace {

void backtest_by_the_evening(
    const ledger_reader& book,
    const time_zone& zone,
    const backtest_order& order,
    const std::function<void(const backtest_day&)>& each,
    std::map<std::string, backtest_counts>& counts
)
{
    past_state past(book, order.pause);
    known_pupils pupils(order.rules, order.watched);
    const auto began = book.began();
    std::map<alert_key, alert> alerts;
    bool is_first = true;
    for (const civil_day day : order.calendar.school_days()) {
        if (day < order.days.first || day > order.days.last) continue;
        const local_instant evening = day + std::chrono::hours(24) - std::chrono::milliseconds(1);
        const entry_index known = std::min(book.size_at(zone.to_instant(evening)), order.known);
        if (order.pause) order.pause();
        const held_state& held = past.at(std::max(known, began ? began->size : 0));
        const attendance_register* marks = held.find_register(order.mis);
        const std::optional<judged_day> judged = judge_at(order.calendar, evening);
        if (!marks || !judged) continue;
        pupils.find_watched(held, order.mis);
        pupils.set_priorities(marked_in(held, marker_kind::priority));
        const school_rates rates(*marks, order.calendar, *judged);
        const rule_facts facts{*marks, order.calendar, &held.cases(), &rates, std::nullopt};
        for (pupil_no number = 0; number < marks->pupils(); ++number) {
            const entry_index pupil = marks->ref_of(number);
            const judged_pupil who = pupils.judged(held, pupil, number);
            const pupil_history history(facts, who, *judged);
            for (std::size_t i = 0; i < order.rules.size(); ++i) {
                const rule& by = order.rules[i];
                if (!is_by_evening(by)) continue;
                const auto at = alerts.find({i, pupil});
                const bool has_alert = at != alerts.end() && !is_ended(at->second.state);
                const verdict now = evaluate(by, history);
                if (each && now.fit == cohort_fit::inside) each({day, pupil, &by, &now, {}});
                if (!has_alert && pupils.of(held, pupil).gone) continue;
                std::optional<verdict> then;
                if (has_alert) then = evaluate(by, who, facts, at->second.opened_for);
                const auto change = next_alert(
                    by,
                    "backtest",
                    who,
                    has_alert ? &at->second : nullptr,
                    now,
                    then ? &*then : nullptr,
                    *judged,
                    is_first && !by.safety,
                    zone.to_instant(evening)
                );
                if (!change) continue;
                counts[by.id].note(day, *change);
                alerts[{i, pupil}] = change->next;
            }
        }
        is_first = false;
    }
}

} // namespace

std::map<std::string, backtest_counts> backtest(
    const ledger_reader& book,
    const time_zone& zone,
    const backtest_order& order,
    const std::function<void(const backtest_day&)>& each
)
{
    std::map<std::string, backtest_counts> counts;
    for (const rule& by : order.rules)
        counts[by.id];
    if (std::ranges::any_of(order.rules, is_by_evening)) backtest_by_the_evening(book, zone, order, each, counts);
    if (std::ranges::any_of(order.rules, is_by_clock)) backtest_by_the_clock(book, zone, order, each, counts);
    return counts;
}

} // namespace rollbook
