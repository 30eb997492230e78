#include "daemon/views/standing.hpp"

#include "daemon/base/bytes.hpp"
#include "daemon/base/json.hpp"
#include "daemon/cases/marker.hpp"
#include "daemon/ports/version_of.hpp"
#include "daemon/rules/measures.hpp"
#include "daemon/rules/reason.hpp"
#include "daemon/views/alerts.hpp"
#include "daemon/views/held_back.hpp"
#include "daemon/views/measure_text.hpp"
#include "daemon/views/text.hpp"

#include <algorithm>
#include <set>

namespace rollbook {
namespace {

std::string shown(const rule& by, std::int64_t value)
{
    return shown_value(value, in_hundredths(by));
}

std::string fit_in_words(cohort_fit fit)
{
    switch (fit) {
    case cohort_fit::inside: return "inside";
    case cohort_fit::other_age: return "outside compulsory school age";
    case cohort_fit::other_year: break;
    }
    return "outside";
}

std::vector<rule_standing::condition> conditions_of(const rule& by, const pupil_history& history, const verdict& found)
{
    std::vector<rule_standing::condition> all;
    all.push_back({"cohort", "inside", fit_in_words(found.fit), found.fit == cohort_fit::inside});
    if (found.fit != cohort_fit::inside) return all;
    if (by.min_possible > 0 && found.parts)
        all.push_back(
            {"possible sessions",
             "at least " + std::to_string(by.min_possible),
             std::to_string(found.parts->possible),
             found.parts->possible >= by.min_possible}
        );
    for (std::size_t i = 0; i < by.stages.size(); ++i) {
        const rule_stage& stage = by.stages[i];
        rule alone = by;
        alone.stages = {stage};
        const verdict of_stage = evaluate(alone, history);
        all.push_back(
            {"stage " + stage.name + " (" + text_of(by.window_of(stage)) + ")",
             "at least " + shown(by, stage.at_least),
             shown(by, of_stage.value) + (stage.predict && found.is_predicted ? ", by its pace" : ""),
             static_cast<int>(i) <= found.stage}
        );
    }
    return all;
}

// When the oldest of what counts has left the window: the first school day on which the value is lower though nothing
// new happens. Empty when it does not within the next school days that the calendar knows, or nothing counts.
std::optional<civil_day> falls_on(
    const rule& by,
    const judged_pupil& who,
    const rule_facts& facts,
    const judged_day& judged,
    std::int64_t value,
    std::span<const entry_index> used
)
{
    constexpr int days_ahead_max = 80;
    if (value == 0) return std::nullopt;
    const auto last = facts.calendar.school_day_after(judged.as_of, days_ahead_max);
    const civil_day furthest = last.value_or(facts.calendar.school_days().back());
    const auto end_of = [](civil_day day) { return judged_day{day, local_instant(day + std::chrono::days(1))}; };
    const pupil_history known = pupil_history(facts, who, end_of(furthest + std::chrono::days(1))).without(used);
    // Gathered here once, and not for each of the days.
    if (const auto first = first_day_of_windows(by, facts.calendar, judged.as_of)) known.in({*first, furthest});
    for (int ahead = 1; ahead <= days_ahead_max; ++ahead) {
        const auto day = facts.calendar.school_day_after(judged.as_of, ahead);
        if (!day) return std::nullopt;
        if (evaluate(by, known.as_of(end_of(*day))).value < value) return day;
    }
    return std::nullopt;
}

void fill(
    rule_standing& standing,
    const judged_pupil& who,
    const rule_facts& facts,
    const judged_day& judged,
    const std::vector<entry_index>& used
)
{
    const rule& by = standing.by;
    const pupil_history history(facts, who, judged);
    standing.as_of = judged.as_of;
    standing.found = evaluate_fresh(by, history, used);
    standing.conditions = conditions_of(by, history.without(used), standing.found);
    standing.held_back = what_is_held_back(history);
    if (standing.found.fit != cohort_fit::inside) return;
    standing.falls_on = falls_on(by, who, facts, judged, standing.found.value, used);
    const auto next = static_cast<std::size_t>(standing.found.stage + 1);
    if (next == by.stages.size()) return;
    standing.next = &by.stages[next];
    standing.needed = std::max<std::int64_t>(0, standing.next->at_least - standing.found.value);
}

// From which day on the marks of all pupils count: as far back as any rule looks where one asks for the school's own
// pattern; else those that say whose form had its register taken, which is asked of the last school days before the
// newest read alone (register_gate::holds_back()).
civil_day others_from(const workplace& at, std::span<const rule> rules, const std::string& mis)
{
    constexpr std::chrono::days looked_back{430};
    constexpr int days_to_spare = 3;
    const civil_day today = day_of(at.zone.to_local(at.now));
    const std::vector<source_state> states = at.reader.sources();
    const auto state = std::ranges::find(states, mis, &source_state::source);
    const bool is_compared = std::ranges::any_of(rules, compares_with_the_school, &rule::measure);
    if (is_compared || state == states.end() || !state->last_success) return today - looked_back;
    const civil_day newest = std::min(today, day_of(at.zone.to_local(*state->last_success)));
    return at.config.calendar.school_day_back(newest, held_back_days + days_to_spare).value_or(newest);
}

} // namespace

judged_school::judged_school(
    const workplace& at, entry_index pupil, std::span<const rule> rules, std::function<void()> pause
)
    : at_(at), pupil_(pupil), rules_(rules), mis_(judged_source(at.config).value()), pause_(std::move(pause)),
      pupils_(at.config.rules, at.config.watch_list)
{
    constexpr std::chrono::days ever{1'000'000};
    const civil_day today = day_of(at.zone.to_local(at.now));
    // The pupil's first: a session then has room for those numbered below its own, which are no others.
    take_marks(pupil, {today - ever, today + ever});
    take_marks(no_entry, {others_from(at, rules, mis_), today});
    for (const what kind : {what::pupil, what::settings})
        at.reader.things(kind, at.n, [&](const thing_view& each) { return take(each); });
    for (const what kind : {what::involvement, what::suspension, what::lesson_mark, what::action})
        at.reader.things_of(kind, pupil, at.n, [&](const thing_view& each) { return take(each); });
    take_incidents();
    pupils_.find_watched(held_, mis_);
    pupils_.set_priorities(marked_in(held_, marker_kind::priority));
    pupils_.find_contacts(held_, at.zone);
}

void judged_school::look_up()
{
    constexpr std::uint64_t look_up_each = 1'000;
    if (pause_ && ++taken_ % look_up_each == 0) pause_();
}

void judged_school::take_marks(entry_index pupil, const day_range& days)
{
    attendance_register& marks = held_.register_of(mis_);
    at_.reader.marks_of_days(pupil, days, at_.n, false, [&](const mark_view& view) {
        look_up();
        if (view.source != mis_) return true;
        held_mark mark;
        mark.entry = static_cast<std::uint32_t>(view.entry);
        mark.code = marks.codes().intern(view.raw, view.statutory);
        mark.minutes = minutes_byte(view.minutes);
        marks.put(view.session, marks.number_of(view.pupil), mark);
        return true;
    });
}

bool judged_school::take(const thing_view& each)
{
    look_up();
    held_.apply(each.entry, version_of(each), each.payload);
    return true;
}

// Those that the pupil takes part in.
void judged_school::take_incidents()
{
    std::set<std::pair<std::string, std::string>> wanted; // source and id
    at_.reader.things_of(what::involvement, pupil_, at_.n, [&](const thing_view& each) {
        const auto document = json_document::parse(std::string(each.payload));
        if (!document) return true;
        const json_view fields = document->root()["fields"];
        if (fields["of"].string_if() == name_of(what::incident))
            wanted.emplace(each.source, fields["record"].string_if().value_or(""));
        return true;
    });
    for (const auto& [source, id] : wanted)
        at_.reader.things_by_id(what::incident, source, id, at_.n, [&](const thing_view& each) { return take(each); });
}

bool judged_school::standings(const std::function<void(const rule_standing&)>& use)
{
    const attendance_register* marks = held_.find_register(mis_);
    const auto number = marks ? marks->find_pupil(pupil_) : std::nullopt;
    const local_instant now = at_.zone.to_local(at_.now);
    const std::optional<judged_day> by_day = judge_at(at_.config.calendar, now);
    if (!number) return false;

    const judged_pupil who = pupils_.judged(held_, pupil_, *number);
    const register_gate gate = gate_of(at_, held_, *marks);
    const rule_facts facts{*marks, at_.config.calendar, &held_.cases(), nullptr, std::nullopt, &gate};
    bool is_judged = false;
    for (const rule& by : rules_) {
        const measure_kind& kind = *find_measure(by.measure);
        if (kind.by_source || (!kind.by_clock && !by_day)) continue;
        const std::optional<alert> last = last_alert_of(at_, by, pupil_);
        rule_standing standing(by);
        fill(
            standing,
            who,
            facts,
            kind.by_clock ? judged_day{day_of(now), now} : *by_day,
            used_before(by, last ? &*last : nullptr)
        );
        use(standing);
        is_judged = true;
    }
    return is_judged;
}

visibility labels_of(const rule& by, visibility cases)
{
    visibility labels = visibility::attendance;
    // Who is in care, in need or on the watch list is told by being judged at all.
    if (by.cohort.asks_of_flags()) labels |= visibility::safeguarding;
    return labels | labels_of_measure(by, cases);
}

visibility labels_of_measure(const rule& by, visibility cases)
{
    return find_measure(by.measure)->reads_cases && by.measure != "missed_lessons" ? cases : visibility();
}

visibility labels_of_cases(const workplace& at)
{
    visibility labels = visibility::behaviour;
    // Of a safeguarding system that gives incidents, nobody else learns for whom it does.
    for (const what kind : {what::incident, what::suspension})
        for (const std::string& source : at.reader.sources_of(kind, at.n))
            if (at.config.is_safeguarding(source)) labels |= visibility::safeguarding;
    return labels;
}

void write_standing(json_writer& out, const rule_standing& of, const std::function<void(json_writer&)>& write_pupil)
{
    const rule& by = of.by;
    const verdict& found = of.found;
    out.begin_object().member("as_of", format_day(of.as_of)).key("conditions").begin_array();
    for (const rule_standing::condition& each : of.conditions)
        out.begin_object()
            .member("actual", each.actual)
            .member("expected", each.expected)
            .member("holds", each.holds)
            .member("what", each.what)
            .end_object();
    out.end_array().key("evidence").begin_array();
    for (const entry_index each : found.evidence)
        out.value(each);
    out.end_array();
    write_day(out, "falls_on", of.falls_on);
    out.member("held_back", of.held_back).member("met", found.stage >= 0).key("next_stage").begin_object();
    if (of.next) {
        out.key("needed");
        write_value(out, of.needed, in_hundredths(by));
        out.member("stage", of.next->name);
    }
    out.end_object();
    if (write_pupil) {
        out.key("pupil");
        write_pupil(out);
    }
    out.member("rule", by.id).member("source", by.source);
    write_text_or_null(out, "stage", found.stage >= 0 ? by.stages[static_cast<std::size_t>(found.stage)].name : "");
    out.member("title", by.title).key("value");
    write_value(out, found.value, in_hundredths(by));
    if (found.in_all) {
        out.key("value_in_all");
        write_value(out, found.in_all->value, in_hundredths(by));
    }
    out.member("version", rule_version(by)).end_object();
}

result<std::string> judged_source(const configuration& config)
{
    if (std::string name = config.mis_name(); !name.empty()) return name;
    return failure(errc::not_found, "no source has the role mis", "Rules judge the register of an MIS: add one.");
}

result<void> change_thresholds(rule& by, std::span<const std::string> changes)
{
    constexpr std::uint64_t value_max = 1'000'000;
    for (const std::string_view text : changes) {
        const std::size_t equals = text.find('=');
        const std::string_view name = text.substr(0, equals);
        const auto value = equals == std::string_view::npos ? std::nullopt : parse_decimal(text.substr(equals + 1));
        const auto stage =
            name == "at_least" ? by.stages.begin() : std::ranges::find(by.stages, name, &rule_stage::name);
        if (!value || *value > value_max || stage == by.stages.end())
            return failure(
                errc::usage,
                plain(text) + " changes no stage of " + by.id,
                "Write at_least=N for the lowest stage, or NAME=N for a stage by its name."
            );
        stage->at_least = static_cast<std::int64_t>(*value) * (in_hundredths(by) ? 100 : 1);
        by.clear_below = 0;
    }
    if (!std::ranges::is_sorted(by.stages, {}, &rule_stage::at_least))
        return failure(errc::usage, "that puts the stages of " + by.id + " out of order", "Change the others too.");
    return {};
}

} // namespace rollbook
