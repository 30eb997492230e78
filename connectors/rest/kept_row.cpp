#include "connectors/rest/kept_row.hpp"

#include "connectors/rest/dom.hpp"
#include "connectors/rest/field_reader.hpp"
#include "daemon/base/canonical_json.hpp"

#include <cstdlib>

namespace rollbook {

namespace {

void keep_path(read_tree& tree, const json_path& path)
{
    read_tree* here = &tree;
    for (const std::string& name : path)
        here = &here->below[name];
    here->is_read = true;
}

// Writes the parts of `v` that are read. A value of another shape than expected shows its shape only.
void write_kept(const dom_value& v, const read_tree& tree, json_writer& out)
{
    if (v.IsObject()) {
        out.begin_object();
        for (const auto& [name, below] : tree.below) {
            const auto at = v.FindMember(name.c_str());
            if (at == v.MemberEnd()) continue;
            out.key(name);
            write_kept(at->value, below, out);
        }
        out.end_object();
    } else if (v.IsArray()) {
        out.begin_array();
        for (const dom_value& item : v.GetArray())
            write_kept(item, tree, out);
        out.end_array();
    } else if (v.IsNull() || !tree.is_read) {
        out.null();
    } else if (v.IsBool()) {
        out.value(v.GetBool());
    } else if (v.IsString()) {
        out.value(text_of(v));
    } else if (v.IsInt64() && std::abs(v.GetInt64()) <= json_writer::integer_max) {
        out.value(v.GetInt64());
    } else {
        out.number(v.GetDouble());
    }
}

} // namespace

void keep_field(read_tree& tree, const field_spec& field, const date_form& dates, bool of_parent)
{
    if (field.of_parent != of_parent || !field.markers.empty()) return;
    for (const json_path& path : field.join)
        if (!is_of_parent(path)) keep_path(tree, path);
    for (json_path path : field.from) {
        for (const auto& [where, value] : field.where) {
            json_path whole = path;
            whole.insert(whole.end(), where.begin(), where.end());
            keep_path(tree, whole);
        }
        path.insert(path.end(), field.take.begin(), field.take.end());
        keep_path(tree, path);
        const bool dated = field.type == field_spec::kind::day || field.type == field_spec::kind::instant ||
                           field.type == field_spec::kind::local_time;
        if (!dated || dates.text_member.empty()) continue;
        path.push_back(dates.text_member);
        keep_path(tree, path);
        path.back() = dates.zone_member;
        if (!dates.zone_member.empty()) keep_path(tree, path);
    }
}

std::string kept_text(const dom_value& row, const read_tree& tree)
{
    std::string text;
    json_writer out(text);
    write_kept(row, tree, out);
    return text;
}

} // namespace rollbook
