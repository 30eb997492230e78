#include "daemon/cases/action.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/json_index.hpp"
#include "daemon/reconcile/payload.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

constexpr std::array<std::string_view, 12> kinds = {
    "note",
    "call",
    "letter",
    "visit",
    "meeting",
    "panel",
    "plan",
    "support",
    "warning",
    "penalty-notice",
    "referral",
    "decision"};

constexpr std::array<std::string_view, 5> outcomes_of_contacts = {
    reached_explained, "reached-not-explained", "no-answer", "message-left", "wrong-number"};

void write_text(json_writer& out, std::string_view key, const std::string& text)
{
    if (!text.empty()) out.member(key, text);
}

void write_day(json_writer& out, std::string_view key, const std::optional<civil_day>& day)
{
    if (day) out.member(key, format_day(*day));
}

std::string text_of(json_view value)
{
    return std::string(value.string_if().value_or(""));
}

std::optional<civil_day> day_of_text(json_view value)
{
    return parse_day(value.string_if().value_or(""));
}

entry_index index_of(json_view value)
{
    return index_in(value).value_or(no_entry);
}

std::string payload_of(const case_action& action)
{
    std::string text;
    json_writer out(text);
    out.begin_object();
    write_text(out, "adult", action.adult);
    if (action.alert != no_entry) out.member("alert", action.alert);
    out.member("at", format_instant(action.at));
    write_text(out, "claimed_by", action.by);
    write_day(out, "due", action.due);
    if (!action.evidence.empty()) {
        out.key("evidence").begin_array();
        for (const entry_index each : action.evidence)
            out.value(each);
        out.end_array();
    }
    out.member("kind", action.kind);
    out.member("on", format_day(action.on));
    write_text(out, "outcome", action.outcome);
    write_text(out, "outcome_text", action.outcome_text);
    write_text(out, "owner", action.owner);
    out.member("pupil", action.pupil);
    if (action.id != no_entry) out.member("replaces", action.latest);
    write_day(out, "review", action.review);
    write_text(out, "rule", action.rule);
    out.member("state", action.is_done ? "done" : "open");
    if (action.id != no_entry) out.member("subject", action.id);
    write_text(out, "text", action.text);
    out.member("user", action.user);
    out.member("what", name_of(what::action));
    out.end_object();
    return text;
}

} // namespace

std::span<const std::string_view> action_kinds()
{
    return kinds;
}

std::span<const std::string_view> contact_outcomes()
{
    return outcomes_of_contacts;
}

std::optional<local_instant> accounts_at(const case_action& action, const time_zone& zone)
{
    const bool is_contact = action.kind == "call" || action.kind == "visit";
    if (!is_contact || !action.is_done || action.outcome != reached_explained) return std::nullopt;
    const local_instant written = zone.to_local(action.at);
    return action.on == day_of(written) ? written : local_instant(action.on);
}

bool goes_home(std::string_view kind)
{
    return kind == "letter" || kind == "warning" || kind == "penalty-notice";
}

bool is_called_off(const case_action& action)
{
    return action.outcome == "withdrawn" || action.outcome == "cancelled";
}

draft action_entry(const case_action& action)
{
    thing_version row;
    row.kind = what::action;
    row.pupil = action.pupil;
    if (action.id != no_entry) {
        row.subject = action.id;
        row.replaces = action.latest;
    }
    // Several actions of one alert share a key; it is their subjects that part them.
    row.key = action.alert == no_entry ? contact_key(action.pupil) : std::to_string(action.alert);
    return draft(entry_kind::record, payload_of(action), std::move(row));
}

std::optional<case_action> parse_action_payload(std::string_view payload, entry_index own_index)
{
    const result<json_document> document = json_document::parse(std::string(payload));
    if (!document) return std::nullopt;
    const json_view root = document->root();
    // A source's record of an action has its kind among its fields.
    if (root["what"].string_if() != name_of(what::action) || !root["kind"].is_string()) return std::nullopt;

    case_action action;
    action.id = root["subject"].is_absent() ? own_index : index_of(root["subject"]);
    action.latest = own_index;
    action.alert = index_of(root["alert"]);
    action.pupil = index_of(root["pupil"]);
    action.rule = text_of(root["rule"]);
    action.kind = text_of(root["kind"]);
    action.is_done = root["state"].string_if() == "done";
    action.owner = text_of(root["owner"]);
    action.adult = text_of(root["adult"]);
    action.due = day_of_text(root["due"]);
    action.review = day_of_text(root["review"]);
    action.text = text_of(root["text"]);
    action.outcome = text_of(root["outcome"]);
    action.outcome_text = text_of(root["outcome_text"]);
    action.user = text_of(root["user"]);
    action.by = text_of(root["claimed_by"]);
    root["evidence"].for_each_element([&](json_view each) {
        if (const auto entry = index_in(each)) action.evidence.push_back(*entry);
    });
    const auto on = day_of_text(root["on"]);
    const auto at = parse_instant(root["at"].string_if().value_or(""));
    const bool names_no_alert = action.alert == no_entry && !root["alert"].is_absent();
    if (!on || !at || names_no_alert || action.pupil == no_entry || action.id == no_entry) return std::nullopt;
    action.on = *on;
    action.at = *at;
    return action;
}

std::vector<case_action> actions_in(const held_state& held)
{
    std::vector<case_action> found;
    for (const held_thing& thing : held.things(what::action).all()) {
        if (!thing.source.empty()) continue;
        if (auto action = parse_action_payload(thing.payload, thing.entry)) found.push_back(std::move(*action));
    }
    std::ranges::sort(found, {}, &case_action::id);
    return found;
}

draft alert_entry(const alert& value, entry_index own_index, const held_thing* replaced)
{
    thing_version row;
    row.kind = what::alert;
    row.pupil = value.pupil;
    row.source = value.source;
    row.key = is_about_source(value) ? value.rule : value.rule + "/" + std::to_string(value.pupil);
    row.gone = is_ended(value.state);
    if (replaced) {
        row.subject = replaced->subject;
        row.replaces = replaced->entry;
    }
    return draft(entry_kind::record, alert_payload(value, own_index), std::move(row));
}

} // namespace rollbook
