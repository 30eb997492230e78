#include "daemon/service/closing.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/events.hpp"
#include "daemon/base/json.hpp"
#include "daemon/cases/action.hpp"
#include "daemon/cases/marker.hpp"
#include "daemon/cases/silence.hpp"
#include "daemon/rules/budget.hpp"
#include "daemon/rules/measures.hpp"
#include "daemon/rules/reason.hpp"
#include "daemon/service/commit.hpp"
#include "daemon/service/reminders.hpp"
#include "daemon/service/timeliness.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <typeinfo>

namespace rollbook {
namespace {

constexpr std::string_view findings_setting = "findings";
constexpr std::string_view failed_rule_measure = "failed_rule";
// Percent of the MIS's pupils that a list of another source must have before it counts as a list of all of them.
constexpr std::size_t covers_roll_percent = 80;

// The value of a settings entry, as canonical JSON.
std::string value_of(const std::string& payload)
{
    const auto parsed = json_document::parse(payload);
    std::string text;
    json_writer out(text);
    if (parsed) parsed->root()["value"].write_canonical(out);
    return text;
}

// One entry for each pupil, so that erasing one child's leaves the others'. Why the pupil is on the list, and who is
// told, stand as a keyed digest: that they changed can be seen, and nothing of what they say.
draft watch_entry(const ledger& book, entry_index pupil, const watched_pupil* watched, const held_thing* last)
{
    std::string value;
    json_writer out(value);
    out.begin_object();
    if (watched) {
        const std::string sealed = watched->reason + '\0' + watched->tell;
        out.member("digest", fmt::format("{:016x}", book.digest(sealed)));
        if (watched->review) out.member("review", format_day(*watched->review));
    }
    out.member("state", watched ? "standing" : "ended").end_object();
    return pupil_setting_entry(fmt::format("watch/{}", pupil), value, pupil, last);
}

// The pupil's marks as rules could read them at the moment `then`.
pupil_history history_then(const pupil_history& now, const judged_day& then)
{
    // The clock may have been put back since.
    const bool is_earlier = then.as_of <= now.judged().as_of && then.read_at <= now.judged().read_at;
    return is_earlier ? now.as_of(then) : pupil_history(now.facts(), now.pupil(), then);
}

entry_index newest_link(const held_state& held)
{
    entry_index newest = 0;
    for (const held_thing& link : held.things(what::link).all())
        newest = std::max<entry_index>(newest, link.entry);
    return newest;
}

// Whether there ever was a mark of the pupil. Of nearly everybody there is one of the newest day.
bool had_mark(const attendance_register& held, pupil_no pupil)
{
    const auto extent = held.extent();
    if (!extent) return false;
    for (civil_day day = extent->last; day >= extent->first; day -= std::chrono::days(1))
        for (const half_day half : {half_day::pm, half_day::am})
            if (held.find_but_digest({day, half}, pupil).met()) return true;
    return false;
}

bool tells_another_day(telling what_to_tell)
{
    return what_to_tell == telling::later_day || what_to_tell == telling::earlier_day;
}

} // namespace

bool is_simulated(const held_state& held)
{
    const held_thing* birth = held.things(what::settings).find("", "ledger");
    if (!birth) return false;
    const auto parsed = json_document::parse(birth->payload);
    return parsed && parsed->root()["value"]["simulated"].bool_if().value_or(false);
}

struct read_closer::step {
    const source_configuration& source;
    const connector* from;   // null when no read is closing
    source_reading* reading; // likewise: another one would begin the read under way anew
    const read_outcome& outcome;
    instant now;
    civil_day today{};
    entry_index base = 0;
    transaction t;
    closing_report report;
    std::map<std::string, std::map<std::string, std::vector<entry_index>>> baseline; // rule -> stage -> pupils
    held_state& held;
    std::vector<statement_row> statement;
    bool links_changed = false;
    std::vector<silence> silences = silences_in(held);
    judged_day judged{}; // set before anybody is judged
    bool marks_judged = false;
    // By pupil: the earliest day that changed since marks were last judged.
    std::unordered_map<entry_index, civil_day> changed_from;
    std::optional<civil_day> silent_from; // of everybody: the day of the last read that this process did not see

