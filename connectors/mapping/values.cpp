#include "connectors/mapping/values.hpp"

#include "daemon/base/canonical_json.hpp"

#include <algorithm>
#include <charconv>

namespace rollbook {

namespace {

constexpr std::size_t marked_id_max = 64;

bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_id_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

} // namespace

std::string_view trimmed(std::string_view text)
{
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_space(text.back()))
        text.remove_suffix(1);
    return text;
}

std::optional<std::int64_t> whole_number(std::string_view text)
{
    text = trimmed(text);
    if (const auto point = text.find('.'); point != text.npos) {
        const std::string_view fraction = text.substr(point + 1);
        if (fraction.empty() || fraction.find_first_not_of('0') != fraction.npos) return std::nullopt;
        text = text.substr(0, point);
    }
    std::int64_t value = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

bool same_text(std::string_view a, std::string_view b)
{
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::vector<std::string> split_list(std::string_view text, char separator)
{
    std::vector<std::string> parts;
    for (;;) {
        const auto at = text.find(separator);
        const std::string_view part = trimmed(text.substr(0, at));
        if (!part.empty()) parts.emplace_back(part);
        if (at == text.npos) return parts;
        text.remove_prefix(at + 1);
    }
}

void drop_repeats(std::vector<std::string>& list)
{
    auto end = list.begin();
    for (auto at = list.begin(); at != list.end(); ++at) {
        if (std::find(list.begin(), end, *at) != end) continue;
        if (end != at) *end = std::move(*at);
        ++end;
    }
    list.erase(end, list.end());
}

std::vector<std::string> marked_ids(std::string_view text, const std::vector<marker>& markers)
{
    std::vector<std::string> ids;
    for (const marker& m : markers) {
        for (auto at = text.find(m.begins); at != text.npos; at = text.find(m.begins, at + m.begins.size())) {
            const auto first = at + m.begins.size();
            const auto last = text.find(m.ends, first);
            if (last == text.npos) break;
            const std::string_view id = text.substr(first, last - first);
            if (id.empty() || id.size() > marked_id_max || !std::all_of(id.begin(), id.end(), is_id_character))
                continue;
            ids.push_back(m.prefix + std::string(id));
        }
    }
    std::sort(ids.begin(), ids.end());
    drop_repeats(ids);
    return ids;
}

std::string amendment_in(std::string_view name, std::string_view on, std::string_view position, std::string_view reason)
{
    std::string text;
    if (name.empty() && on.empty() && position.empty() && reason.empty()) return text;
    json_writer out(text);
    out.begin_object();
    for (const auto& [key, value] : {std::pair("name", name), {"on", on}, {"position", position}, {"reason", reason}})
        if (!value.empty()) out.member(key, value);
    out.end_object();
    return text;
}

} // namespace rollbook
