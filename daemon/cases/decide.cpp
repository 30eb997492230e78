#include "daemon/cases/decide.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/spoken.hpp"
#include "daemon/cases/marker.hpp"
#include "daemon/cases/meeting.hpp"
#include "daemon/cases/opened_pupil.hpp"
#include "daemon/cases/penalty.hpp"
#include "daemon/cases/silence.hpp"
#include "daemon/reconcile/links.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rollbook {
namespace {

struct desk {
    const held_state& held;
    const configuration& settings;
    const decision_request& asked;
    entry_index next;
    civil_day today;
    instant now;
};

// `entry`: the one that is to be, or the one that stands; `id`: of the alert, action, silence or link.
decision_outcome
outcome_of(std::optional<draft> entry, entry_index index, entry_index id, std::string_view done, std::string line)
{
    decision_outcome outcome;
    json_writer out(outcome.report.json);
    out.begin_object().member("done", entry ? done : "nothing").key("entry");
    if (entry)
        out.value(index);
    else
        out.null();
    out.member("id", id).end_object();
    outcome.report.lines.push_back(std::move(line));
    outcome.entry = std::move(entry);
    return outcome;
}

struct found_alert {
    const held_thing* thing = nullptr;
    alert value;
};

result<found_alert> find_alert(const desk& at)
{
    const held_thing* thing = at.held.things(what::alert).find_subject(at.asked.about);
    auto value = thing ? parse_alert_payload(thing->payload, thing->entry) : std::nullopt;
    if (value) return found_alert{thing, std::move(*value)};
    return failure(
        errc::not_found,
        fmt::format("no alert has the id {}", at.asked.about),
        "`rollbook alerts list --state all` lists every alert with its id."
    );
}

alert_verb verb_of(decision_kind kind)
{
    switch (kind) {
    case decision_kind::take_up: return alert_verb::take_up;
    case decision_kind::park: return alert_verb::park;
    case decision_kind::close: return alert_verb::close;
    default: return alert_verb::acknowledge;
    }
}

std::string said_of(const alert& value)
{
    return value.parked ? "parked until its stage rises" : std::string(name_of(value.state));
}

result<decision_outcome> decide_state(const desk& at)
{
    const auto found = find_alert(at);
    if (!found) return found.error();
    const rule* of = at.settings.find_rule(found->value.rule);
    alert_decision decided{verb_of(at.asked.kind), at.asked.user, at.asked.by, at.asked.outcome, at.asked.text};
    if (decided.verb == alert_verb::close && decided.outcome.empty()) decided.outcome = "closed";
    const auto next = decide_alert(found->value, decided, of != nullptr && of->needs_decision, at.now);
    if (!next) return next.error();
    const entry_index id = found->value.id;
    const std::string standing = said_of(*next ? **next : found->value);
    if (!*next) return outcome_of({}, 0, id, "", fmt::format("Alert {} is {} already.", id, standing));
    return outcome_of(
        alert_entry(**next, at.next, found->thing),
        at.next,
        id,
        name_of(decided.verb),
        fmt::format("Alert {} is {}.", id, standing)
    );
}

// Two ways of saying the same thing that is still to be done.
bool says_the_same(const case_action& a, const case_action& b)
{
    return a.alert == b.alert && a.kind == b.kind && a.is_done == b.is_done && a.owner == b.owner &&
           a.adult == b.adult && a.on == b.on && a.due == b.due && a.review == b.review && a.text == b.text &&
           a.outcome == b.outcome && a.user == b.user && a.by == b.by;
}

result<void> check_action(const case_action& action)
{
    const auto kinds = action_kinds();
    const auto wrong = [](std::string what, std::string to_do) {
        return failure(errc::usage, std::move(what), std::move(to_do));
    };
    if (std::ranges::find(kinds, std::string_view(action.kind)) == kinds.end())
        return wrong(
            "that is no kind of action",
            fmt::format("Give --kind as one of: {}.", fmt::join(kinds.begin(), kinds.end(), ", "))
        );
    if (action.kind == "note" && action.text.empty()) return wrong("a note needs words", "Give --text TEXT.");
    if (action.kind == "decision" && action.text.empty())
        return wrong("a decision needs its reason", "Give --text TEXT.");
    if (action.kind == "penalty-notice" && action.adult.empty())
        return wrong(
            "a penalty notice is to one adult", "Give --adult with the school's reference of the parent, such as A-12."
        );
    if (action.due && action.review && *action.review < *action.due)
        return wrong("the review lies before the day it is due", "Give --review D on or after --due D.");
    return {};
}

// Of a penalty notice, whether it may stand beside the others to that adult about that child.
result<void> check_notice(const std::vector<case_action>& all, const case_action& notice)
{
    if (notice.kind != "penalty-notice" || is_called_off(notice)) return {};
    std::vector<case_action> others = all;
    std::erase_if(others, [&](const case_action& each) { return each.id == notice.id; });
    const notice_answer answer = may_issue(notices_in(others, notice.pupil, notice.adult), notice.on);
    if (answer.allowed) return {};
    return failure(errc::forbidden, answer.reason, answer.to_do);
}

// An attempt to reach somebody about a pupil of whom there need be no alert. Two that are alike are two attempts,
// unless they come within a minute: then a button was pressed twice.
result<decision_outcome> decide_contact(const desk& at)
{
    const auto outcomes = contact_outcomes();
    const held_thing* pupil = at.held.things(what::pupil).find_subject(at.asked.pupil);
    if (!pupil || pupil->gone)
        return failure(
            errc::not_found, "no pupil is known by that reference", "`rollbook links list` lists references."
        );
    if (at.asked.kind != decision_kind::act || at.asked.action != "call")
        return failure(errc::usage, "only a call can be about a pupil without an alert", "Open an alert of the pupil.");
    if (std::ranges::find(outcomes, std::string_view(at.asked.outcome)) == outcomes.end())
        return failure(
            errc::usage,
            "a call has an outcome of first-day calling",
            fmt::format("Give one of: {}.", fmt::join(outcomes.begin(), outcomes.end(), ", "))
        );
    case_action call;
    call.pupil = at.asked.pupil;
    call.kind = "call";
    call.is_done = true;
    call.on = at.today;
    call.text = at.asked.text;
    call.outcome = at.asked.outcome;
    call.user = at.asked.user;
    call.by = at.asked.by;
    call.at = at.now;
    for (const case_action& each : actions_in(at.held))
        if (each.pupil == call.pupil && says_the_same(each, call) && at.now - each.at < std::chrono::minutes(1))
            return outcome_of({}, 0, each.id, "", fmt::format("It stands already as action {}.", each.id));
    return outcome_of(
        action_entry(call), at.next, at.next, "call", fmt::format("Recorded as action {}: {}.", at.next, call.outcome)
    );
}

result<decision_outcome> decide_action(const desk& at)
{
    if (at.asked.about == no_entry && at.asked.pupil != no_entry) return decide_contact(at);
    const auto found = find_alert(at);
    if (!found) return found.error();
    if (is_about_source(found->value))
        return failure(
            errc::forbidden,
            fmt::format("alert {} is about a source, and actions are about a pupil", found->value.id),
            "Acknowledge it or close it; both take --text."
        );
    case_action action;
    action.alert = found->value.id;
    action.pupil = found->value.pupil;
    action.rule = found->value.rule;
    action.kind = at.asked.kind == decision_kind::note ? "note" : at.asked.action;
    action.owner = at.asked.owner;
    action.adult = at.asked.adult;
    action.on = at.asked.on.value_or(at.today);
    action.due = at.asked.due;
    action.review = at.asked.review;
    action.text = at.asked.text;
    action.outcome = at.asked.outcome;
    action.is_done = action.kind == "note" || !action.outcome.empty();
    action.user = at.asked.user;
    action.by = at.asked.by;
    action.at = at.now;
    if (rests_on_evidence(action.kind)) action.evidence = found->value.evidence;
    if (const auto sound = check_action(action); !sound) return sound.error();
    if (goes_home(action.kind) && !action.is_done &&
        is_marked(markers_in(at.held), marker_kind::handle_with_care, action.pupil))
        return refuses_letters(action.pupil);

    const std::vector<case_action> all = actions_in(at.held);
    const auto same = std::ranges::find_if(all, [&](const case_action& each) { return says_the_same(each, action); });
    if (same != all.end())
        return outcome_of({}, 0, same->id, "", fmt::format("It stands already as action {}.", same->id));
    if (const auto sound = check_notice(all, action); !sound) return sound.error();
    const std::string until = action.due ? fmt::format(", due {}", spoken_date(*action.due)) : std::string();
    return outcome_of(
        action_entry(action),
        at.next,
        at.next,
        action.kind,
        fmt::format("Recorded as action {} of alert {}: {}{}.", at.next, action.alert, action.kind, until)
    );
}

result<decision_outcome> decide_finish(const desk& at)
{
    const held_thing* thing = at.held.things(what::action).find_subject(at.asked.about);
    auto action = thing ? parse_action_payload(thing->payload, thing->entry) : std::nullopt;
    if (!action || (at.asked.alert != no_entry && action->alert != at.asked.alert))
        return failure(
            errc::not_found,
            fmt::format("no action has the number {}", at.asked.about),
            "`rollbook alerts show ID` lists the actions of an alert."
        );
    if (at.asked.outcome.empty())
        return failure(
            errc::usage, "an action ends with its outcome", "Give --outcome WORD, such as done or cancelled."
        );
    const bool is_same =
        action->is_done && action->outcome == at.asked.outcome && action->outcome_text == at.asked.text;
    if (is_same) return outcome_of({}, 0, action->id, "", fmt::format("Action {} is done already.", action->id));
    const bool is_done_now = !std::exchange(action->is_done, true);
    const bool was_called_off = is_called_off(*action);
    action->outcome = at.asked.outcome;
    // Until then it was the day on which it was planned. What was done already and is withdrawn was done on its day.
    if (is_done_now && !is_called_off(*action)) action->on = at.asked.on.value_or(at.today);
    if (is_done_now || was_called_off)
        if (const auto sound = check_notice(actions_in(at.held), *action); !sound) return sound.error();
    action->outcome_text = at.asked.text;
    action->user = at.asked.user;
    action->by = at.asked.by;
    action->at = at.now;
    return outcome_of(
        action_entry(*action),
        at.next,
        action->id,
        "finish",
        fmt::format("Action {} is done: {}.", action->id, action->outcome)
    );
}

result<decision_outcome> decide_silence(const desk& at)
{
    silence begun;
    begun.pupil = at.asked.pupil;
    begun.rule = at.asked.rule;
    begun.until = at.asked.until.value_or(civil_day{});
    begun.reason = at.asked.text;
    begun.by = at.asked.by;
    begun.user = at.asked.user;
    begun.begun_at = at.now;
    begun.at = at.now;
    const rule* of = begun.rule.empty() ? nullptr : at.settings.find_rule(begun.rule);
    if (begun.pupil == no_entry && begun.rule.empty())
        return failure(errc::usage, "a silence is about a pupil or a rule", "Give --pupil REF, --rule ID, or both.");
    if (begun.pupil != no_entry && !at.held.things(what::pupil).find_subject(begun.pupil))
        return failure(
            errc::not_found, "no pupil is known by that reference", "`rollbook links list` lists references."
        );
    if (!begun.rule.empty() && of == nullptr)
        return failure(errc::not_found, "no rule has that id", "`rollbook rules list` lists them.");
    if (of != nullptr && of->safety)
        return failure(
            errc::forbidden,
            "the rule " + begun.rule + " is there for a child's safety and is never silent",
            "Close its alert with what you know, or correct the mark."
        );
    if (begun.reason.empty()) return failure(errc::usage, "a silence needs its reason", "Give --reason TEXT.");
    if (!at.asked.until || begun.until < at.today)
        return failure(errc::usage, "a silence needs a last day that is still to come", "Give --until D.");

    for (const silence& each : silences_in(at.held))
        if (each.stands_on(at.today) && each.pupil == begun.pupil && each.rule == begun.rule &&
            each.until == begun.until)
            return outcome_of({}, 0, each.id, "", fmt::format("It stands already as silence {}.", each.id));
    return outcome_of(
        silence_entry(begun, at.next),
        at.next,
        at.next,
        "silence",
        fmt::format(
            "Silence {} stands until the end of {}. Alerts come and go as ever; no message is sent.",
            at.next,
            spoken_weekday_date(begun.until)
        )
    );
}

result<decision_outcome> decide_end_of_silence(const desk& at)
{
    for (silence each : silences_in(at.held)) {
        if (each.id != at.asked.about) continue;
        if (each.ended != silence::end::none)
            return outcome_of({}, 0, each.id, "", fmt::format("Silence {} has ended already.", each.id));
        each.ended = silence::end::by_person;
        each.user = at.asked.user;
        each.by = at.asked.by;
        each.at = at.now;
        return outcome_of(
            silence_entry(each, at.next), at.next, each.id, "end-silence", fmt::format("Silence {} has ended.", each.id)
        );
    }
    return failure(
        errc::not_found, fmt::format("no silence has the id {}", at.asked.about), "`rollbook silence list` lists them."
    );
}

result<decision_outcome> decide_marker(const desk& at)
{
    const auto* const kind = std::ranges::find(marker_kinds, at.asked.action);
    if (kind == marker_kinds.end())
        return failure(
            errc::usage,
            "that is no kind of marker",
            fmt::format("Give --kind as one of: {}.", fmt::join(marker_kinds, ", "))
        );
    pupil_marker begun;
    begun.kind = static_cast<marker_kind>(kind - marker_kinds.begin());
    begun.pupil = at.asked.pupil;
    begun.reason = at.asked.text;
    begun.tell = at.asked.owner;
    begun.review = at.asked.review;
    begun.by = at.asked.by;
    begun.user = at.asked.user;
    begun.begun_at = at.now;
    begun.at = at.now;
    if (begun.pupil == no_entry || !at.held.things(what::pupil).find_subject(begun.pupil))
        return failure(
            errc::not_found, "no pupil is known by that reference", "`rollbook links list` lists references."
        );
    if (begun.kind == marker_kind::priority && begun.reason.empty())
        return failure(errc::usage, "a priority needs the class of its reason", "Give --reason TEXT.");
    if (begun.review && *begun.review < at.today)
        return failure(errc::usage, "the review lies in the past", "Give --review D, a day that is still to come.");
    for (pupil_marker each : markers_in(at.held)) {
        if (each.ended || each.pupil != begun.pupil || each.kind != begun.kind) continue;
        if (each.reason == begun.reason && each.tell == begun.tell && each.review == begun.review)
            return outcome_of({}, 0, each.id, "", fmt::format("It stands already as marker {}.", each.id));
        begun.id = each.id;
        begun.latest = each.latest;
        begun.begun_at = each.begun_at;
    }
    const entry_index id = begun.id == no_entry ? at.next : begun.id;
    return outcome_of(
        marker_entry(begun, at.next),
        at.next,
        id,
        "marker",
        fmt::format("Marker {} stands: P-{}, {}.", id, begun.pupil, at.asked.action)
    );
}

result<decision_outcome> decide_end_of_marker(const desk& at)
{
    for (pupil_marker each : markers_in(at.held)) {
        if (each.id != at.asked.about) continue;
        if (each.ended) return outcome_of({}, 0, each.id, "", fmt::format("Marker {} has ended already.", each.id));
        each.ended = true;
        each.user = at.asked.user;
        each.by = at.asked.by;
        each.at = at.now;
        return outcome_of(
            marker_entry(each, at.next), at.next, each.id, "end-marker", fmt::format("Marker {} has ended.", each.id)
        );
    }
    return failure(
        errc::not_found, fmt::format("no marker has the id {}", at.asked.about), "`rollbook marker list` lists them."
    );
}

// Opens a pupil to an auditor's account, or closes it again.
result<decision_outcome> decide_opening(const desk& at)
{
    const bool opens = at.asked.kind == decision_kind::open_pupil;
    if (at.asked.pupil == no_entry || !at.held.things(what::pupil).find_subject(at.asked.pupil))
        return failure(
            errc::not_found, "no pupil is known by that reference", "`rollbook links list` lists references."
        );
    if (opens && at.asked.text.empty())
        return failure(errc::usage, "a pupil is opened to an auditor for a reason", "Give --reason TEXT.");
    const held_thing* last = at.held.things(what::settings).find("", opened_name(at.asked.owner, at.asked.pupil));
    const auto before = last ? parse_opened(last->payload) : std::nullopt;
    const bool stands = before && !before->ended;
    const entry_index id = last ? last->subject : at.next;
    const std::string about = fmt::format("P-{}", at.asked.pupil);
    if (!opens && !stands)
        return failure(errc::not_found, about + " is not open to that account", "`rollbook user list` lists accounts.");
    if (opens && stands && before->reason == at.asked.text)
        return outcome_of({}, 0, id, "", fmt::format("{} is open to {} already.", about, at.asked.owner));
    opened_pupil now;
    now.account = at.asked.owner;
    now.pupil = at.asked.pupil;
    now.reason = opens ? at.asked.text : before->reason;
    now.by = at.asked.by;
    now.user = at.asked.user;
    now.at = at.now;
    now.ended = !opens;
    return outcome_of(
        opened_entry_of(now, last),
        at.next,
        id,
        decision_words[static_cast<std::size_t>(at.asked.kind)],
        fmt::format("{} is {} to {}.", about, opens ? "open" : "closed", at.asked.owner)
    );
}

// That the weekly meeting took place, today or on an earlier day.
result<decision_outcome> decide_meeting(const desk& at)
{
    const held_thing* last = at.held.things(what::settings).find("", meeting_setting);
    const auto before = last ? parse_meeting(last->payload) : std::nullopt;
    held_meeting now;
    now.on = at.asked.on.value_or(at.today);
    if (now.on > at.today)
        return failure(
            errc::usage, "a meeting that is still to come cannot be recorded", "Give the day it took place."
        );
    const std::string said = "The meeting of " + spoken_date(now.on) + " is recorded";
    if (before && before->on == now.on) return outcome_of({}, 0, last->subject, "", said + " already.");
    if (before && now.on < before->on)
        return failure(
            errc::usage,
            "a later meeting is recorded, of " + spoken_date(before->on),
            "What changed since an earlier day can be asked for with its date."
        );
    if (before) now.before = before->on;
    now.by = at.asked.by;
    now.user = at.asked.user;
    now.at = at.now;
    return outcome_of(meeting_entry(now, last), at.next, last ? last->subject : at.next, "hold-meeting", said + ".");
}

// Whether a person's last word on the record is this already.
bool is_linked_so(const held_state& held, const link_decision& decided)
{
    const held_thing* record = held.things(what::pupil).find_subject(decided.other);
    if (!record) return false;
    const held_thing* link = held.things(what::link).find("", link_key(record->source, decided.other));
    const auto document = link ? json_document::parse(link->payload) : json_document::parse("{}");
    if (!document || document->root()["by"].string_if() != "person") return false;
    return link->gone != decided.is_one_person && link->pupil == decided.pupil;
}

result<decision_outcome> decide_link(const desk& at)
{
    link_decision decided;
    decided.other = at.asked.about;
    decided.pupil = at.asked.pupil;
    decided.is_one_person = at.asked.kind == decision_kind::confirm_link;
    decided.user = at.asked.user;
    decided.by = at.asked.by;
    decided.text = at.asked.text;
    if (decided.text.empty())
        return failure(errc::usage, "a decision on who is who needs its reason", "Give --reason TEXT.");
    const auto mis = std::ranges::find(at.settings.sources, source_role::mis, &source_configuration::role);
    auto entry = decision_entry(at.held, mis == at.settings.sources.end() ? "" : mis->name, decided, at.now);
    if (!entry) return entry.error();
    const std::string said = fmt::format(
        "P-{} and P-{} are {}", decided.other, decided.pupil, decided.is_one_person ? "one person" : "two persons"
    );
    if (is_linked_so(at.held, decided)) return outcome_of({}, 0, decided.other, "", said + " already.");
    return outcome_of(
        std::move(*entry),
        at.next,
        decided.other,
        decided.is_one_person ? "confirm-link" : "split-link",
        said + "; later reads keep it."
    );
}

} // namespace