    // Drafts are taken into the held state at once, because what follows in the same closing builds on them; a commit
    // that fails makes the caller reload.
    entry_index add(draft d)
    {
        const entry_index index = base + t.entries.size();
        held.apply(index, d.row, d.payload);
        t.entries.push_back(std::move(d));
        return index;
    }
    entry_index next_index() const { return base + t.entries.size(); }
};

read_closer::read_closer(const configuration& settings, ledger& book)
    : settings_(settings), book_(book), zone_(*time_zone::named(settings.school.timezone)),
      pupils_(settings.rules, settings.watch_list, settings.routes), mis_(settings.mis_name()),
      findings_(settings.findings, settings.calendar, mis_), calendar_text_(settings.calendar.to_json()),
      rules_text_(settings.rules_json())
{
    for (const rule& by : settings_.rules)
        if (by.enabled) rules_.push_back({&by, find_measure(by.measure), rule_version(by)});
    for (const source_configuration& source : settings_.sources)
        if (source.role != source_role::mis) others_.push_back(source.name);
}

message_setting read_closer::messages_of(const step& s) const
{
    return message_setting_of(settings_, is_simulated(s.held));
}

void read_closer::know_streams(const connector& of)
{
    for (const stream_info& stream : of.streams()) {
        for (const what kind : stream.makes)
            streams_[{of.source(), kind}].push_back(stream.name);
        if (!stream.flags.empty()) flags_[of.source()].insert(stream.flags.begin(), stream.flags.end());
    }
}

void read_closer::record_settings(const std::vector<source_fact>& facts, const std::string& source, instant now)
{
    transaction t;
    const auto record = [&](const std::string& name, const std::string& value) {
        const held_thing* last = std::as_const(book_.state()).things(what::settings).find("", name);
        if (last) {
            auto& [entry, said] = recorded_[name];
            if (entry == last->entry && said == value) return;
            const draft again = setting_entry(name, value, nullptr);
            if (value_of(last->payload) == value_of(again.payload)) {
                entry = last->entry;
                said = value;
                return;
            }
        }
        t.entries.push_back(setting_entry(name, value, last));
    };
    record(std::string(calendar_setting), calendar_text_);
    record(std::string(alert_rules_setting), rules_text_);
    static const finding_settings plain;
    // A school that says nothing of its findings has no entry for it.
    if (settings_.findings != plain ||
        std::as_const(book_.state()).things(what::settings).find("", std::string(findings_setting)))
        record(std::string(findings_setting), settings_.findings.to_json());
    for (const source_fact& fact : facts)
        record(source + "/" + fact.name, fact.value);
    if (t.empty()) return;
    commit_and_apply(book_, t, now);
}

void read_closer::judge_anew()
{
    findings_.judge_anew();
    judged_all_for_.clear();
}

closing_report read_closer::close(
    const source_configuration& source,
    const connector& from,
    source_reading& reading,
    const read_outcome& outcome,
    instant now
)
{
    step s{source, &from, &reading, outcome, now, day_of(zone_.to_local(now)), book_.size(), {}, {}, {}, book_.state()};
    reading.drain(s.t, s.base);
    reading.apply(s.t, s.base);
    relink(s);
    s.statement = reading.statement(from, not_read(s));
    judge_findings(s);
    judge_sources(s);
    if (source.role == source_role::mis) judge_alerts(s);
    judge_rules(s);
    state_sources(s);
    s.t.streams = outcome.closed;
    s.report.entries = static_cast<std::int64_t>(s.t.entries.size());
    s.report.messages = static_cast<std::int64_t>(s.t.messages.size());
    book_.commit(s.t, now);
    book_.sign_checkpoint(now);
    return std::move(s.report);
}

// Every stream that lists this of the source was read to its end, in this read or before.
bool read_closer::is_read_in_full(const step& s, const std::string& source, what kind) const
{
    const auto streams = streams_.find({source, kind});
    return streams != streams_.end() && std::ranges::all_of(streams->second, [&](const std::string& name) {
               const auto closes = [&](const stream_state& each) { return each.stream == name; };
               if (source == s.source.name && std::ranges::any_of(s.outcome.closed, closes)) return true;
               const auto state = book_.stream(source, name);
               return state && !state->windows.empty();
           });
}

// No read that closed before listed any of this.
bool read_closer::is_read_first(const step& s, what kind) const
{
    const auto streams = streams_.find({s.source.name, kind});
    return streams == streams_.end() || std::ranges::all_of(streams->second, [&](const std::string& name) {
               const auto state = book_.stream(s.source.name, name);
               return !state || state->windows.empty();
           });
}

// Kinds of record of which this read says nothing, and why. One that went through and changed too much was read.
std::map<what, std::string_view> read_closer::not_read(const step& s) const
{
    std::map<what, std::string_view> words;
    for (const what kind :
         {what::pupil,
          what::session_mark,
          what::lesson_mark,
          what::incident,
          what::involvement,
          what::suspension,
          what::concern,
          what::adult,
          what::action})
        if (!streams_.contains({s.source.name, kind})) words[kind] = not_read_switched_off;
    for (const stream_info& stream : s.from->streams()) {
        const auto unread = std::ranges::find(s.outcome.unread, stream.name, &std::pair<std::string, errc>::first);
        if (unread == s.outcome.unread.end() || unread->second == errc::mass_change) continue;
        for (const what kind : stream.makes)
            words[kind] = unread->second == errc::source_refused ? not_read_refused : not_read_broke_off;
    }
    return words;
}

void read_closer::relink(step& s)
{
    const bool knows_all_of_mis = is_read_in_full(s, mis_, what::pupil);
    for (const std::string& other : others_) {
        const bool concerned = s.source.name == other || s.source.name == mis_;
        const auto cached = links_.find(other);
        const bool is_fresh = cached != links_.end() && cached->second.knew_all_of_mis == knows_all_of_mis &&
                              cached->second.newest_link == newest_link(s.held);
        if (!concerned || (is_fresh && !s.reading->pupils_changed())) continue;
        links_[other] = {match_people(s.held, mis_, other, knows_all_of_mis), knows_all_of_mis, 0};
        for (draft& d : link_entries(s.held, other, links_[other].outcome)) {
            s.links_changed = true;
            s.add(std::move(d));
        }
    }
    for (auto& [other, known] : links_)
        known.newest_link = newest_link(s.held);
}

// When marks were last read to their end, by what is in the ledger.
std::optional<local_instant> read_closer::last_read_of_marks() const
{
    std::optional<local_instant> through;
    const auto streams = streams_.find({mis_, what::session_mark});
    if (streams == streams_.end()) return through;
    for (const std::string& name : streams->second) {
        const auto known = book_.stream(mis_, name);
        if (known && !known->windows.empty()) through = zone_.to_local(known->windows.front().read_at);
    }
    return through;
}

marks_read read_closer::marks_of(const step& s) const
{
    marks_read state;
    if (!streams_.contains({mis_, what::session_mark})) return state;
    state.through = last_read_of_marks();
    if (s.source.name == mis_) {
        if (s.outcome.marks_closed) {
            state.through = zone_.to_local(s.reading->started());
        } else if (!s.outcome.failures.empty()) {
            const bool refused = s.outcome.failures.front().code == errc::source_refused;
            state.trouble = refused ? held_back::source_refused : held_back::read_incomplete;
        }
    } else if (const auto known = book_.source(mis_); known && !known->error.empty()) {
        const bool refused = known->error_class == error_class(errc::source_refused);
        state.trouble = refused ? held_back::source_refused : held_back::read_incomplete;
    }
    return state;
}

std::vector<full_list> read_closer::full_lists(const step& s)
{
    std::vector<full_list> lists;
    if (!is_read_in_full(s, mis_, what::pupil)) return lists;
    std::size_t on_roll = 0;
    for (const held_thing& pupil : s.held.things(what::pupil).all())
        on_roll += pupil.source == mis_ && pupils_.of(pupil).is_on_roll(s.today) ? 1 : 0;
    for (const std::string& other : others_) {
        const auto known = links_.find(other);
        if (known == links_.end() || !is_read_in_full(s, other, what::pupil)) continue;
        const link_outcome& outcome = known->second.outcome;
        lists.push_back({other, &outcome, outcome.links.size() * 100 >= on_roll * covers_roll_percent});
    }
    return lists;
}

std::vector<freshness> read_closer::freshness_of(const step& s) const
{
    std::vector<freshness> all;
    for (const source_configuration& each : settings_.sources) {
        freshness state;
        state.source = each.name;
        state.is_mis = each.role == source_role::mis;
        state.stale_after = each.stale_after;
        const auto known = book_.source(each.name);
        if (known) {
            state.last_success = known->last_success;
            state.newest_day = known->newest_day;
            state.data_as_of = known->data_as_of;
        }
        if (each.name == s.source.name) {
            if (s.outcome.failures.empty()) state.last_success = s.now;
            if (s.reading->data_as_of())
                state.data_as_of =
                    std::max(state.data_as_of.value_or(*s.reading->data_as_of()), *s.reading->data_as_of());
            if (s.reading->newest_day())
                state.newest_day =
                    std::max(state.newest_day.value_or(*s.reading->newest_day()), *s.reading->newest_day());
        } else if (!known || !known->last_attempt) {
            continue; // its own first read is still to come
        }
        all.push_back(std::move(state));
    }
    return all;
}

// What was done about a pupil in the last year. Notes and decisions are the school's own and nothing that was done.
std::vector<recorded_action> read_closer::actions_to_find(const step& s) const
{
    std::vector<recorded_action> all;
    for (const case_action& each : actions_in(s.held)) {
        const bool is_deed = each.is_done && !is_called_off(each) && each.kind != "note" && each.kind != "decision";
        // A first-day call belongs to the register and to no case of the safeguarding system.
        if (is_deed && each.alert != no_entry && each.pupil != no_entry && each.on > s.today - std::chrono::days(365))
            all.push_back({each.id, each.pupil, each.on, each.kind});
    }
    return all;
}

// The source's own counts beside what is held. Only a read of the whole year can tell: a mark that was amended outside
// a nearer window would differ until its turn comes.
std::optional<possible_sums> read_closer::possible_of(const step& s) const
{
    const auto stated = s.from ? s.from->possible_sessions() : std::vector<std::pair<std::string, std::int64_t>>();
    const auto read_from = s.reading->marks_read_from();
    const attendance_register* marks = s.held.find_register(s.source.name);
    if (stated.empty() || !marks || !s.outcome.marks_closed || !read_from) return std::nullopt;
    const day_range year = settings_.calendar.academic_year_to(s.today);
    if (*read_from && **read_from > year.first) return std::nullopt;
    possible_sums sums;
    for (const auto& [id, possible] : stated) {
        const held_thing* pupil = std::as_const(s.held).things(what::pupil).find(s.source.name, id);
        const auto number = pupil ? marks->find_pupil(pupil->pupil) : std::nullopt;
        const std::int64_t held = number ? marks->figures_of(*number, year).possible : 0;
        sums.stated += possible;
        sums.held += held;
        sums.differing += held != possible ? 1 : 0;
    }
    return sums;
}

void read_closer::judge_findings(step& s)
{
    const std::vector<freshness> sources = freshness_of(s);
    const bool lists_actions = s.source.role != source_role::mis && is_read_in_full(s, s.source.name, what::action);
    const std::vector<recorded_action> actions = lists_actions ? actions_to_find(s) : std::vector<recorded_action>();
    const closing_read read{
        *s.reading,
        zone_.to_local(s.now),
        s.now,
        marks_of(s),
        s.outcome.marks_closed && s.source.name == mis_,
        is_read_in_full(s, mis_, what::suspension),
        s.links_changed,
        full_lists(s),
        sources,
        s.outcome.failures,
        s.statement,
        zone_,
        actions,
        lists_actions,
        possible_of(s),
        &flags_};
    for (draft& d : findings_.judge(s.held, read))
        s.add(std::move(d));
}

// What stood when a source was first read, or was never read, belongs to its being set up: it is told once it is as old
// as data may be.
bool read_closer::has_stood(const source_configuration& source, instant opened, instant now) const
{
    const auto state = book_.source(source.name);
    const bool came_later = state && state->first_closed_at && opened > *state->first_closed_at;
    return came_later || now - opened > source.stale_after;
}

// Whatever was read or failed just now, the data of any source may have come of age.
void read_closer::judge_sources(step& s)
{
    for (const rule_in_force& each : rules_)
        if (each.kind->by_source && each.by->measure != failed_rule_measure)
            for (const source_configuration& source : settings_.sources)
                judge_source(s, each, source);
}

// By the finding about it.
void read_closer::judge_source(step& s, const rule_in_force& in_force, const source_configuration& source)
{
    verdict now;
    const held_thing* stale = std::as_const(s.held).things(what::finding).find("", "source-stale/" + source.name);
    const auto found = stale && !stale->gone ? held_finding(s.held, *stale) : std::nullopt;
    if (found && has_stood(source, found->second, s.now)) {
        now.stage = 0;
        now.evidence = {stale->entry};
        now.detail = found->first.explanation;
        if (source.name == mis_)
            now.detail += " Until it is read again, first-day calling goes by the school's own registers.";
    }
    judge_subject(s, in_force, source.name, std::move(now));
}

// Why a rule that is switched on says nothing, in whole sentences; empty where it does judge.
std::string read_closer::why_not_judged(const step& s, const rule_in_force& of) const
{
    const auto broke_off = failing_.find(of.by->id);
    if (broke_off != failing_.end() && !broke_off->second.empty())
        return fmt::format(
            "Judging the rule {} broke off for {} {}; every other rule was judged. Look in the log for rule_failed, "
            "and "
            "report it.",
            of.by->id,
            broke_off->second.size(),
            broke_off->second.size() == 1 ? "pupil" : "pupils"
        );
    const auto judged = judge_at(settings_.calendar, zone_.to_local(s.now));
    const auto has_window = [&](const rule_stage& stage) {
        return days_of(of.by->window_of(stage), settings_.calendar, judged->as_of).has_value();
    };
    if (judged && !std::ranges::all_of(of.by->stages, has_window))
        return fmt::format(
            "The calendar has no days for the window of the rule {}. Add the term to the calendar.", of.by->id
        );
    if (of.by->cohort.watch_list && is_read_in_full(s, mis_, what::pupil) && !pupils_.named_nobody().empty())
        return fmt::format(
            "The rule {} leaves out somebody on the safeguarding lead's list: the MIS has nobody by the reference in "
            "place {} of it. Correct it there (a UPN, P-N or SOURCE:ID), or take out who has left, and reload.",
            of.by->id,
            fmt::join(pupils_.named_nobody(), ", ")
        );
    // Records of another source have its own pupils, and the same event may be in both: rules count the MIS's.
    // What was never read when the school was set up is told once that has lasted, and at once when it comes later.
    const what needed = needed_by(*of.by);
    const auto mis = book_.source(mis_);
    const auto source = std::ranges::find(settings_.sources, mis_, &source_configuration::name);
    const bool is_set_up = mis && mis->first_closed_at && source != settings_.sources.end() &&
                           s.now - *mis->first_closed_at > source->stale_after;
    if (streams_.contains({mis_, needed}) || !is_set_up) return {};
    return fmt::format(
        "The rule {} is switched on, and the MIS is not read for what it counts ({}). Read it ({}), or switch the rule "
        "off: enabled = false.",
        of.by->id,
        name_of(needed),
        needed == what::lesson_mark ? "lesson_marks = true in the source's settings"
                                    : "`rollbook connectors probe` shows what each source gives"
    );
}

void read_closer::judge_rules(step& s)
{
    for (const rule_in_force& each : rules_) {
        if (each.by->measure != failed_rule_measure) continue;
        for (const rule_in_force& about : rules_)
            if (!about.kind->by_source) judge_rule(s, each, about);
    }
}

void read_closer::judge_rule(step& s, const rule_in_force& in_force, const rule_in_force& about)
{
    verdict now;
    now.detail = why_not_judged(s, about);
    const held_thing* rules = std::as_const(s.held).things(what::settings).find("", std::string(alert_rules_setting));
    if (!now.detail.empty()) {
        now.stage = 0;
        if (rules) now.evidence = {rules->entry};
    }
    judge_subject(s, in_force, std::string(rule_subject) + about.by->id, std::move(now));
}

// `found` is of a source or of a rule: its stage, evidence and detail.
void read_closer::judge_subject(step& s, const rule_in_force& in_force, const std::string& subject, verdict found)
{
    const rule& by = *in_force.by;
    const held_thing* last = std::as_const(s.held).things(what::alert).find(subject, by.id);
    std::optional<alert> current = last ? parse_alert_payload(last->payload, last->entry) : std::nullopt;
    if (current && is_ended(current->state) && !is_decided(by, *current)) current.reset();
    if (found.stage < 0 && !current) return;
    found.threshold = by.stages.front().at_least;
    found.window = {s.today, s.today};
    found.value = found.stage < 0 ? 0 : 1;
    found.above_clearing = found.stage >= 0;

    verdict then = found;
    then.stage = 0; // it was so when it opened, whatever is known since
    const judged_day judged{s.today, zone_.to_local(s.now)};
    const bool stands = current && !is_ended(current->state);
    // The settings may be written again for another reason: the same trouble is no news.
    if (stands && found.stage >= 0 && subject.starts_with(rule_subject)) found.evidence = current->evidence;
    auto change = next_alert(
        by, in_force.version, {}, current ? &*current : nullptr, found, stands ? &then : nullptr, judged, false, s.now
    );
    if (!change || change->only_value) return;
    change->next.pupil = no_entry;
    change->next.source = subject;
    s.report.alerts_ended += stands && is_ended(change->next.state) ? 1 : 0;
    take_change(s, by, std::move(*change), last);
}

void read_closer::record_watched(step& s)
{
    pupils_.find_watched(s.held, mis_);
    std::map<entry_index, const watched_pupil*> wanted = pupils_.watched();
    for (const held_thing& thing : s.held.things(what::settings).all())
        if (thing.key.starts_with("watch/") && thing.pupil != no_entry) wanted.try_emplace(thing.pupil, nullptr);
    for (const auto& [pupil, watched] : wanted) {
        const held_thing* last = std::as_const(s.held).things(what::settings).find("", fmt::format("watch/{}", pupil));
        draft d = watch_entry(book_, pupil, watched, last);
        if (last && value_of(last->payload) == value_of(d.payload)) continue;
        s.add(std::move(d));
    }
}

void read_closer::judge_alerts(step& s)
{
    // What a failed read left behind is held, and comes as unchanged the next time: then everybody is judged.
    const source_reading& read = *s.reading;
    if (!s.outcome.marks_closed &&
        (read.pupils_changed() || !read.touched_pupils().empty() || !read.touched_cases().empty()))
        judged_all_for_.clear();
    const attendance_register* held = s.held.find_register(mis_);
    const auto judged = judge_at(settings_.calendar, zone_.to_local(s.reading->started()));
    if (!held || !judged || s.outcome.closed.empty()) return;
    s.judged = *judged;

    std::string judged_for = format_day(judged->as_of);
    for (const half_day half : {half_day::am, half_day::pm})
        for (const local_instant counts : settings_.calendar.counting_moments({judged->as_of, half}))
            judged_for += counts <= judged->read_at ? " counted" : " open";
    if (s.reading->pupils_changed() || judged_all_for_.empty()) record_watched(s);
    // What had been read and not settled by the last read is no change any more, and may have met a rule on its own
    // day.
    if (const auto through = last_read_of_marks();
        through && (judged_all_for_.empty() || day_of(*through) < judged->as_of))
        s.silent_from = day_of(*through);
    if (s.outcome.marks_closed) find_changed(s);
    const bool marked_anew = pupils_.set_priorities(marked_in(s.held, marker_kind::priority));
    const bool everyone =
        marked_anew || judged_for != judged_all_for_ || s.reading->pupils_changed() || s.outcome.any_first ||
        (!s.reading->touched_pupils().empty() && std::ranges::any_of(rules_, [](const rule_in_force& each) {
            return compares_with_the_school(each.by->measure);
        }));
    if (s.outcome.marks_closed)
        judged_all_for_ = judged_for;
    else if (everyone)
        judged_all_for_.clear(); // by some rules only, for a day that a clock put back may leave again

    const school_rates rates(*held, settings_.calendar, *judged);
    const rule_facts facts{*held, settings_.calendar, &s.held.cases(), &rates, std::nullopt, findings_.gate(s.held)};
    // A register handed in after its time concerns its form; they are judged in the order in which everybody is.
    const std::vector<entry_index>& of_registers = findings_.pupils_of_changed_registers();
    std::set<entry_index> touched;
    if (!everyone) {
        touched = s.reading->touched_pupils();
        touched.insert(s.reading->touched_cases().begin(), s.reading->touched_cases().end());
        touched.insert(of_registers.begin(), of_registers.end());
        const std::set<entry_index> waiting = pupils_waiting(s);
        touched.insert(waiting.begin(), waiting.end());
    }
    std::vector<pupil_no> to_judge;
    if (everyone || !of_registers.empty()) {
        for (pupil_no number = 0; number < held->pupils(); ++number)
            if (everyone || touched.contains(held->ref_of(number))) to_judge.push_back(number);
    } else {
        for (const entry_index pupil : touched)
            if (const auto number = held->find_pupil(pupil)) to_judge.push_back(*number);
    }
    judge_pupils(s, facts, to_judge);
    s.marks_judged = s.outcome.marks_closed;
    if (!s.baseline.empty()) tell_baseline(s);
    if (settings_.alert_budget > 0 && s.report.alerts_opened > 0) weigh_budget(s, facts);
}

// By which rule the alert counts to the budget of the day on which it opened; null where it does not. What concerns a
// child's safety is in no budget.
read_closer::weighed_alert read_closer::weigh(const held_thing& thing) const
{
    weighed_alert weighed{thing.entry, {}, nullptr};
    const auto each = thing.pupil == no_entry ? std::nullopt : parse_alert_payload(thing.payload, thing.entry);
    if (!each || each->state == alert_state::baseline || each->state == alert_state::pending) return weighed;
    const auto by = std::ranges::find(settings_.rules, each->rule, &rule::id);
    if (by != settings_.rules.end() && !by->safety) weighed.by = &*by;
    weighed.opened_on = day_of(zone_.to_local(each->opened_at));
    return weighed;
}

// Alerts of this school day about pupils, by rule. Each version of an alert is read once.
void read_closer::weigh_budget(step& s, const rule_facts& facts)
{
    const auto& alerts = std::as_const(s.held).things(what::alert).all();
    if (weighed_of_ != s.held.number()) weighed_.clear();
    weighed_of_ = s.held.number();
    weighed_.resize(alerts.size());
    std::map<std::string, std::int64_t> opened;
    std::int64_t in_all = 0;
    auto weighed = weighed_.begin();
    for (const held_thing& thing : alerts) {
        weighed_alert& each = *weighed++;
        if (each.entry != thing.entry) each = weigh(thing);
        if (!each.by || each.opened_on != s.today) continue;
        ++opened[each.by->id];
        ++in_all;
    }
    if (in_all <= settings_.alert_budget) return;
    const std::string day = format_day(s.today);
    const held_thing* last = std::as_const(s.held).things(what::settings).find("", std::string(alert_budget_setting));
    const auto before = last ? json_document::parse(last->payload) : json_document::parse("{}");
    const bool is_first = !before || before->root()["value"]["day"].string_if() != day;
    const std::string advice =
        advice_for(s, facts, opened, in_all)
            .value_or("No threshold of a single rule of the school's own would meet it: look at what opens them.");
    std::string value;
    json_writer out(value);
    out.begin_object().member("advice", advice).member("budget", settings_.alert_budget).member("day", day);
    out.member("opened", in_all).key("rules").begin_object();
    for (const auto& [id, count] : opened)
        out.member(id, count);
    out.end_object().end_object();
    s.add(setting_entry(alert_budget_setting, value, last));
    if (is_first) s.report.over_budget = advice;
}

// The rules that opened most first: for which of them a higher lowest stage would have kept the day within the budget.
std::optional<std::string> read_closer::advice_for(
    step& s, const rule_facts& facts, const std::map<std::string, std::int64_t>& opened, std::int64_t in_all
)
{
    std::vector<std::pair<std::int64_t, const rule*>> most;
    for (const rule_in_force& each : rules_)
        if (const auto at = opened.find(each.by->id); at != opened.end() && may_be_raised(*each.by))
            most.emplace_back(-at->second, each.by);
    std::ranges::sort(most, {}, [](const auto& each) {
        return std::pair(each.first, std::string_view(each.second->id));
    });
    for (const auto& [negative, by] : most) {
        const std::int64_t allowed = settings_.alert_budget - (in_all + negative);
        if (allowed < 0) continue;
        std::vector<value_pair> values;
        for (pupil_no number = 0; number < facts.held.pupils(); ++number) {
            // Whoever is at a higher threshold is over the lowest, and has an alert that stands.
            const entry_index pupil = facts.held.ref_of(number);
            const held_thing* thing =
                std::as_const(s.held).things(what::alert).find("", fmt::format("{}/{}", by->id, pupil));
            if (!thing || thing->gone || pupils_.of(s.held, pupil).gone) continue;
            const judged_pupil who = pupils_.judged(s.held, pupil, number);
            if (const auto pair = values_of(*by, pupil_history(facts, who, s.judged))) values.push_back(*pair);
        }
        const rule_stage& lowest = by->stages.front();
        const bool is_share = find_measure(by->measure)->unit == measure_unit::hundredths;
        const lower_flood found = threshold_within(values, lowest.at_least, is_share ? 100 : 1, allowed);
        return fmt::format(
            "{} opened {} of {}. With its stage \"{}\" from {} instead of {} it would have opened {} today, within the "
            "budget of {}: try `rollbook rules backtest --rule {} --set {}={}`.",
            by->title,
            -negative,
            in_all,
            lowest.name,
            shown_value(found.at_least, is_share),
            shown_value(lowest.at_least, is_share),
            found.would_open,
            settings_.alert_budget,
            by->id,
            lowest.name,
            shown_value(found.at_least, is_share)
        );
    }
    return std::nullopt;
}

const alert* read_closer::read_alert(const step& s, const held_thing& thing)
{
    if (std::exchange(alerts_of_, s.held.number()) != s.held.number()) alerts_.clear();
    known_alert& known = alerts_[thing.subject];
    if (known.entry != thing.entry) known = {thing.entry, parse_alert_payload(thing.payload, thing.entry), false, {}};
    return known.read ? &*known.read : nullptr;
}

const alert* read_closer::standing_alert(const step& s, const held_thing& thing, std::optional<alert>& followed)
{
    const alert* read = read_alert(s, thing);
    if (!read) return nullptr;
    known_alert& known = alerts_[thing.subject];
    if (!std::exchange(known.is_value_asked, true)) known.value = book_.value_of(read->id);
    if (!known.value) return read;
    followed = *read;
    follow_value(*followed, *known.value);
    return &*followed;
}

// Those of whom a condition is met and has not lasted as long as its rule asks: time alone brings them on.
std::set<entry_index> read_closer::pupils_waiting(const step& s)
{
    std::set<entry_index> found;
    if (std::ranges::none_of(rules_, [](const rule_in_force& each) { return each.by->hold.count() > 0; })) return found;
    for (const held_thing& thing : std::as_const(s.held).things(what::alert).all()) {
        if (thing.gone) continue;
        const alert* standing = read_alert(s, thing);
        if (standing && standing->state == alert_state::pending) found.insert(standing->pupil);
    }
    return found;
}

void read_closer::judge_pupils(step& s, const rule_facts& facts, std::span<const pupil_no> numbers)
{
    if (numbers.empty()) return;
    // So many at once that their marks fit beside each other in a processor's cache.
    constexpr std::size_t at_once = 8;
    civil_day from = s.judged.as_of;
    for (const rule_in_force& each : rules_)
        if (each.kind->reads_marks && !each.kind->by_clock)
            from = std::min(from, first_day_of_windows(*each.by, settings_.calendar, s.judged.as_of).value_or(from));
    std::vector<judged_pupil> pupils;
    for (std::size_t first = 0; first < numbers.size(); first += at_once) {
        pupils.clear();
        for (const pupil_no number : numbers.subspan(first, std::min(at_once, numbers.size() - first)))
            pupils.push_back(pupils_.judged(s.held, facts.held.ref_of(number), number));
        for (const pupil_history& history : pupil_history::of_several(facts, pupils, s.judged, from))
            judge_pupil(s, history);
    }
}

void read_closer::judge_pupil(step& s, const pupil_history& history)
{
    for (const rule_in_force& each : rules_) {
        // Marks that are half read would be half judged; of incidents what has come is true as far as it goes.
        if (each.kind->by_clock || each.kind->by_source) continue;
        if (each.kind->reads_marks && !s.outcome.marks_closed) continue;
        // Nobody is judged before marks were read.
        const bool first = s.outcome.marks_first || (!each.kind->reads_marks && is_read_first(s, needed_by(*each.by)));
        judge_by(s, each, history, first && !each.by->safety, true);
    }
}

closing_report read_closer::judge_clock(instant now, bool half_read)
{
    const local_instant read_at = zone_.to_local(now);
    const attendance_register* held = book_.state().find_register(mis_);
    const auto source = std::ranges::find(settings_.sources, mis_, &source_configuration::name);
    const bool any = std::ranges::any_of(rules_, [](const rule_in_force& each) { return each.kind->by_clock; });
    const auto state = book_.source(mis_);
    // Before the first read was closed nothing is known of anybody.
    const bool is_known = state && state->first_closed_at;
    if (!any || !held || !is_known || source == settings_.sources.end()) return {};
    const read_outcome outcome;
    step s{*source, nullptr, nullptr, outcome, now, day_of(read_at), book_.size(), {}, {}, {}, book_.state()};
    s.judged = {s.today, read_at};
    pupils_.find_contacts(s.held, zone_);
    if (judged_all_for_.empty()) pupils_.find_watched(s.held, mis_); // no read has closed since the start
    // A read that closes next still learns that they changed, and judges everybody by every rule.
    if (pupils_.set_priorities(marked_in(s.held, marker_kind::priority))) judged_all_for_.clear();

    rule_facts facts{*held, settings_.calendar, &s.held.cases(), nullptr, std::nullopt, findings_.gate(s.held)};
    if (state->last_success) facts.last_read = zone_.to_local(*state->last_success);
    // A new alert is about today: what a holiday or the night finds is no news.
    const auto mornings = settings_.calendar.all_times_of({s.today, half_day::am});
    const bool may_open =
        settings_.calendar.is_school_day(s.today) &&
        std::ranges::any_of(mornings, [&](const session_time& morning) { return s.today + morning.closes <= read_at; });
    std::vector<std::pair<entry_index, pupil_no>> pupils;
    for (pupil_no number = 0; number < held->pupils(); ++number)
        pupils.emplace_back(held->ref_of(number), number);
    // Who has no place in the register had no mark yet: of them nothing is known either.
    const auto nowhere = static_cast<pupil_no>(held->pupils());
    for (const held_thing& pupil : std::as_const(s.held).things(what::pupil).all())
        if (pupil.source == mis_ && !pupil.gone && !held->find_pupil(pupil.subject))
            pupils.emplace_back(pupil.subject, nowhere);
    for (const auto& [pupil, number] : pupils) {
        judged_pupil who = pupils_.judged(s.held, pupil, number);
        const bool says_since_when = who.on_roll_from.has_value();
        for (const rule_in_force& each : rules_) {
            if (!each.kind->by_clock || !each.kind->reads_marks) continue;
            // Which registers were taken is known once this process has closed a read.
            if (!facts.gate && each.by->when_unknown != rule::unknown::tell) continue;
            const held_thing* known = s.held.things(what::alert).find("", fmt::format("{}/{}", each.by->id, pupil));
            const bool opens =
                may_open && in_cohort(each.by->cohort, who, s.today) && pupils_.of(s.held, pupil).is_on_roll(s.today);
            if (!known && !opens) continue;
            // Who is new is missed from today on, or from the day for which their alert opened.
            if (!says_since_when && !had_mark(*held, number)) {
                const alert* standing = known && !known->gone ? read_alert(s, *known) : nullptr;
                who.on_roll_from = standing ? standing->opened_for.as_of : s.today;
            }
            facts.is_half_read = half_read && (!known || known->gone);
            judge_by(s, each, {facts, who, s.judged}, false, opens);
        }
    }
    if (s.t.empty()) return {};
    s.report.entries = static_cast<std::int64_t>(s.t.entries.size());
    s.report.messages = static_cast<std::int64_t>(s.t.messages.size());
    book_.commit(s.t, now);
    book_.sign_checkpoint(now);
    return std::move(s.report);
}

void read_closer::judge_by(
    step& s, const rule_in_force& in_force, const pupil_history& history, bool first, bool may_open
)
{
    const rule& by = *in_force.by;
    const judged_pupil& who = history.pupil();
    const entry_index pupil = who.ref;
    const held_thing* thing = s.held.things(what::alert).find("", fmt::format("{}/{}", by.id, pupil));
    std::optional<alert> followed;
    const alert* current = !thing ? nullptr : thing->gone ? read_alert(s, *thing) : standing_alert(s, *thing, followed);
    const alert* const last = current;
    std::vector<entry_index> used = used_before(by, current);
    if (current && is_ended(current->state) && !is_decided(by, *current)) current = nullptr;
    may_open = may_open && !pupils_.of(s.held, pupil).gone; // nothing new is opened for a leaver
    if (!current && !may_open) return;

    std::optional<alert_change> change;
    try {
        const bool stands = current && !is_ended(current->state);
        std::optional<verdict> then;
        if (stands) then = evaluate_fresh(by, history_then(history, current->opened_for), current->used);
        // What a rule by the clock saw was so at that minute: a later mark ends it and does not unsay it.
        if (stands && in_force.kind->by_clock) then->stage = std::max(then->stage, 0);
        late_duty due{{s.judged, evaluate_fresh(by, history, used)}, false};
        if (!first) due = judge_late(s, in_force, history, last, used, std::move(due.found));
        if (due.opens_anew) {
            current = nullptr;
            if (!may_open) return;
        }
        if (stands && due.found.stage < 0 && !in_force.kind->by_clock)
            then = verdict_stood_for(by, *current, std::move(*then), history);
        change = next_alert(
            by, in_force.version, who, current, due.found, then ? &*then : nullptr, due.judged, first, s.now
        );
        // An alert that a person closed does not begin anew for a leaver either.
        if (change && change->next.id == no_entry && !may_open) change.reset();
        if (!failing_.empty()) failing_[by.id].erase(pupil);
    } catch (const std::exception& e) {
        // One rule that breaks off must not silence the others: the rule itself becomes an alert.
        if (failing_[by.id].empty()) log_event(event::rule_failed, by.id, typeid(e).name());
        failing_[by.id].insert(pupil);
    }
    if (!change) return;
    if (change->only_value) {
        alerts_[thing->subject].is_value_asked = false;
        s.t.values.push_back(value_to_keep(change->next));
        return;
    }

    const bool ending = is_ended(change->next.state) && current && !is_ended(current->state);
    s.report.alerts_ended += ending ? 1 : 0;
    take_change(s, by, std::move(*change), thing);
}

// What changed since the rules on marks last went by them, by this process or one that died before it closed its read.
// What lies before all that was read so far is history, and no news of its day.
void read_closer::find_changed(step& s) const
{
    const auto known = book_.source(mis_);
    std::optional<civil_day> reach;
    for (const std::string& name : streams_.at({mis_, what::session_mark}))
        if (const auto stream = book_.stream(mis_, name))
            for (const stream_state::window& each : stream->windows)
                reach = std::min(reach.value_or(civil_day::max()), each.from.value_or(civil_day{}));
    if (!reach || !known || !known->marks_judged_to) return;
    const entry_index first = *known->marks_judged_to;
    const auto note = [&](entry_index pupil, civil_day day) {
        if (day < *reach) return;
        civil_day& from = s.changed_from.try_emplace(pupil, day).first->second;
        from = std::min(from, day);
    };
    for (const auto& [pupil, day] : book_.days_of_marks_since(mis_, first, *reach))
        note(pupil, day);
    for (const draft& each : s.t.entries)
        if (const auto* mark = std::get_if<mark_version>(&each.row)) note(mark->pupil, mark->session.day);
    for (const suspension_fact& each : std::as_const(s.held).cases().suspensions())
        if (each.entry != no_entry && each.entry >= first && each.from) note(each.pupil, *each.from);
}

// Every alert there was of the rule about the pupil, each as it is now.
std::vector<alert> read_closer::alerts_of(const step& s, const rule& by, entry_index pupil) const
{
    std::vector<alert> all;
    const std::string key = fmt::format("{}/{}", by.id, pupil);
    for (const held_thing& thing : std::as_const(s.held).things(what::alert).all())
        if (thing.pupil == pupil && thing.key == key)
            if (auto read = parse_alert_payload(thing.payload, thing.entry)) all.push_back(std::move(*read));
    return all;
}

// The days of each alert of the rule about the pupil that a person decided and that is over, from its opening on.
std::vector<day_range> read_closer::decided_episodes(const step& s, const rule& by, entry_index pupil) const
{
    std::vector<day_range> all;
    for (const alert& over : alerts_of(s, by, pupil)) {
        if (over.state != alert_state::resolved) continue;
        all.push_back({over.opened_for.as_of, over.window.last});
        for (const earlier_duty& each : over.also_met)
            all.push_back(each.days);
    }
    return all;
}

// The days of which alerts of the rule told about the pupil, but for those that were unsaid.
std::vector<told_day> read_closer::told_days_of(const step& s, const rule& by, entry_index pupil) const
{
    std::vector<told_day> all;
    for (const alert& each : alerts_of(s, by, pupil)) {
        if (each.state == alert_state::withdrawn) continue;
        const std::vector<told_day> days = days_told(each);
        all.insert(all.end(), days.begin(), days.end());
    }
    return all;
}

// Today's verdict, and what late marks show besides.
late_duty read_closer::judge_late(
    const step& s,
    const rule_in_force& in_force,
    const pupil_history& history,
    const alert* last,
    const std::vector<entry_index>& used,
    verdict today
) const
{
    late_duty found{{s.judged, std::move(today)}, false};
    const rule& by = *in_force.by;
    if (!(by.needs_decision || by.safety) || in_force.kind->by_clock) return found;
    const entry_index pupil = history.pupil().ref;
    std::optional<civil_day> from = s.silent_from;
    if (const auto changed = s.changed_from.find(pupil); changed != s.changed_from.end())
        from = std::min(from.value_or(changed->second), changed->second);
    if (!from) return found;

    std::vector<judged_verdict> earlier;
    const auto& days = settings_.calendar.school_days();
    const auto first = std::ranges::lower_bound(days, *from);
    for (auto day = first; day != days.end() && *day < s.judged.as_of; ++day)
        earlier.push_back(judged_at_end_of(*day, by, history, used));
    if (std::ranges::none_of(earlier, [](const judged_verdict& each) { return each.found.stage >= 0; })) return found;
    if (by.safety) {
        const verdict before =
            first == days.begin() ? verdict() : judged_at_end_of(*std::prev(first), by, history, used).found;
        const auto known = book_.source(mis_);
        const news_since since{
            s.silent_from, known && known->marks_judged_to ? entry_index(*known->marks_judged_to) : no_entry};
        return with_late_days(by, last, std::move(found), before, earlier, told_days_of(s, by, pupil), since);
    }
    const auto decided = by.reuse_evidence ? decided_episodes(s, by, pupil) : std::vector<day_range>();
    return with_late_duties(by, last, std::move(found), std::move(earlier), decided);
}

void read_closer::take_change(step& s, const rule& by, alert_change change, const held_thing* replaced)
{
    const entry_index index = s.next_index();
    const bool opening = change.next.id == no_entry;
    s.add(alert_entry(change.next, index, opening ? nullptr : replaced));
    if (opening) change.next.id = index;
    s.report.alerts_opened += opening ? 1 : 0;
    if (change.tell == telling::baseline)
        s.baseline[by.id][change.next.stage].push_back(change.next.pupil);
    else if (change.tell != telling::nothing)
        tell(s, by, change.next, change.tell, change.stage_before);
}

void read_closer::tell(step& s, const rule& by, const alert& about, telling what_to_tell, int stage_before)
{
    const named_pupil pupil = named_subject(s.held, about);
    if (is_silenced(s.silences, by, about.pupil, s.today)) return;
    const bool flaps = !by.safety && what_to_tell == telling::opened && has_flapped(s, by, about);
    for (const route_configuration& route : settings_.routes) {
        const bool is_risen = what_to_tell == telling::stage_up;
        const bool is_wanted = is_risen ? route.wants_rise(by, stage_before, place_of_stage(by, about.stage))
                                        : route.wants_alert(by, about.stage);
        if (!is_wanted) continue;
        if (is_about_source(about) && route.channel == "note") continue; // it goes to a pupil's record
        std::string first = book_.first_message_id(about.id, route.name);
        // Who was told of an alert hears its end, though the pupil has moved on to another form.
        if (first.empty() && !pupils_.is_for(route, s.held, about.pupil, s.today)) continue;
        const bool waits = take_over_waiting(s, about.id, route.name, first);
        if (waits && what_to_tell == telling::ended) continue; // nobody was told that it opened
        // Of a stage that this route begins with, or of a pupil who is new to it, the alert opens here.
        const bool begins = first.empty() && (!route.stages.empty() || !route.is_for_all());
        const bool unheard = waits || (is_risen && begins);
        if (begins && what_to_tell == telling::ended && !route.is_for_all()) continue;
        outbox_message m = alert_message(
            messages_of(s),
            route,
            by,
            about,
            unheard && !tells_another_day(what_to_tell) ? telling::opened : what_to_tell,
            pupil,
            unheard ? std::string() : std::move(first),
            s.now
        );
        // It counts as late from the moment on at which it may go.
        m.next_at = m.content.made_at = flaps ? next_morning(settings_, s.now) : may_go_at(settings_, route, by, s.now);
        s.t.messages.push_back(std::move(m));
    }
}

// Opened and ended so often in a day that only one that still stands the next school morning is told of.
bool read_closer::has_flapped(const step& s, const rule& by, const alert& about) const
{
    constexpr int ended_max = 2;
    int ended = 0;
    const std::string key = is_about_source(about) ? by.id : fmt::format("{}/{}", by.id, about.pupil);
    for (const held_thing& thing : std::as_const(s.held).things(what::alert).all()) {
        if (!thing.gone || thing.key != key || thing.source != about.source) continue;
        const auto before = parse_alert_payload(thing.payload, thing.entry);
        ended += before && !before->decided && s.now - before->changed_at < std::chrono::hours(24) ? 1 : 0;
    }
    return ended >= ended_max;
}

// What still waits for school hours about the same alert is said by the newer message. True when that was all that was
// ever said of it: the `first` message waits, too.
bool read_closer::take_over_waiting(step& s, entry_index about, const std::string& route, const std::string& first)
{
    bool unheard = false;
    for (const outbox_message& waiting : book_.untried_messages(about, route)) {
        if (waiting.next_at <= s.now) continue;
        unheard = unheard || waiting.content.id == first;
        transaction::attempt_result needless;
        needless.number = waiting.number;
        needless.as = transaction::attempt_result::end::replaced;
        s.t.attempts.push_back(std::move(needless));
    }
    return unheard;
}

void read_closer::tell_baseline(step& s)
{
    for (const route_configuration& route : settings_.routes) {
        if (route.channel == "note") continue; // about no single pupil
        baseline_counts wanted;
        for (const auto& [rule_id, stages] : s.baseline)
            for (const auto& [stage, pupils] : stages) {
                if (!route.wants_alert(*settings_.find_rule(rule_id), stage)) continue;
                const auto is_told = [&](entry_index pupil) { return pupils_.is_for(route, s.held, pupil, s.today); };
                if (const auto count = std::ranges::count_if(pupils, is_told))
                    wanted[rule_id][stage] = static_cast<int>(count);
            }
        if (!wanted.empty())
            s.t.messages.push_back(
                baseline_message(messages_of(s), route, settings_.rules, wanted, s.next_index(), s.now)
            );
    }
}

void read_closer::state_sources(step& s)
{
    source_state state = book_.source(s.source.name).value_or(source_state{});
    const std::string error_before = state.error;
    state.source = s.source.name;
    state.last_attempt = s.now;
    if (s.reading->data_as_of())
        state.data_as_of = std::max(state.data_as_of.value_or(*s.reading->data_as_of()), *s.reading->data_as_of());
    if (s.reading->newest_day())
        state.newest_day = std::max(state.newest_day.value_or(*s.reading->newest_day()), *s.reading->newest_day());
    if (s.outcome.failures.empty()) {
        state.last_success = s.now;
        state.error.clear();
        state.error_to_do.clear();
        state.error_class.clear();
    } else {
        const failure& first = s.outcome.failures.front();
        state.error = first.what;
        state.error_to_do = first.to_do;
        state.error_class = error_class(first.code);
    }
    const bool closes = !s.outcome.closed.empty();
    const bool first = closes && !state.first_closed_at;
    if (first) state.first_closed_at = s.now;

    s.report.statements = std::move(s.statement);
    const bool quiet =
        std::all_of(s.report.statements.begin(), s.report.statements.end(), [](const statement_row& row) {
            return row.nothing_new() && (row.balanced || !row.not_read.empty());
        });
    for (statement_row& row : s.report.statements)
        row.at = s.now;
    s.t.statements = s.report.statements;
    const bool newly_failed = !state.error.empty() && state.error != error_before;
    if (closes || newly_failed)
        if (first || !quiet || newly_failed || state.statement_day != s.today) {
            state.statement_day = s.today;
            s.add(statement_entry(s.source.name, s.now, s.report.statements, first, state.error, s.next_index()));
        }
    if (s.marks_judged) state.marks_judged_to = s.next_index();
    s.t.sources.push_back(std::move(state));
}

} // namespace rollbook
