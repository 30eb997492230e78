#include "connectors/rest/field_reader.hpp"

#include "connectors/rest/dom.hpp"

#include <algorithm>
#include <cstring>

namespace rollbook {

namespace {

using kind = field_spec::kind;

bool same_text(std::string_view a, std::string_view b)
{
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view kind_of(const dom_value& v)
{
    if (v.IsObject()) return "an object";
    if (v.IsArray()) return "a list";
    if (v.IsString()) return "a text";
    if (v.IsBool()) return "true or false";
    return v.IsNull() ? "null" : "a number";
}

std::string_view wanted(kind type)
{
    switch (type) {
    case kind::text: return "a text";
    case kind::integer: return "a whole number";
    case kind::boolean: return "true or false";
    case kind::day:
    case kind::instant:
    case kind::local_time: return "a date";
    case kind::list: return "a list of texts";
    }
    return "a value";
}

std::string dotted(const json_path& path)
{
    std::string out;
    for (const std::string& part : path)
        out += (out.empty() ? "" : ".") + part;
    return out;
}

std::optional<std::int64_t> whole(const dom_value& v)
{
    if (v.IsInt64()) return v.GetInt64();
    if (v.IsString()) return whole_number(text_of(v));
    if (!v.IsDouble()) return std::nullopt;
    constexpr double exact_max = 9007199254740992.0; // 2^53
    const double number = v.GetDouble();
    if (!(number > -exact_max && number < exact_max)) return std::nullopt;
    const auto cut = static_cast<std::int64_t>(number);
    return static_cast<double>(cut) == number ? std::optional(cut) : std::nullopt;
}

std::string format_local(const read_time& at)
{
    std::string out;
    const civil_day day = day_of(at.local);
    append_day(out, day);
    if (!at.has_time) return out;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(at.local - local_instant(day)).count();
    for (const auto& [mark, part] : {std::pair('T', seconds / 3600), {':', seconds / 60 % 60}, {':', seconds % 60}})
        out += {mark, static_cast<char>('0' + part / 10), static_cast<char>('0' + part % 10)};
    return out;
}

} // namespace

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

std::optional<std::int64_t> find_count(const dom_value& root, path_finder& path)
{
    const dom_value* found = path.find(root);
    const auto number = found ? whole(*found) : std::nullopt;
    return number && *number >= 0 ? number : std::nullopt;
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
    quick_ =
        from_.size() == 1 && spec.type == kind::text && spec.where.empty() && spec.column.empty() && !spec.of_parent;
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
    for (std::size_t i = 0; i < spec_.from.size(); ++i)
        out.reason += (i == 0 ? " (" : " or ") + (spec_.from[i].empty() ? "the item" : dotted(spec_.from[i])) +
                      (i + 1 == spec_.from.size() ? ")" : "");
    out.reason += ' ';
    out.reason += why;
    return out;
}

field_value field_reader::absent(const dom_value* found, text_pool& pool) const
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

field_value field_reader::text_value(const dom_value& v, text_pool& pool) const
{
    field_value out;
    out.is = field_value::kind::text;
    if (v.IsString())
        out.text = trimmed(text_of(v));
    else if (v.IsInt64())
        out.text = pool.keep(std::to_string(v.GetInt64()));
    else if (v.IsUint64())
        out.text = pool.keep(std::to_string(v.GetUint64()));
    else if (v.IsBool())
        out.text = v.GetBool() ? "true" : "false";
    else
        return wrong("is " + std::string(kind_of(v)) + " where a text was expected");
    if (out.text.empty()) out.is = field_value::kind::none;
    return out;
}

field_value
field_reader::read(const dom_value& row, const dom_value* parent, const lookup_tables& tables, text_pool& pool)
{
    if (spec_.is_constant) {
        field_value out;
        out.is = field_value::kind::text;
        out.text = spec_.constant;
        return out;
    }
    const dom_value& begin = spec_.of_parent && parent ? *parent : row;
    const dom_value* seen = nullptr;
    for (path_finder& path : from_) {
        const dom_value* found = path.find(begin);
        if (!found) continue;
        if (!seen || seen->IsNull()) seen = found;
        if (found->IsNull()) continue;
        // An object or list without anything in it is how PHP writes an empty date.
        if (dated_ && ((found->IsObject() && found->ObjectEmpty()) || (found->IsArray() && found->Empty())) &&
            (spec_.type == kind::day || spec_.type == kind::instant || spec_.type == kind::local_time))
            continue;
        field_value out = convert(*found, tables, pool);
        if (out.is != field_value::kind::none) return out;
        seen = found;
    }
    return absent(seen, pool);
}

field_value field_reader::convert(const dom_value& v, const lookup_tables& tables, text_pool& pool)
{
    if (!spec_.where.empty()) return pick(v, pool);
    field_value out;
    std::string_view text;
    std::string_view zone;
    switch (spec_.type) {
    case kind::text: {
        out = text_value(v, pool);
        // A mark's code takes two columns, which the mapper looks up itself.
        if (out.is != field_value::kind::text || spec_.column.empty()) return out;
        const auto table = tables.find(spec_.lookup);
        if (table == tables.end()) return out;
        const auto row = table->second->rows.find(out.text);
        if (row != table->second->rows.end()) out.text = pool.keep(row->second[table->second->column(spec_.column)]);
        return out;
    }
    case kind::list: return convert_list(v, pool);
    case kind::integer: {
        if (v.IsString() && trimmed(text_of(v)).empty()) return out;
        const auto number = whole(v);
        constexpr std::int64_t canonical_max = (std::int64_t{1} << 53) - 1;
        if (!number || *number > canonical_max || *number < -canonical_max) return wrong("is not a whole number");
        out.is = field_value::kind::integer;
        out.integer = *number;
        return out;
    }
    case kind::boolean: {
        const std::string_view word = v.IsString() ? trimmed(text_of(v)) : std::string_view();
        if (v.IsString() && word.empty()) return out;
        const bool yes = v.IsBool()  ? v.GetBool()
                         : v.IsInt() ? v.GetInt() == 1
                                     : same_text(word, "true") || same_text(word, "yes");
        const bool no = v.IsBool()  ? !v.GetBool()
                        : v.IsInt() ? v.GetInt() == 0
                                    : same_text(word, "false") || same_text(word, "no");
        if (yes == no) return wrong("is not true or false");
        out.is = field_value::kind::boolean;
        out.truth = yes;
        return out;
    }
    case kind::day: {
        out = date_text(v, text, zone);
        if (out.is != field_value::kind::text) return out;
        const auto day = dates_.day(text);
        if (!day) return wrong("is not a date in a known form");
        out.text = pool.keep(format_day(*day));
        return out;
    }
    case kind::instant: {
        out = date_text(v, text, zone);
        if (out.is != field_value::kind::text) return out;
        const auto at = dates_.moment(text, zone);
        if (!at) return wrong("is not a time in a known form and zone");
        out.text = pool.keep(format_instant(*at));
        return out;
    }
    case kind::local_time: {
        out = date_text(v, text, zone);
        if (out.is != field_value::kind::text) return out;
        const auto at = dates_.local(text);
        if (!at) return wrong("is not a date in a known form");
        out.text = pool.keep(format_local(*at));
        return out;
    }
    }
    return out;
}

field_value field_reader::date_text(const dom_value& v, std::string_view& text, std::string_view& zone)
{
    field_value out;
    const dom_value* inner = &v;
    if (dated_ && v.IsObject()) {
        inner = date_member_.find(v);
        if (!inner) return wrong("is an object without its date");
        if (inner->IsNull()) return out;
        const dom_value* named = spec_.type == kind::instant ? zone_member_.find(v) : nullptr;
        if (named && named->IsString()) zone = text_of(*named);
    }
    if (!inner->IsString()) return wrong("is " + std::string(kind_of(*inner)) + " where a date was expected");
    text = text_of(*inner);
    if (!trimmed(text).empty()) out.is = field_value::kind::text;
    return out;
}

field_value field_reader::convert_list(const dom_value& v, text_pool& pool) const
{
    field_value out;
    if (!spec_.markers.empty()) {
        if (!v.IsString()) return wrong("is " + std::string(kind_of(v)) + " where a text was expected");
        out.list = marked_ids(text_of(v), spec_.markers);
    } else if (v.IsString() && spec_.split != 0) {
        out.list = split_list(text_of(v), spec_.split);
    } else if (v.IsArray()) {
        for (const dom_value& item : v.GetArray()) {
            const field_value text = text_value(item, pool);
            if (text.is == field_value::kind::wrong) return wrong("holds an item that is no text");
            if (text.is == field_value::kind::text) out.list.emplace_back(text.text);
        }
    } else {
        return wrong("is " + std::string(kind_of(v)) + " where " + std::string(wanted(kind::list)) + " was expected");
    }
    drop_repeats(out.list);
    out.is = out.list.empty() ? field_value::kind::none : field_value::kind::list;
    return out;
}

// Of several items that fit, the least text: the order of the list is not promised.
field_value field_reader::pick(const dom_value& list, text_pool& pool)
{
    const auto fits = [&](const dom_value& item) {
        for (std::size_t i = 0; i < where_.size(); ++i) {
            const dom_value* found = where_[i].find(item);
            if (!found || !found->IsString() || !same_text(trimmed(text_of(*found)), spec_.where[i].second))
                return false;
        }
        return true;
    };
    field_value best;
    const auto offer = [&](const dom_value& item) {
        const dom_value* found = fits(item) ? take_.find(item) : nullptr;
        if (!found || found->IsNull()) return;
        field_value text = text_value(*found, pool);
        if (text.is == field_value::kind::none || best.is == field_value::kind::wrong) return;
        if (best.is == field_value::kind::none || text.is == field_value::kind::wrong || text.text < best.text)
            best = std::move(text);
    };
    if (list.IsArray())
        for (const dom_value& item : list.GetArray())
            offer(item);
    else if (list.IsObject())
        offer(list);
    else
        return wrong("is " + std::string(kind_of(list)) + " where a list was expected");
    return best;
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
