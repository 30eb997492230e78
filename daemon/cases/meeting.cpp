#include "daemon/cases/meeting.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/reconcile/payload.hpp"

namespace rollbook {

draft meeting_entry(const held_meeting& value, const held_thing* last)
{
    std::string text;
    json_writer out(text);
    out.begin_object();
    out.member("at", format_instant(value.at));
    if (value.before) out.member("before", format_day(*value.before));
    out.member("by", value.by);
    out.member("on", format_day(value.on));
    out.member("user", value.user);
    out.end_object();
    return setting_entry(meeting_setting, text, last);
}

std::optional<held_meeting> parse_meeting(std::string_view payload)
{
    const auto document = json_document::parse(std::string(payload));
    if (!document || document->root()["name"].string_if() != meeting_setting) return std::nullopt;
    const json_view value = document->root()["value"];
    const auto text = [&](std::string_view key) { return std::string(value[key].string_if().value_or("")); };
    const auto on = parse_day(text("on"));
    const auto at = parse_instant(text("at"));
    if (!on || !at) return std::nullopt;
    return held_meeting{*on, parse_day(text("before")), text("by"), text("user"), *at};
}

} // namespace rollbook
