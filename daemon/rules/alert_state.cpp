#include "daemon/rules/reason.hpp"

#include "daemon/base/error.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace rollbook {
namespace {

constexpr std::array<std::string_view, 6> state_names = {
    "baseline", "pending", "open", "acknowledged", "resolved", "withdrawn"};
constexpr std::array<std::string_view, 4> verb_names = {"acknowledge", "take-up", "park", "close"};

void take_value(const rule& judged_by, alert& next, const verdict& now)
{
    next.value = now.value;
    next.evidence = now.evidence;
    next.parts = now.parts;
    next.used = now.left_out;
    next.value_in_all = now.in_all ? std::optional(now.in_all->value) : std::nullopt;
    // Of a pupil outside the cohort nothing is measured, over no days. Of a child's safety, a day that does not meet
    // the rule is not one that the alert has come to: it may yet meet it.
    if (now.fit == cohort_fit::inside && (!judged_by.safety || now.stage >= 0)) next.window = now.window;
}

// The place of the alert's stage in the rule. A rule that was changed may not know its name any more: then the highest
// stage that asks no more than it did; -1 when there is none.
int stage_reached(const rule& judged_by, const alert& current)
{
    const auto& stages = judged_by.stages;
    const auto named = std::ranges::find(stages, current.stage, &rule_stage::name);
    if (named != stages.end()) return static_cast<int>(named - stages.begin());
    const auto above =
        std::ranges::find_if(stages, [&](const rule_stage& stage) { return stage.at_least > current.threshold; });
    return static_cast<int>(above - stages.begin()) - 1;
}

// All that an auditor or a lead goes by but the value: what makes it is the evidence, and the calendar. Of a child's
// safety also the day it has come to, which a decision then speaks of.
bool tells_the_same(const rule& judged_by, const alert& a, const alert& b)
{
    return a.state == b.state && a.stage == b.stage && a.threshold == b.threshold && a.evidence == b.evidence &&
           a.kept_open == b.kept_open && a.met_until == b.met_until && a.also_met == b.also_met &&
           (!judged_by.safety || a.window.last == b.window.last);
}

// Whether a rule about a child's safety is met by a later day than the one that `before` has come to: what was known of
// one day, or decided about it, says nothing of the next.
bool is_of_later_day(const rule& judged_by, const alert& before, const verdict& now)
{
    if (!judged_by.safety || now.stage < 0) return false;
    const bool is_later = before.told.empty()
                              ? now.window.last > before.window.last
                              : std::ranges::find(before.told, now.window.last, &told_day::day) == before.told.end();
    // By the clock the window is the sessions themselves, also those without a mark.
    return is_later && (find_measure(judged_by.measure)->by_clock || is_more_than(now.evidence, before.evidence));
}

// Nothing about a child's safety is held back.
std::chrono::milliseconds hold_of(const rule& judged_by)
{
    return judged_by.safety ? std::chrono::milliseconds(0) : judged_by.hold;
}

void note_told(alert& next, const told_day& day)
{
    const auto known = std::ranges::find(next.told, day.day, &told_day::day);
    if (known == next.told.end())
        next.told.push_back(day);
    else
        known->threshold = std::max(known->threshold, day.threshold);
}

// The day of the verdict, which is told of now, and those that go with it.
void note_told(const rule& judged_by, alert& next, const verdict& now, bool tells_of_today)
{
    if (!judged_by.safety || find_measure(judged_by.measure)->by_clock) return;
    if (!tells_of_today && now.told_besides.empty()) return;
    if (next.told.empty() && next.id != no_entry) next.told = days_told(next);
    for (const told_day& each : now.told_besides)
        note_told(next, each);
    if (tells_of_today) note_told(next, {now.window.last, now.threshold});
}

// What alone keeps an alert from ending: what is held back, now or of the day on which it opened.
std::string kept_open_by(const rule& judged_by, const verdict& now, const verdict& then)
{
    if (now.stage >= 0) return {};
    if (then.stage < 0) return now.may_be_met ? now.waits_for : then.waits_for;
    const bool is_below = !judged_by.needs_decision && now.value < judged_by.clearing_level();
    return is_below && now.above_clearing ? now.waits_for : std::string();
}

std::string with_also_met(std::string reason, const alert& next)
{
    for (const earlier_duty& each : next.also_met)
        reason += " " + each.says;
    return reason;
}

alert_change open_at(
    const rule& judged_by,
    const judged_pupil& pupil,
    const verdict& now,
    const judged_day& judged,
    bool first_read,
    instant at
)
{
    alert_change change;
    alert& next = change.next;
    next.pupil = pupil.ref;
    next.rule = judged_by.id;
    if (first_read) {
        change.tell = telling::baseline;
        next.state = alert_state::baseline;
    } else if (hold_of(judged_by).count() > 0) {
        next.state = alert_state::pending;
    } else {
        change.tell = telling::opened;
        next.state = alert_state::open;
    }
    next.stage = judged_by.stages[static_cast<std::size_t>(now.stage)].name;
    next.threshold = now.threshold;
    next.opened_for = judged;
    next.opened_at = at;
    next.staged_at = at;
    take_value(judged_by, next, now);
    note_told(judged_by, next, now, true);
    next.also_met = now.met_before;
    next.reason = with_also_met(why_open(judged_by, now, now.stage), next);
    return change;
}

alert_change
end_as(alert_state state, const rule& judged_by, const alert& current, const verdict& now, std::string reason)
{
    const bool was_told = current.state != alert_state::baseline && current.state != alert_state::pending;
    alert_change change{current, was_told ? telling::ended : telling::nothing};
    change.next.state = state;
    change.next.reason = std::move(reason);
    change.next.kept_open.clear();
    take_value(judged_by, change.next, now);
    return change;
}

alert_change resolve(const rule& judged_by, const alert& current, const verdict& now)
{
    const bool is_inside = now.fit == cohort_fit::inside;
    return end_as(
        alert_state::resolved, judged_by, current, now, is_inside ? why_resolved(judged_by, now) : why_outside()
    );
}

// The end of `current`, or empty when it goes on.
std::optional<alert_change>
ending(const rule& judged_by, const alert& current, const verdict& now, const verdict& then, bool rule_changed)
{
    // What is held back neither ends an alert nor unsays it. Nor is one unsaid where another day met it.
    if (!now.met_before.empty() || now.may_be_met ||
        (now.fit != cohort_fit::other_year && then.stage < 0 && then.may_be_met))
        return std::nullopt;
    if (now.fit != cohort_fit::other_year && then.stage < 0)
        return end_as(alert_state::withdrawn, judged_by, current, now, why_withdrawn(judged_by, then, rule_changed));
    if (!judged_by.needs_decision && !now.above_clearing) return resolve(judged_by, current, now);
    return std::nullopt;
}

alert_change follow(
    const rule& judged_by,
    const alert& current,
    const verdict& now,
    const verdict& then,
    const judged_day& judged,
    instant at
)
{
    alert_change change{current, telling::nothing};
    alert& next = change.next;
    const int before = stage_reached(judged_by, current);
    const int reached = std::max(before, now.stage);
    const bool is_later = is_of_later_day(judged_by, current, now);
    if (reached >= 0) {
        const rule_stage& stage = judged_by.stages[static_cast<std::size_t>(reached)];
        next.stage = stage.name;
        next.threshold = stage.at_least;
    }
    if (reached > before) {
        change.tell = telling::stage_up;
        change.stage_before = before;
        next.staged_at = at;
        if (next.state == alert_state::baseline) next.state = alert_state::open;
    } else if (next.state != alert_state::pending && (!now.met_before.empty() || is_later)) {
        change.tell = is_later ? telling::later_day : telling::earlier_day;
        next.staged_at = at;
        next.told_again_at = at;
        next.state = alert_state::open;
    }
    if (next.state == alert_state::pending) {
        const bool has_lasted = at - next.opened_at >= hold_of(judged_by);
        change.tell = has_lasted ? telling::opened : telling::nothing;
        if (has_lasted) next.state = alert_state::open;
    }
    next.also_met.insert(next.also_met.end(), now.met_before.begin(), now.met_before.end());
    // Where its own days met nothing, it stands for the earlier one from now on.
    if (then.stage < 0 && judged.as_of < current.opened_for.as_of) next.opened_for = judged;
    note_told(judged_by, next, now, reached > before || is_later);
    take_value(judged_by, next, now);
    if (judged_by.reuse_evidence || now.stage >= 0)
        next.was_met_by.clear();
    else if (next.was_met_by.empty())
        next.was_met_by = current.evidence;
    next.kept_open = kept_open_by(judged_by, now, then);
    if (now.stage >= 0 || !judged_by.needs_decision)
        next.met_until.reset();
    else if (!next.met_until)
        next.met_until = judged.as_of;
    const auto was_met =
        next.met_until ? std::optional(day_range{next.opened_for.as_of, *next.met_until}) : std::nullopt;
    next.reason = with_also_met(why_open(judged_by, now, reached, next.kept_open, was_met), next);
    return change;
}

std::optional<alert_change> go_on(
    const rule& judged_by,
    const alert& current,
    const verdict& now,
    const verdict& then,
    const judged_day& judged,
    bool rule_changed,
    instant at
)
{
    std::optional<alert_change> change = ending(judged_by, current, now, then, rule_changed);
    // What was told to nobody needs nobody's decision to go.
    if (!change && current.state == alert_state::pending && now.stage < 0) change = resolve(judged_by, current, now);
    // An alert that stays though its pupil is outside the cohort is left as it was.
    if (!change && now.fit == cohort_fit::inside) change = follow(judged_by, current, now, then, judged, at);
    if (!change || !tells_the_same(judged_by, change->next, current)) return change;
    if (change->next.value == current.value && change->next.parts == current.parts) return std::nullopt;
    change->only_value = true;
    return change;
}

// The episode of an alert that a person closed is over once its condition has gone: that is noted, and told to nobody.
std::optional<alert_change> end_episode(const rule& judged_by, const alert& decided, const verdict& now)
{
    if (now.in_all ? now.in_all->above_clearing : now.above_clearing) return std::nullopt;
    alert_change change = resolve(judged_by, decided, now);
    change.tell = telling::nothing;
    return change;
}

} // namespace

