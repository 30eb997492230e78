#include "connectors/rest/manifest_reader.hpp"

#include "daemon/domain/rule.hpp"

#include <algorithm>

namespace rollbook {

field_spec manifest_reader::read_field(std::string_view name, json_view v, const std::string& at)
{
    field_spec f;
    f.name = name;
    const json_view from = v.is_object() ? (v["parent"].is_absent() ? v["from"] : v["parent"]) : v;
    f.of_parent = !v["parent"].is_absent();
    if (const auto text = from.string_if()) f.from.push_back(parts_of(*text));
    from.for_each_element([&](json_view path) { f.from.push_back(parts_of(text_or(path))); });
    f.is_constant = !v["constant"].is_absent();
    f.constant = text_or(v["constant"]);
    v["join"].for_each_element([&](json_view path) { f.join.push_back(parts_of(text_or(path))); });
    const int ways =
        (f.is_constant ? 1 : 0) + (v["from"].is_absent() ? 0 : 1) + (f.of_parent ? 1 : 0) + (f.join.empty() ? 0 : 1);
    if (v.is_object() && ways != 1)
        wrong(at, "needs one of from, parent, join and constant", "Say where the value comes from, once.");
    read_type(f, text_or(v["type"], "string"));
    v["where"].for_each([&](std::string_view path, json_view value) {
        f.where.emplace_back(parts_of(path), text_or(value));
    });
    f.take = parts_of(text_or(v["take"]));
    if (f.where.empty() != v["take"].is_absent()) wrong(at, "where and take go together", "Give both or neither.");
    f.lookup = text_or(v["lookup"]);
    f.column = text_or(v["column"]);
    if (const auto text = v["default"].string_if()) f.otherwise = std::string(*text);
    if (v.is_object()) f.when = read_switch(v["when"], at + "/when");
    for (const auto& [flag, condition] : sorted_members(v["flags"])) {
        if (std::ranges::find(known_flags, flag) == known_flags.end())
            wrong(at + "/flags/" + std::string(flag), "is no flag", "schemas/rules/README.md lists the flags.");
        f.flags.emplace_back(flag, read_condition(condition, at + "/flags/" + std::string(flag)));
    }
    if (f.flags.empty() == (f.type == field_spec::kind::flags))
        wrong(at + "/type", "flags go with the type flags, and with no other", "Give both or neither.");
    const std::string split = text_or(v["split"]);
    f.split = split.empty() ? '\0' : split[0];
    v["markers"].for_each_element([&](json_view m) {
        f.markers.push_back({text_or(m["begins"]), text_or(m["ends"]), text_or(m["prefix"])});
    });
    v["formats"].for_each_element([&](json_view format) { f.formats.push_back(text_or(format)); });
    f.required = v["required"].bool_if().value_or(false);
    for (const auto& [text, ours] : sorted_members(v["translate"]))
        f.translate.emplace_back(text, text_or(ours));
    f.translate_all = text_or(v["unknown"]) == "reject";
    f.unknown_is_none = text_or(v["unknown"]) == "none";
    if ((f.translate_all && f.translate.empty()) || (f.unknown_is_none && f.translate.empty() && f.column.empty()))
        wrong(at + "/unknown", "is for a translation or a column", "Add \"translate\", or leave it out.");
    v["blank"].for_each_element([&](json_view text) { f.blank.push_back(text_or(text)); });
    f.after_last = text_or(v["after_last"]);
    using kind = field_spec::kind;
    const bool is_date = f.type == kind::day || f.type == kind::instant || f.type == kind::local_time;
    if (!f.formats.empty() && !is_date) wrong(at + "/formats", "is for dates", "Leave it out, or set the type.");
    if ((f.split != 0 || !f.markers.empty()) && f.type != kind::list)
        wrong(at, "split and markers make a list", "Set \"type\": \"list\".");
    const bool shaped = !f.translate.empty() || !f.blank.empty() || !f.after_last.empty() || !f.join.empty();
    if (shaped && f.type != kind::text)
        wrong(at, "translate, blank, after_last and join make a text", "Leave \"type\" out.");
    if (!f.lookup.empty()) check_lookup(f, at);
    return f;
}

void manifest_reader::needs_no_switch(const field_spec& f, const std::string& at)
{
    if (!f.when.empty()) wrong(at + "/when", "switches off what is always needed", "Leave it out.");
}

void manifest_reader::read_type(field_spec& f, const std::string& type)
{
    using kind = field_spec::kind;
    const std::pair<const char*, kind> kinds[] = {
        {"string", kind::text},
        {"integer", kind::integer},
        {"boolean", kind::boolean},
        {"day", kind::day},
        {"instant", kind::instant},
        {"local_time", kind::local_time},
        {"list", kind::list},
        {"flags", kind::flags},
    };
    for (const auto& [name, value] : kinds)
        if (type == name) f.type = value;
}

void manifest_reader::check_lookup(const field_spec& f, const std::string& at)
{
    const auto table =
        std::find_if(m_.lookups.begin(), m_.lookups.end(), [&](const auto& l) { return l.name == f.lookup; });
    if (table == m_.lookups.end())
        return wrong(at + "/lookup", "names no lookup of this manifest", "Declare it in \"lookups\".");
    const auto has = [&](std::string_view column) {
        return std::any_of(table->columns.begin(), table->columns.end(), [&](const auto& c) {
            return c.name == column;
        });
    };
    if (!f.column.empty() && !has(f.column)) wrong(at + "/column", "is no column of the lookup", "Name one it has.");
    if (f.column.empty() && !(f.name == "code" && has("raw") && has("statutory")))
        wrong(at, "says not which column it takes", "Add \"column\". Only a mark's code takes raw and statutory both.");
}

std::vector<field_spec> manifest_reader::read_fields(json_view v, const std::string& at)
{
    std::vector<field_spec> out;
    for (const auto& [name, value] : sorted_members(v))
        out.push_back(read_field(name, value, at + "/" + name));
    return out;
}

manifest_reader::names manifest_reader::canonical_fields(what kind)
{
    manifest_reader::names out;
    const auto text = read_text_file(schemas_ / "canonical" / (std::string(name_of(kind)) + ".schema.json"));
    if (!text) {
        if (!first_) first_ = text.error();
        return out;
    }
    const auto schema = json_document::parse(*text);
    if (!schema) return out;
    schema->root()["properties"].for_each([&](std::string_view name, json_view) { out.emplace(name); });
    return out;
}

void manifest_reader::check_names(what kind, const std::vector<field_spec>& fields, const std::string& at)
{
    const auto known = canonical_fields(kind);
    for (const field_spec& f : fields) {
        const bool is_mark_code = kind == what::session_mark && f.name == "code";
        if (known.count(f.name) != 0 || is_mark_code) continue;
        wrong(
            at + "/" + f.name,
            "is no field of a " + std::string(name_of(kind)),
            "schemas/canonical/" + std::string(name_of(kind)) + ".schema.json lists the fields."
        );
    }
}

} // namespace rollbook