result<decision_outcome> decide(
    const held_state& held,
    const configuration& settings,
    const decision_request& request,
    entry_index next,
    civil_day today,
    instant now
)
{
    if (const result<void> sound = check_texts(request); !sound) return sound.error();
    const desk at{held, settings, request, next, today, now};
    switch (request.kind) {
    case decision_kind::acknowledge:
    case decision_kind::take_up:
    case decision_kind::park:
    case decision_kind::close: return decide_state(at);
    case decision_kind::note:
    case decision_kind::act: return decide_action(at);
    case decision_kind::finish: return decide_finish(at);
    case decision_kind::silence: return decide_silence(at);
    case decision_kind::end_silence: return decide_end_of_silence(at);
    case decision_kind::marker: return decide_marker(at);
    case decision_kind::end_marker: return decide_end_of_marker(at);
    case decision_kind::open_pupil:
    case decision_kind::close_pupil: return decide_opening(at);
    case decision_kind::confirm_link:
    case decision_kind::split_link: return decide_link(at);
    case decision_kind::hold_meeting: return decide_meeting(at);
    case decision_kind::retry_quarantine:
    case decision_kind::send_again:
    case decision_kind::settle_route: break;
    }
    return failure(errc::usage, "that is nothing to decide", "`rollbook --help` lists the commands.");
}

} // namespace rollbook