alert_value value_to_keep(const alert& next)
{
    alert_value kept{next.id, 0, next.value, {}, {}, next.window, next.reason};
    if (next.parts) {
        kept.absent = next.parts->absent;
        kept.possible = next.parts->possible;
    }
    return kept;
}

void follow_value(alert& version, const alert_value& kept)
{
    if (kept.alert != version.id || kept.size <= version.latest) return;
    version.value = kept.value;
    if (kept.absent && kept.possible) version.parts = absence_parts{*kept.absent, *kept.possible};
    version.window = kept.window;
    version.reason = kept.reason;
}

bool is_more_than(const std::vector<entry_index>& evidence, const std::vector<entry_index>& known)
{
    return std::ranges::any_of(evidence, [&](entry_index each) {
        return std::ranges::find(known, each) == known.end();
    });
}

std::vector<told_day> days_told(const alert& by)
{
    if (!by.told.empty()) return by.told;
    // An older entry says for which day it opened and, in its window, to which it had come or on which it ended.
    const civil_day first = by.opened_for.as_of;
    civil_day last = by.window.last;
    if (is_ended(by.state))
        last = std::min(last, civil_day(std::chrono::floor<std::chrono::days>(counts_since(by)).time_since_epoch()));
    std::vector<told_day> days;
    for (civil_day day = first; day <= std::max(first, last); day += std::chrono::days(1))
        days.push_back({day, by.threshold});
    return days;
}

