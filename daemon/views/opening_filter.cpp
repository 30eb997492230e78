#include "daemon/views/opening_filter.hpp"

#include "daemon/domain/what.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

// A payload is handed out whole or not at all: what has a source's own fields, or words that a person wrote, is not.
bool names_nobody(json_view root, std::string_view kind)
{
    constexpr what kinds[] = {
        what::session_mark,
        what::alert,
        what::delivery,
        what::statement,
        what::settings,
        what::heartbeat,
        what::key,
        what::fork};
    if (std::ranges::none_of(kinds, [&](what each) { return kind == name_of(each); })) return false;
    if (kind == name_of(what::settings)) {
        const std::string_view name = root["name"].string_if().value_or("");
        return root["pupil"].is_absent() && !name.starts_with("hold/") && !name.starts_with("silence/");
    }
    return std::ranges::all_of(std::array{"comment", "amendment", "decision"}, [&](const char* key) {
        return root[key].is_null();
    });
}

} // namespace

bool opening_filter::wants(entry_index index, std::string_view payload)
{
    const result<json_document> parsed = json_document::parse(std::string(payload));
    if (!parsed) return false;
    const json_view root = parsed->root();
    const std::string_view kind = root["what"].string_if().value_or("");
    if (!choice_.kind.empty() && kind != choice_.kind) return false;
    if (choice_.records && !is_about(root, kind, index)) return false;
    if (choice_.pseudonymous && !names_nobody(root, kind)) return false;
    if (choice_.concerns || !is_of_safeguarding(root, kind)) return !choice_.may_go || choice_.may_go(index, kind);
    ++withheld_;
    return false;
}

bool opening_filter::is_about(json_view root, std::string_view kind, entry_index index) const
{
    const auto names = [&](std::string_view key) {
        const auto number = root[key].int_if();
        return number && *number >= 0 && choice_.records->contains(static_cast<entry_index>(*number));
    };
    if (kind == name_of(what::pupil))
        return root["subject"].is_int() ? names("subject") : choice_.records->contains(index);
    return names("pupil") || names("other");
}

bool opening_filter::is_mis(std::string_view source) const
{
    const auto known = std::ranges::find(config_.sources, source, &source_configuration::name);
    return known != config_.sources.end() && known->role == source_role::mis;
}

// A concern, or whatever else came from a source that is not an MIS. A source that the configuration no longer names is
// taken for one of safeguarding.
bool opening_filter::is_of_safeguarding(json_view root, std::string_view kind) const
{
    if (kind == name_of(what::concern) || kind == name_of(what::action)) return true;
    bool other = false;
    if (const auto source = root["source"].string_if()) other = !is_mis(*source);
    root["sources"].for_each_element([&](json_view each) { other |= !is_mis(each.string_if().value_or("")); });
    return other;
}

} // namespace rollbook
