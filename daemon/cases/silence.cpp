#include "daemon/cases/silence.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/json_index.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

constexpr std::array<std::string_view, 3> states = {"standing", "ended", "expired"};

void write_value(json_writer& out, const silence& value)
{
    out.begin_object();
    out.member("at", format_instant(value.at));
    out.member("begun_at", format_instant(value.begun_at));
    out.member("by", value.by);
    out.member("reason", value.reason);
    if (!value.rule.empty()) out.member("rule", value.rule);
    out.member("state", states[static_cast<std::size_t>(value.ended)]);
    out.member("until", format_day(value.until));
    // What time ended, no person did.
    if (value.ended != silence::end::by_time) out.member("user", value.user);
    out.end_object();
}

} // namespace

draft silence_entry(const silence& value, entry_index own_index)
{
    thing_version row;
    row.kind = what::settings;
    row.pupil = value.pupil;
    row.key = std::string(silence_prefix) + std::to_string(value.id == no_entry ? own_index : value.id);
    if (value.id != no_entry) {
        row.subject = value.id;
        row.replaces = value.latest;
    }
    std::string text;
    json_writer out(text);
    out.begin_object().member("name", row.key);
    if (value.pupil != no_entry) out.member("pupil", value.pupil);
    if (value.id != no_entry) out.member("replaces", value.latest).member("subject", value.id);
    out.key("value");
    write_value(out, value);
    out.member("what", name_of(what::settings)).end_object();
    return draft(entry_kind::note, std::move(text), std::move(row));
}

std::optional<silence> parse_silence(std::string_view payload, entry_index own_index)
{
    const auto document = json_document::parse(std::string(payload));
    if (!document) return std::nullopt;
    const json_view root = document->root();
    if (!root["name"].string_if().value_or("").starts_with(silence_prefix)) return std::nullopt;
    const json_view value = root["value"];
    const auto text = [&](std::string_view key) { return std::string(value[key].string_if().value_or("")); };
    const auto until = parse_day(text("until"));
    const auto begun = parse_instant(text("begun_at"));
    const auto at = parse_instant(text("at"));
    const auto* const state = std::ranges::find(states, text("state"));
    if (!until || !begun || !at || state == states.end()) return std::nullopt;

    silence found;
    found.id = index_in(root["subject"]).value_or(own_index);
    found.latest = own_index;
    found.pupil = index_in(root["pupil"]).value_or(no_entry);
    found.rule = text("rule");
    found.until = *until;
    found.reason = text("reason");
    found.by = text("by");
    found.user = text("user");
    found.begun_at = *begun;
    found.at = *at;
    found.ended = static_cast<silence::end>(state - states.begin());
    return found;
}

std::vector<silence> silences_in(const held_state& held)
{
    std::vector<silence> found;
    for (const held_thing& thing : held.things(what::settings).all()) {
        if (!thing.key.starts_with(silence_prefix)) continue;
        if (auto one = parse_silence(thing.payload, thing.entry)) found.push_back(std::move(*one));
    }
    std::ranges::sort(found, {}, &silence::id);
    return found;
}

bool is_silenced(const std::vector<silence>& all, const rule& of, entry_index pupil, civil_day day)
{
    return !of.safety && std::ranges::any_of(all, [&](const silence& each) {
        return each.stands_on(day) && (each.pupil == no_entry || each.pupil == pupil) &&
               (each.rule.empty() || each.rule == of.id);
    });
}

} // namespace rollbook
