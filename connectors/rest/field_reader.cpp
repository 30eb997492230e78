#include "connectors/rest/field_reader.hpp"

#include "connectors/rest/condition.hpp"
#include "connectors/rest/dom.hpp"

#include <algorithm>
#include <cstring>

namespace rollbook {

namespace {

using field_kind = field_spec::kind;

std::string dotted(const json_path& path)
{
    std::string out;
    for (const std::string& part : path)
        out += (out.empty() ? "" : ".") + part;
    return out;
}

} // namespace

bool is_of_parent(const json_path& joined)
{
    return !joined.empty() && joined.front().starts_with('^');
}

std::size_t lookup_table::column(std::string_view name) const
{
    const auto at = std::lower_bound(columns.begin(), columns.end(), name);
    return at != columns.end() && *at == name ? static_cast<std::size_t>(at - columns.begin()) : std::string::npos;
}

path_finder::path_finder(const json_path& path)
{
    for (const std::string& name : path)
        steps_.push_back({name});
}

const dom_value* path_finder::find(const dom_value& in)
{
    const dom_value* here = &in;
    for (step& s : steps_) {
        if (!here->IsObject()) return here->IsNull() ? here : nullptr;
        const auto members = here->MemberBegin();
        const unsigned count = here->MemberCount();
        const auto is_it = [&](unsigned i) {
            const dom_value& name = members[i].name;
            return name.GetStringLength() == s.name.size() &&
                   std::memcmp(name.GetString(), s.name.data(), s.name.size()) == 0;
        };
        if (s.at >= count || !is_it(s.at)) {
            unsigned i = 0;
            while (i < count && !is_it(i))
                ++i;
            if (i == count) return nullptr;
            s.at = i;
        }
        here = &members[s.at].value;
    }
    return here;
}

std::string path_finder::name() const
{
    std::string out;
    for (const step& s : steps_)
        out += (out.empty() ? "" : ".") + s.name;
    return out;
}

field_reader::field_reader(const field_spec& spec, const date_form& dates)
    : spec_(spec), take_(spec.take), dates_(
                                         spec.formats.empty() ? dates.formats : spec.formats,
                                         dates.zone.empty() ? std::nullopt : time_zone::named(dates.zone)
                                     )
{
    for (const json_path& path : spec.from)
        from_.emplace_back(path);
    for (const auto& [path, value] : spec.where)
        where_.emplace_back(path);
    for (json_path path : spec.join) {
        join_of_parent_.push_back(is_of_parent(path));
        if (join_of_parent_.back()) path.front().erase(0, 1);
        join_.emplace_back(path);
    }
    for (const auto& [name, condition] : spec.flags)
        flags_.emplace_back(name, std::make_shared<condition_list>(condition));
    const bool plain = spec.where.empty() && spec.column.empty() && spec.translate.empty() && spec.blank.empty() &&
                       spec.after_last.empty();
    quick_ = from_.size() == 1 && spec.type == field_kind::text && plain && !spec.of_parent;
    may_be_none_ = !spec.required && !spec.otherwise;
    dated_ = !dates.text_member.empty();
    if (dated_) date_member_ = path_finder({dates.text_member});
    if (dated_ && !dates.zone_member.empty()) zone_member_ = path_finder({dates.zone_member});
}

field_value field_reader::wrong(std::string_view why) const
{
    field_value out;
    out.is = field_value::kind::wrong;
    out.reason = spec_.name;
    for (const json_path& path : spec_.join)
        out.reason +=
            (&path == &spec_.join.front() ? " (" : " and ") + dotted(path) + (&path == &spec_.join.back() ? ")" : "");
    for (std::size_t i = 0; i < spec_.from.size(); ++i)
        out.reason += (i == 0 ? " (" : " or ") + (spec_.from[i].empty() ? "the item" : dotted(spec_.from[i])) +
                      (i + 1 == spec_.from.size() ? ")" : "");
    out.reason += ' ';
    out.reason += why;
    return out;
}

field_value field_reader::absent(const dom_value* found, page_texts& pool) const
{
    if (spec_.otherwise) {
        field_value out;
        out.is = field_value::kind::text;
        out.text = pool.keep(*spec_.otherwise);
        return out;
    }
    if (!spec_.required && !(spec_.present && !found)) return {};
    return wrong(!found ? "is missing" : found->IsNull() ? "is null" : "is empty");
}

field_value
field_reader::read(const dom_value& row, const dom_value* parent, const lookup_tables& tables, page_texts& pool)
{
    if (spec_.is_constant) {
        field_value out;
        out.is = field_value::kind::text;
        out.text = spec_.constant;
        return out;
    }
    const dom_value& begin = spec_.of_parent && parent ? *parent : row;
    if (!join_.empty()) return joined(row, parent ? *parent : row, pool);
    const dom_value* seen = nullptr;
    for (path_finder& path : from_) {
        const dom_value* found = path.find(begin);
        if (!found) continue;
        if (!seen || seen->IsNull()) seen = found;
        if (found->IsNull()) continue;
        // An object or list without anything in it is how PHP writes an empty date.
        if (dated_ && ((found->IsObject() && found->ObjectEmpty()) || (found->IsArray() && found->Empty())) &&
            (spec_.type == field_kind::day || spec_.type == field_kind::instant || spec_.type == field_kind::local_time
            ))
            continue;
        field_value out = convert(*found, tables, pool);
        if (out.is != field_value::kind::none) return out;
        seen = found;
    }
    return absent(seen, pool);
}

// An identity of several parts: without one of them there is none.
field_value field_reader::joined(const dom_value& row, const dom_value& outer, page_texts& pool)
{
    std::string whole;
    for (std::size_t i = 0; i < join_.size(); ++i) {
        const dom_value* found = join_[i].find(join_of_parent_[i] ? outer : row);
        if (!found || found->IsNull()) return absent(found, pool);
        const field_value part = text_value(*found, pool);
        if (part.is != field_value::kind::text) return part.is == field_value::kind::wrong ? part : absent(found, pool);
        whole.append(whole.empty() ? "" : "/").append(part.text);
    }
    field_value out;
    out.is = field_value::kind::text;
    out.text = pool.keep(std::move(whole));
    return shaped(std::move(out));
}

bool field_reader::quick_text(const dom_value& row, std::string_view& text)
{
    const dom_value* found = quick_ ? from_[0].find(row) : nullptr;
    if (!found) return quick_ && may_be_none_ && !spec_.present;
    if (found->IsString())
        text = trimmed(text_of(*found));
    else if (!found->IsNull())
        return false;
    return !text.empty() || may_be_none_;
}

bool field_reader::quick_day(const dom_value& row, civil_day& day)
{
    if (from_.size() != 1) return false;
    const dom_value* found = from_[0].find(row);
    if (found && dated_ && found->IsObject()) found = date_member_.find(*found);
    if (!found || !found->IsString()) return false;
    const auto read = dates_.day(text_of(*found));
    if (read) day = *read;
    return read.has_value();
}

field_value field_reader::read_day(const dom_value& row, civil_day& day)
{
    const dom_value* found = nullptr;
    for (path_finder& path : from_) {
        found = path.find(row);
        if (found && !found->IsNull()) break;
    }
    if (!found) return wrong("is missing");
    if (found->IsNull()) return wrong("is null");
    std::string_view text;
    std::string_view zone;
    field_value out = date_text(*found, text, zone);
    if (out.is == field_value::kind::wrong) return out;
    const auto read = out.is == field_value::kind::text ? dates_.day(text) : std::nullopt;
    if (!read) return wrong(out.is == field_value::kind::text ? "is not a date in a known form" : "is empty");
    day = *read;
    return out;
}

std::optional<instant> field_reader::read_instant(const dom_value& row)
{
    for (path_finder& path : from_) {
        const dom_value* found = path.find(row);
        if (!found || found->IsNull()) continue;
        std::string_view text;
        std::string_view zone;
        if (date_text(*found, text, zone).is != field_value::kind::text) return std::nullopt;
        return dates_.moment(text, zone);
    }
    return std::nullopt;
}

} // namespace rollbook