std::string_view name_of(alert_state state)
{
    return state_names[static_cast<std::size_t>(state)];
}

std::optional<alert_state> parse_alert_state(std::string_view text)
{
    const auto* const found = std::ranges::find(state_names, text);
    if (found == state_names.end()) return std::nullopt;
    return static_cast<alert_state>(found - state_names.begin());
}

std::string_view name_of(alert_verb verb)
{
    return verb_names[static_cast<std::size_t>(verb)];
}

std::optional<alert_verb> parse_alert_verb(std::string_view text)
{
    const auto* const found = std::ranges::find(verb_names, text);
    if (found == verb_names.end()) return std::nullopt;
    return static_cast<alert_verb>(found - verb_names.begin());
}

bool is_decided(const rule& judged_by, const alert& value)
{
    if (value.state != alert_state::resolved) return false;
    // By the clock a rule may begin at 0 minutes, and an alert that ended by itself stands at 0.
    const std::int64_t met = judged_by.stages.front().at_least;
    return met > 0 ? value.value >= met : value.decided.has_value();
}

std::vector<entry_index> used_before(const rule& judged_by, const alert* last)
{
    if (judged_by.reuse_evidence || last == nullptr) return {};
    std::vector<entry_index> used = last->used;
    // A person may have closed it when its value had fallen below the stage again.
    if (last->state == alert_state::resolved && (last->decided || is_decided(judged_by, *last))) {
        used.insert(used.end(), last->evidence.begin(), last->evidence.end());
        used.insert(used.end(), last->was_met_by.begin(), last->was_met_by.end());
        std::ranges::sort(used);
        used.erase(std::unique(used.begin(), used.end()), used.end());
    }
    return used;
}

