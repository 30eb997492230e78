#include "daemon/domain/finding_settings.hpp"

#include "daemon/base/ascii.hpp"
#include "daemon/base/canonical_json.hpp"

#include <algorithm>

namespace rollbook {
namespace {

void write_texts(json_writer& out, std::string_view key, const auto& texts)
{
    out.key(key).begin_array();
    for (const std::string& text : texts)
        out.value(text);
    out.end_array();
}

} // namespace

bool has_part(std::string_view text, const std::vector<std::string>& parts)
{
    return std::ranges::any_of(parts, [&](std::string_view part) {
        return !part.empty() && !std::ranges::search(text, part, {}, lower, lower).empty();
    });
}

std::string finding_settings::to_json() const
{
    std::string text;
    json_writer out(text);
    out.begin_object().member("amended_late_days", amended_late_days);
    write_texts(out, "ask_evidence", ask_evidence);
    out.key("both").begin_array();
    for (const in_both& each : both)
        out.begin_object().member("mis", each.mis).member("safeguarding", each.safeguarding).end_object();
    out.end_array();
    write_texts(out, "missing", missing);
    write_texts(out, "off", off);
    write_texts(out, "off_site", off_site);
    write_texts(out, "on", on);
    write_texts(out, "on_site", on_site);
    write_texts(out, "restraint", restraint);
    out.key("settle").begin_object();
    for (const auto& [kind, days] : settle)
        out.member(kind, days);
    out.end_object().end_object();
    return text;
}

} // namespace rollbook
