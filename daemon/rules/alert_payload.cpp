#include "daemon/rules/alert.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/json_index.hpp"

#include <utility>

namespace rollbook {
namespace {

// A wall-clock reading has no zone, so no Z.
std::string local_text(local_instant at)
{
    std::string text = format_instant(instant(at.time_since_epoch()));
    text.pop_back();
    return text;
}

bool read(json_view from, std::string& to)
{
    const auto text = from.string_if();
    if (text) to = *text;
    return text.has_value();
}

bool read(json_view from, std::int64_t& to)
{
    const auto number = from.int_if();
    if (!number || *number < -json_writer::integer_max || *number > json_writer::integer_max) return false;
    to = *number;
    return true;
}

bool read(json_view from, entry_index& to)
{
    const auto number = index_in(from);
    if (number) to = *number;
    return number.has_value();
}

bool read(json_view from, instant& to)
{
    const auto at = parse_instant(from.string_if().value_or(""));
    if (at) to = *at;
    return at.has_value();
}

bool read(json_view from, local_instant& to)
{
    const auto at = parse_instant(std::string(from.string_if().value_or("")) + "Z");
    if (at) to = local_instant(at->time_since_epoch());
    return at.has_value();
}

bool read(json_view from, civil_day& to)
{
    const auto day = parse_day(from.string_if().value_or(""));
    if (day) to = *day;
    return day.has_value();
}

bool read(json_view from, alert_state& to)
{
    const auto state = parse_alert_state(from.string_if().value_or(""));
    if (state) to = *state;
    return state.has_value();
}

bool read(json_view from, std::vector<entry_index>& to)
{
    bool ok = from.is_array();
    from.for_each_element([&](json_view element) { ok = read(element, to.emplace_back()) && ok; });
    return ok;
}

bool read(json_view from, std::vector<earlier_duty>& to)
{
    bool ok = from.is_array();
    from.for_each_element([&](json_view element) {
        auto& [days, says] = to.emplace_back();
        ok = read(element["from"], days.first) && read(element["to"], days.last) && read(element["says"], says) && ok;
    });
    return ok;
}

bool read(json_view from, std::vector<told_day>& to)
{
    bool ok = from.is_array();
    from.for_each_element([&](json_view element) {
        auto& [day, threshold] = to.emplace_back();
        ok = read(element["day"], day) && read(element["threshold"], threshold) && ok;
    });
    return ok;
}

// The alert's own entry and the one replaced: both, and in order, or neither.
bool read_place(json_view root, entry_index own_index, alert& to)
{
    to.id = own_index;
    to.latest = own_index;
    if (root["alert"].is_absent() && root["replaces"].is_absent()) return true;
    entry_index replaced = no_entry;
    return read(root["alert"], to.id) && read(root["replaces"], replaced) && to.id <= replaced && replaced < own_index;
}

// A pupil or a source, and not both.
bool read_about(json_view root, alert& to)
{
    if (root["source"].is_absent()) return read(root["pupil"], to.pupil);
    return root["pupil"].is_absent() && read(root["source"], to.source) && is_about_source(to);
}

// A person's decision: all of it, or none of it.
bool read_decision(json_view root, std::optional<alert_decision>& to)
{
    if (root["decision"].is_absent()) return true;
    const auto verb = parse_alert_verb(root["decision"].string_if().value_or(""));
    if (!verb) return false;
    const auto text = [&](std::string_view key) { return std::string(root[key].string_if().value_or("")); };
    to = alert_decision{*verb, text("user"), text("claimed_by"), text("outcome"), text("text")};
    return root["user"].is_string();
}

void write_entries(json_writer& out, std::string_view key, const std::vector<entry_index>& entries)
{
    out.key(key).begin_array();
    for (const entry_index entry : entries)
        out.value(entry);
    out.end_array();
}

void write_text(json_writer& out, std::string_view key, const std::string& text)
{
    if (!text.empty()) out.member(key, text);
}

} // namespace

std::string alert_payload(const alert& value, entry_index own_index)
{
    const bool is_opening = value.id == no_entry || value.id == own_index;
    std::string payload;
    json_writer out(payload);
    out.begin_object();
    if (!is_opening) out.member("alert", value.id);
    if (!value.also_met.empty()) {
        out.key("also_met").begin_array();
        for (const auto& [days, says] : value.also_met) {
            out.begin_object().member("from", format_day(days.first)).member("says", says);
            out.member("to", format_day(days.last)).end_object();
        }
        out.end_array();
    }
    out.member("changed_at", format_instant(value.changed_at));
    const alert_decision* decided = value.decided ? &*value.decided : nullptr;
    if (decided) {
        write_text(out, "claimed_by", decided->by);
        out.member("decision", name_of(decided->verb));
    }
    write_entries(out, "evidence", value.evidence);
    write_text(out, "kept_open", value.kept_open);
    if (value.met_until) out.member("met_until", format_day(*value.met_until));
    out.member("opened_at", format_instant(value.opened_at));
    out.key("opened_for").begin_object();
    out.member("as_of", format_day(value.opened_for.as_of));
    out.member("read_at", local_text(value.opened_for.read_at)).end_object();
    if (decided) write_text(out, "outcome", decided->outcome);
    if (value.parked) out.member("parked", true);
    if (value.parts) {
        out.key("parts").begin_object().member("absent", value.parts->absent);
        out.member("possible", value.parts->possible).end_object();
    }
    if (!is_about_source(value)) out.member("pupil", value.pupil);
    out.member("reason", value.reason);
    if (!is_opening) out.member("replaces", value.latest);
    out.member("rule", value.rule);
    out.member("rule_version", value.rule_version);
    if (is_about_source(value)) out.member("source", value.source);
    out.member("stage", value.stage);
    if (value.staged_at != instant{}) out.member("staged_at", format_instant(value.staged_at));
    out.member("state", name_of(value.state));
    if (decided) write_text(out, "text", decided->text);
    out.member("threshold", value.threshold);
    if (!value.told.empty()) {
        out.key("told").begin_array();
        for (const auto& [day, threshold] : value.told)
            out.begin_object().member("day", format_day(day)).member("threshold", threshold).end_object();
        out.end_array();
    }
    if (value.told_again_at) out.member("told_again_at", format_instant(*value.told_again_at));
    if (!value.used.empty()) write_entries(out, "used", value.used);
    if (decided) out.member("user", decided->user);
    out.member("value", value.value);
    if (value.value_in_all) out.member("value_in_all", *value.value_in_all);
    if (!value.was_met_by.empty()) write_entries(out, "was_met_by", value.was_met_by);
    out.member("what", "alert");
    out.key("window").begin_object();
    out.member("from", format_day(value.window.first));
    out.member("to", format_day(value.window.last)).end_object();
    out.end_object();
    return payload;
}

std::optional<alert> parse_alert_payload(std::string_view payload, entry_index own_index)
{
    const result<json_document> document = json_document::parse(std::string(payload), {.strict = true});
    if (!document) return std::nullopt;
    const json_view root = document->root();
    if (root["what"].string_if() != "alert") return std::nullopt;

    alert found;
    const bool ok = read_place(root, own_index, found) && read(root["changed_at"], found.changed_at) &&
                    read(root["evidence"], found.evidence) && read(root["opened_at"], found.opened_at) &&
                    read(root["opened_for"]["as_of"], found.opened_for.as_of) &&
                    read(root["opened_for"]["read_at"], found.opened_for.read_at) && read_about(root, found) &&
                    read(root["reason"], found.reason) && read(root["rule"], found.rule) &&
                    read(root["rule_version"], found.rule_version) && read(root["stage"], found.stage) &&
                    read(root["state"], found.state) && read(root["threshold"], found.threshold) &&
                    read(root["value"], found.value) && read(root["window"]["from"], found.window.first) &&
                    read(root["window"]["to"], found.window.last) && read_decision(root, found.decided);
    (void)read(root["staged_at"], found.staged_at);
    (void)read(root["kept_open"], found.kept_open);
    if (instant again{}; read(root["told_again_at"], again)) found.told_again_at = again;
    found.parked = root["parked"].bool_if().value_or(false);
    if (std::int64_t in_all = 0; read(root["value_in_all"], in_all)) found.value_in_all = in_all;
    found.met_until = parse_day(root["met_until"].string_if().value_or(""));
    if (!ok || (!root["used"].is_absent() && !read(root["used"], found.used))) return std::nullopt;
    if (root["also_met"].is_array() && !read(root["also_met"], found.also_met)) return std::nullopt;
    if (root["told"].is_array() && !read(root["told"], found.told)) return std::nullopt;
    if (root["was_met_by"].is_array() && !read(root["was_met_by"], found.was_met_by)) return std::nullopt;
    const json_view parts = root["parts"];
    if (parts.is_object()) {
        found.parts.emplace();
        if (!read(parts["absent"], found.parts->absent) || !read(parts["possible"], found.parts->possible))
            return std::nullopt;
    }
    return found;
}

} // namespace rollbook
