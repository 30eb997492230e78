#include "daemon/cases/marker.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/json_index.hpp"
#include "daemon/reconcile/payload.hpp"

#include <algorithm>

namespace rollbook {
namespace {

std::string value_of(const pupil_marker& value)
{
    std::string text;
    json_writer out(text);
    out.begin_object();
    out.member("at", format_instant(value.at));
    out.member("begun_at", format_instant(value.begun_at));
    out.member("by", value.by);
    out.member("kind", marker_kinds[static_cast<std::size_t>(value.kind)]);
    out.member("reason", value.reason);
    if (value.review) out.member("review", format_day(*value.review));
    out.member("state", value.ended ? "ended" : "standing");
    out.member("tell", value.tell);
    out.member("user", value.user);
    out.end_object();
    return text;
}

} // namespace

draft marker_entry(const pupil_marker& value, entry_index own_index)
{
    const entry_index id = value.id == no_entry ? own_index : value.id;
    held_thing last;
    last.subject = value.id;
    last.entry = value.latest;
    return pupil_setting_entry(
        std::string(marker_prefix) + std::to_string(id),
        value_of(value),
        value.pupil,
        value.id == no_entry ? nullptr : &last
    );
}

std::optional<pupil_marker> parse_marker(std::string_view payload, entry_index own_index)
{
    const auto document = json_document::parse(std::string(payload));
    if (!document) return std::nullopt;
    const json_view root = document->root();
    if (!root["name"].string_if().value_or("").starts_with(marker_prefix)) return std::nullopt;
    const json_view value = root["value"];
    const auto text = [&](std::string_view key) { return std::string(value[key].string_if().value_or("")); };
    const auto begun = parse_instant(text("begun_at"));
    const auto at = parse_instant(text("at"));
    const auto* const kind = std::ranges::find(marker_kinds, text("kind"));
    if (!begun || !at || kind == marker_kinds.end()) return std::nullopt;

    pupil_marker found;
    found.id = index_in(root["subject"]).value_or(own_index);
    found.latest = own_index;
    found.pupil = index_in(root["pupil"]).value_or(no_entry);
    found.kind = static_cast<marker_kind>(kind - marker_kinds.begin());
    found.reason = text("reason");
    found.tell = text("tell");
    found.review = parse_day(text("review"));
    found.by = text("by");
    found.user = text("user");
    found.begun_at = *begun;
    found.at = *at;
    found.ended = text("state") == "ended";
    return found;
}

std::vector<pupil_marker> markers_in(const held_state& held)
{
    std::vector<pupil_marker> found;
    for (const held_thing& thing : held.things(what::settings).all()) {
        if (!thing.key.starts_with(marker_prefix)) continue;
        auto one = parse_marker(thing.payload, thing.entry);
        if (!one) continue;
        one->person = standing_person_of(held, one->pupil);
        found.push_back(std::move(*one));
    }
    std::ranges::sort(found, {}, &pupil_marker::id);
    return found;
}

std::set<entry_index> marked_in(const held_state& held, marker_kind kind)
{
    std::set<entry_index> found;
    for (const pupil_marker& each : markers_in(held))
        if (!each.ended && each.kind == kind) found.insert({each.pupil, each.person});
    return found;
}

failure refuses_letters(entry_index pupil)
{
    return failure(
        errc::forbidden,
        "P-" + std::to_string(pupil) + " is to be handled with care: nothing is written home",
        "Speak to the designated safeguarding lead, who put the marker there and can end it."
    );
}

bool is_marked(std::span<const pupil_marker> all, marker_kind kind, entry_index pupil)
{
    return std::ranges::any_of(all, [&](const pupil_marker& each) {
        return !each.ended && each.kind == kind && (each.pupil == pupil || each.person == pupil);
    });
}

} // namespace rollbook
