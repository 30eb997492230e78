#include "connectors/mapping/pupil_directory.hpp"

#include "connectors/mapping/values.hpp"
#include "daemon/base/canonical_json.hpp"

#include <algorithm>

namespace rollbook {

namespace {

std::string_view value_of(const pupil_words& said, std::string_view field)
{
    const auto at = said.fields.find(field);
    return at == said.fields.end() ? std::string_view() : std::string_view(at->second);
}

} // namespace

std::string upn_form(std::string_view text)
{
    std::string out;
    for (const char c : trimmed(text))
        out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    const auto figure = [](char c) { return c >= '0' && c <= '9'; };
    const auto letter = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (out.size() != 13 || !letter(out[0]) || !(figure(out[12]) || letter(out[12]))) return {};
    for (std::size_t i = 1; i < 12; ++i)
        if (!figure(out[i])) return {};
    return out;
}

void pupil_directory::alias(std::string key, const std::string& id)
{
    const auto [at, is_new] = aliases_.emplace(std::move(key), id);
    // One number on two pupils names neither.
    if (!is_new && at->second != id) at->second.clear();
}

const std::string* pupil_directory::find_alias(std::string_view kind, std::string_view value) const
{
    if (value.empty()) return nullptr;
    const auto at = aliases_.find(std::string(kind).append(value));
    return at == aliases_.end() || at->second.empty() ? nullptr : &at->second;
}

bool pupil_directory::learn(const pupil_words& said)
{
    const std::string_view number = value_of(said, "upn");
    const std::string_view mis_id = value_of(said, "mis_id");
    // Who is known by the MIS's id alone may still turn out to have a UPN: that row says so.
    const std::string id = !said.own_id.empty() ? said.own_id : std::string(number.empty() ? mis_id : number);
    if (id.empty()) return true;
    has_own_ids_ = has_own_ids_ || !said.own_id.empty();
    if (!said.own_id.empty() || !number.empty()) {
        if (!mis_id.empty()) alias(std::string("mis:").append(mis_id), id);
        if (!number.empty()) alias(std::string("upn:").append(number), id);
    }
    auto& fields = fields_[id];
    for (const auto& [name, value] : said.fields)
        fields.emplace(name, value);
    return fields_.size() <= pupils_max;
}

std::string pupil_directory::id_of(const pupil_words& said) const
{
    if (!said.own_id.empty()) return said.own_id;
    const std::string_view number = value_of(said, "upn");
    const std::string_view mis_id = value_of(said, "mis_id");
    if (const std::string* known = find_alias("upn:", number)) return *known;
    if (!number.empty()) return std::string(number);
    if (const std::string* known = find_alias("mis:", mis_id)) return *known;
    return std::string(mis_id);
}

std::string pupil_directory::id_of(std::string_view named) const
{
    const std::string number = upn_form(named);
    if (const std::string* known = find_alias("upn:", number)) return *known;
    if (!number.empty()) return number;
    if (has_own_ids_ && fields_.contains(std::string(named))) return std::string(named);
    if (const std::string* known = find_alias("mis:", named)) return *known;
    return std::string(named);
}

std::string pupil_directory::fields_of(const std::string& id) const
{
    std::string text;
    json_writer out(text);
    out.begin_object();
    const auto at = fields_.find(id);
    if (at != fields_.end()) {
        for (const auto& [name, value] : at->second) {
            if (name != flags_field) {
                out.member(name, value);
                continue;
            }
            std::vector<std::string> flags = split_list(value, ' ');
            std::sort(flags.begin(), flags.end());
            out.key(name).begin_array();
            for (const std::string& flag : flags)
                out.value(flag);
            out.end_array();
        }
    } else if (!upn_form(id).empty()) {
        out.member("upn", id);
    }
    out.end_object();
    return text;
}

} // namespace rollbook
