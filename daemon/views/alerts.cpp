#include "daemon/views/alerts.hpp"

#include "daemon/base/json.hpp"
#include "daemon/views/text.hpp"

#include <algorithm>
#include <iterator>

namespace rollbook {
namespace {

// What an entry tells of, whichever entry tells it: "2026-11-20 AM" of a mark, else the thing's first entry.
std::string key_of_evidence(const entry_view& entry)
{
    const result<json_document> document = json_document::parse(std::string(entry.payload));
    const std::string own = std::to_string(entry.index);
    if (!document) return own;
    const json_view root = document->root();
    if (root["what"].string_if() == name_of(what::session_mark))
        return std::string(root["date"].string_if().value_or("")) + " " +
               std::string(root["session"].string_if().value_or(""));
    return std::to_string(root["subject"].int_if().value_or(static_cast<std::int64_t>(entry.index)));
}

std::vector<std::string> keys_of(const workplace& at, const std::vector<entry_index>& evidence)
{
    std::vector<std::string> keys;
    for (const entry_index index : evidence)
        at.reader.entries(index, index + 1, [&](const entry_view& entry) {
            keys.push_back(key_of_evidence(entry));
            return false;
        });
    return keys;
}

std::int64_t count_unexplained(const workplace& at, const std::vector<entry_index>& evidence)
{
    std::int64_t count = 0;
    for (const entry_index index : evidence)
        at.reader.entries(index, index + 1, [&](const entry_view& entry) {
            const result<json_document> document = json_document::parse(std::string(entry.payload));
            count += document && document->root()["code"].string_if() == "N" ? 1 : 0;
            return false;
        });
    return count;
}

void write_members(
    json_writer& out,
    const alert& value,
    const people& everyone,
    const std::function<void(json_writer&)>& write_history,
    const alert_story* story
);

} // namespace

std::string subject_of(const alert& value, const people& everyone)
{
    if (!is_about_source(value)) return reference_of(everyone.person_of(value.pupil));
    return std::string(subject_without_pupil(value).name);
}

std::optional<alert> last_alert_of(const workplace& at, const rule& by, entry_index pupil)
{
    std::optional<alert> last;
    const std::string key = by.id + "/" + std::to_string(pupil);
    at.reader.things_of(what::alert, pupil, at.n, [&](const thing_view& each) {
        if (each.key == key && (!last || last->id < each.subject)) last = parse_alert_payload(each.payload, each.entry);
        return true;
    });
    return last;
}

newest_values::newest_values(const workplace& at) : all_(at.reader.alert_values(at.n)) {}

void newest_values::apply(alert& version) const
{
    const auto kept = std::ranges::lower_bound(all_, version.id, {}, &alert_value::alert);
    if (kept != all_.end()) follow_value(version, *kept);
}

std::vector<alert> alert_versions(const workplace& at, entry_index id)
{
    std::vector<alert> versions;
    at.reader.history(id, at.n, [&](const thing_view& each) {
        if (each.kind == what::alert && each.subject == id) {
            if (auto version = read_alert(each)) versions.push_back(std::move(*version));
        }
        return true;
    });
    return versions;
}

alert_story story_of(const workplace& at, entry_index id)
{
    alert_story story;
    story.versions = alert_versions(at, id);
    if (story.versions.empty())
        throw failure_error(failure(
            errc::not_found,
            "no alert has the id " + std::to_string(id),
            "`rollbook alerts list --state all` lists every alert with its id."
        ));
    story.now = story.versions.back();
    newest_values(at).apply(story.now);
    const alert& now = story.now;
    std::vector<std::string> used;
    for (case_action& each : actions_at(at)) {
        if (!is_about_source(now) && each.pupil == now.pupil && has_used_evidence(each, now.rule, "letter"))
            std::ranges::move(keys_of(at, each.evidence), std::back_inserter(used));
        if (each.alert == id) story.actions.push_back(std::move(each));
    }
    story.for_letter = count_fresh(keys_of(at, now.evidence), used);
    const rule* judged_by = at.config.find_rule(now.rule);
    if (judged_by && judged_by->measure == "unauthorised_sessions")
        story.referral = check_referral(story.actions, count_unexplained(at, now.evidence));
    return story;
}

void write_alert_history(json_writer& out, const std::vector<alert>& versions)
{
    out.begin_array();
    for (const alert& each : versions) {
        out.begin_object();
        write_text_or_null(out, "by", each.decided ? each.decided->by : "");
        out.member("changed_at", format_instant(each.changed_at));
        write_text_or_null(out, "decision", each.decided ? name_of(each.decided->verb) : "");
        out.member("entry", each.latest);
        write_text_or_null(out, "outcome", each.decided ? each.decided->outcome : "");
        out.member("reason", each.reason);
        out.member("stage", each.stage);
        out.member("state", name_of(each.state));
        write_text_or_null(out, "text", each.decided ? each.decided->text : "");
        write_text_or_null(out, "user", each.decided ? each.decided->user : "");
        out.key("value");
        write_value(out, each.value, each.parts.has_value());
        out.end_object();
    }
    out.end_array();
}

std::optional<alert> read_alert(const thing_view& version)
{
    if (version.payload.empty()) return std::nullopt;
    std::optional<alert> read = parse_alert_payload(version.payload, version.entry);
    if (read) return read;
    throw failure_error({
        errc::ledger_in_doubt,
        "entry " + std::to_string(version.entry) + " of the ledger is no readable alert",
        "Run `rollbook ledger verify`; if it passes, a newer Rollbook wrote the entry.",
    });
}

std::optional<alert> known_alert(const workplace& at, const thing_view& version)
{
    if (!at.known) return read_alert(version);
    const auto known = at.known->alerts.find(version.entry);
    if (known != at.known->alerts.end()) return known->second;
    std::optional<alert> read = read_alert(version);
    if (read && !is_ended(read->state)) at.known->alerts.emplace(version.entry, *read);
    return read;
}

namespace {

void write_members(
    json_writer& out,
    const alert& value,
    const people& everyone,
    const std::function<void(json_writer&)>& write_history,
    const alert_story* story
)
{
    out.begin_object();
    if (story) {
        out.key("actions").begin_array();
        for (const case_action& each : story->actions)
            write_action(out, each);
        out.end_array();
    }
    out.member("changed_at", format_instant(value.changed_at));
    out.key("evidence").begin_array();
    for (const entry_index each : value.evidence)
        out.value(each);
    out.end_array();
    if (story) out.member("evidence_not_in_a_letter", story->for_letter.fresh);
    if (write_history) {
        out.key("history");
        write_history(out);
    }
    out.member("id", value.id);
    out.member("opened_at", format_instant(value.opened_at));
    if (value.parked) out.member("parked", true);
    if (value.parts) {
        out.key("parts").begin_object().member("absent", value.parts->absent);
        out.member("possible", value.parts->possible).end_object();
    }
    out.key("pupil");
    if (is_about_source(value))
        out.begin_object().key("ref").null().key("source_ids").begin_object().end_object().end_object();
    else
        everyone.write(out, value.pupil);
    out.member("reason", value.reason);
    if (story && story->referral) {
        out.key("referral").begin_object().key("lacking").begin_array();
        for (const std::string& line : story->referral->lacking())
            out.value(line);
        out.end_array().member("ready", story->referral->is_ready()).end_object();
    }
    out.member("rule", value.rule);
    if (is_about_source(value)) out.member("source", value.source);
    out.member("stage", value.stage);
    out.member("state", name_of(value.state));
    out.key("threshold");
    write_value(out, value.threshold, value.parts.has_value());
    out.key("value");
    write_value(out, value.value, value.parts.has_value());
    if (value.value_in_all) {
        out.key("value_in_all");
        write_value(out, *value.value_in_all, value.parts.has_value());
    }
    out.key("window").begin_object();
    out.member("from", format_day(value.window.first));
    out.member("to", format_day(value.window.last));
    out.end_object().end_object();
}

} // namespace

void write_alert(
    json_writer& out, const alert& value, const people& everyone, const std::function<void(json_writer&)>& write_history
)
{
    write_members(out, value, everyone, write_history, nullptr);
}

void write_alert_story(json_writer& out, const alert_story& story, const people& everyone)
{
    const auto history = [&](json_writer& into) { write_alert_history(into, story.versions); };
    write_members(out, story.now, everyone, history, &story);
}

} // namespace rollbook
