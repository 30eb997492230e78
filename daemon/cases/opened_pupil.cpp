#include "daemon/cases/opened_pupil.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/json_index.hpp"
#include "daemon/reconcile/payload.hpp"

namespace rollbook {

std::string opened_name(std::string_view account, entry_index pupil)
{
    return std::string(opened_prefix).append(account).append("/").append(std::to_string(pupil));
}

draft opened_entry_of(const opened_pupil& value, const held_thing* last)
{
    std::string text;
    json_writer out(text);
    out.begin_object();
    out.member("account", value.account);
    out.member("at", format_instant(value.at));
    out.member("by", value.by);
    out.member("reason", value.reason);
    out.member("state", value.ended ? "ended" : "standing");
    out.member("user", value.user);
    out.end_object();
    return pupil_setting_entry(opened_name(value.account, value.pupil), text, value.pupil, last);
}

std::optional<opened_pupil> parse_opened(std::string_view payload)
{
    const auto document = json_document::parse(std::string(payload));
    if (!document) return std::nullopt;
    const json_view root = document->root();
    if (!root["name"].string_if().value_or("").starts_with(opened_prefix)) return std::nullopt;
    const json_view value = root["value"];
    const auto text = [&](std::string_view key) { return std::string(value[key].string_if().value_or("")); };
    const auto pupil = index_in(root["pupil"]);
    const auto at = parse_instant(text("at"));
    if (!pupil || !at) return std::nullopt;
    opened_pupil found;
    found.account = text("account");
    found.pupil = *pupil;
    found.reason = text("reason");
    found.by = text("by");
    found.user = text("user");
    found.at = *at;
    found.ended = text("state") != "standing";
    return found;
}

std::vector<std::pair<opened_pupil, const held_thing*>> opened_in(const held_state& held, std::string_view account)
{
    std::vector<std::pair<opened_pupil, const held_thing*>> found;
    for (const held_thing& thing : held.things(what::settings).all()) {
        if (!thing.key.starts_with(opened_prefix)) continue;
        auto one = parse_opened(thing.payload);
        if (one && !one->ended && one->account == account) found.emplace_back(std::move(*one), &thing);
    }
    return found;
}

} // namespace rollbook
