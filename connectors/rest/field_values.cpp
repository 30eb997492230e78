// How the values of a source become ours: the second half of field_reader.
#include "connectors/rest/field_reader.hpp"

#include "connectors/rest/condition.hpp"
#include "connectors/rest/dom.hpp"

#include <algorithm>

namespace rollbook {

namespace {

using field_kind = field_spec::kind;

std::string_view kind_of(const dom_value& v)
{
    if (v.IsObject()) return "an object";
    if (v.IsArray()) return "a list";
    if (v.IsString()) return "a text";
    if (v.IsBool()) return "true or false";
    return v.IsNull() ? "null" : "a number";
}

std::string_view wanted(field_kind type)
{
    switch (type) {
    case field_kind::text: return "a text";
    case field_kind::integer: return "a whole number";
    case field_kind::boolean: return "true or false";
    case field_kind::day:
    case field_kind::instant:
    case field_kind::local_time: return "a date";
    case field_kind::list: return "a list of texts";
    case field_kind::flags: return "an object";
    }
    return "a value";
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

std::optional<std::int64_t> find_count(const dom_value& root, path_finder& path)
{
    const dom_value* found = path.find(root);
    const auto number = found ? whole(*found) : std::nullopt;
    return number && *number >= 0 ? number : std::nullopt;
}

field_value field_reader::text_value(const dom_value& v, page_texts& pool) const
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

// What the manifest makes of a text: the part that counts, none at all, or our word for it.
bool field_reader::is_blank(std::string_view text) const
{
    return std::find(spec_.blank.begin(), spec_.blank.end(), text) != spec_.blank.end();
}

field_value field_reader::shaped(field_value value) const
{
    if (!spec_.after_last.empty())
        if (const auto at = value.text.rfind(spec_.after_last); at != value.text.npos)
            value.text.remove_prefix(at + spec_.after_last.size());
    if (is_blank(value.text)) value.text = {};
    if (!spec_.translate.empty() && !value.text.empty()) {
        const auto ours = std::find_if(spec_.translate.begin(), spec_.translate.end(), [&](const auto& t) {
            return t.first == value.text;
        });
        if (ours != spec_.translate.end())
            value.text = ours->second;
        else if (spec_.translate_all)
            return wrong("is a text that the manifest has no translation for");
    }
    if (value.text.empty()) value.is = field_value::kind::none;
    return value;
}

// The names of those that hold. Where the object itself is not there, the source does not say.
field_value field_reader::flags_in(const dom_value& object)
{
    if (!object.IsObject()) return wrong("is " + std::string(kind_of(object)) + " where an object was expected");
    field_value out;
    out.is = field_value::kind::list;
    for (const auto& [name, condition] : flags_)
        if (condition->hold(object)) out.list.push_back(name);
    return out;
}

field_value field_reader::convert(const dom_value& v, const lookup_tables& tables, page_texts& pool)
{
    if (!spec_.where.empty()) return pick(v, pool);
    field_value out;
    std::string_view text;
    std::string_view zone;
    switch (spec_.type) {
    case field_kind::text: {
        out = text_value(v, pool);
        // A mark's code takes two columns, which the mapper looks up itself.
        if (out.is != field_value::kind::text) return out;
        out = shaped(std::move(out));
        if (out.is != field_value::kind::text || spec_.column.empty()) return out;
        const auto table = tables.find(spec_.lookup);
        if (table == tables.end()) return out;
        const auto row = table->second->rows.find(out.text);
        if (row != table->second->rows.end())
            out.text = pool.keep(row->second[table->second->column(spec_.column)]);
        else if (spec_.unknown_is_none)
            return {};
        if (out.text.empty() || is_blank(out.text)) return {};
        return out;
    }
    case field_kind::list: return convert_list(v, pool);
    case field_kind::flags: return flags_in(v);
    case field_kind::integer: {
        if (v.IsString() && trimmed(text_of(v)).empty()) return out;
        const auto number = whole(v);
        constexpr std::int64_t canonical_max = (std::int64_t{1} << 53) - 1;
        if (!number || *number > canonical_max || *number < -canonical_max) return wrong("is not a whole number");
        out.is = field_value::kind::integer;
        out.integer = *number;
        return out;
    }
    case field_kind::boolean: {
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
    case field_kind::day: {
        out = date_text(v, text, zone);
        if (out.is != field_value::kind::text) return out;
        const auto day = dates_.day(text);
        if (!day) return wrong("is not a date in a known form");
        out.text = pool.keep(format_day(*day));
        return out;
    }
    case field_kind::instant: {
        out = date_text(v, text, zone);
        if (out.is != field_value::kind::text) return out;
        const auto at = dates_.moment(text, zone);
        if (!at) return wrong("is not a time in a known form and zone");
        out.text = pool.keep(format_instant(*at));
        return out;
    }
    case field_kind::local_time: {
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
        const dom_value* named = spec_.type == field_kind::instant ? zone_member_.find(v) : nullptr;
        if (named && named->IsString()) zone = text_of(*named);
    }
    if (!inner->IsString()) return wrong("is " + std::string(kind_of(*inner)) + " where a date was expected");
    text = text_of(*inner);
    if (!trimmed(text).empty()) out.is = field_value::kind::text;
    return out;
}

field_value field_reader::convert_list(const dom_value& v, page_texts& pool) const
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
        return wrong(
            "is " + std::string(kind_of(v)) + " where " + std::string(wanted(field_kind::list)) + " was expected"
        );
    }
    drop_repeats(out.list);
    out.is = out.list.empty() ? field_value::kind::none : field_value::kind::list;
    return out;
}

// Of several items that fit, the least text: the order of the list is not promised.
field_value field_reader::pick(const dom_value& list, page_texts& pool)
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

} // namespace rollbook