std::optional<alert_change> next_alert(
    const rule& judged_by,
    const std::string& rule_version,
    const judged_pupil& pupil,
    const alert* current,
    const verdict& now,
    const verdict* then,
    const judged_day& judged,
    bool first_read,
    instant at
)
{
    const bool decided = current != nullptr && is_decided(judged_by, *current);
    ROLLBOOK_ENSURE(current == nullptr || decided || (!is_ended(current->state) && then != nullptr));

    std::optional<alert_change> change;
    const bool begins_anew = decided && now.stage >= 0 &&
                             (now.in_all.has_value() || now.stage > stage_reached(judged_by, *current) ||
                              is_of_later_day(judged_by, *current, now));
    if (current == nullptr || begins_anew) {
        if (now.stage >= 0) change = open_at(judged_by, pupil, now, judged, first_read, at);
    } else if (decided) {
        change = end_episode(judged_by, *current, now);
    } else {
        change = go_on(judged_by, *current, now, *then, judged, rule_version != current->rule_version, at);
    }
    if (!change) return std::nullopt;
    change->next.rule_version = rule_version;
    change->next.changed_at = at;
    change->next.decided.reset();
    change->next.parked = change->next.parked && change->next.state == alert_state::baseline;
    return change;
}

result<std::optional<alert>>
decide_alert(const alert& current, const alert_decision& decided, bool needs_words, instant at)
{
    using standing = std::optional<alert>;
    const bool is_closed_so = current.decided && *current.decided == decided;
    if (decided.verb == alert_verb::close && is_closed_so) return standing();
    if (is_ended(current.state) || current.state == alert_state::pending)
        return failure(
            errc::forbidden,
            "the alert is " + std::string(name_of(current.state)) + ": nothing about it is left to decide",
            "`rollbook alerts list` lists those that stand; `rollbook alerts note` still takes a note."
        );

    const bool is_baseline = current.state == alert_state::baseline;
    alert next = current;
    switch (decided.verb) {
    case alert_verb::acknowledge:
        if (current.state == alert_state::acknowledged) return standing();
        next.state = alert_state::acknowledged;
        next.parked = false;
        break;
    case alert_verb::take_up:
        if (!is_baseline) return standing();
        next.state = alert_state::open;
        next.staged_at = at;
        next.parked = false;
        break;
    case alert_verb::park:
        if (!is_baseline)
            return failure(
                errc::forbidden,
                "only what was crossed before Rollbook began can be parked",
                "Close the alert, or silence it: `rollbook silence add`."
            );
        if (current.parked) return standing();
        next.parked = true;
        break;
    case alert_verb::close:
        if (decided.outcome.empty() || (needs_words && decided.text.empty()))
            return failure(
                errc::usage,
                decided.outcome.empty() ? "a close needs its outcome"
                                        : "the rule asks for a decision, and a decision needs words",
                "Give --outcome WORD and --text TEXT."
            );
        next.state = alert_state::resolved;
        next.parked = false;
        next.kept_open.clear();
        next.reason = current.reason + " Closed by a person's decision.";
        break;
    }
    next.changed_at = at;
    next.decided = decided;
    return standing(std::move(next));
}

} // namespace rollbook
