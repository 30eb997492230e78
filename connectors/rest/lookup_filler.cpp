#include "connectors/rest/lookup_filler.hpp"

#include "connectors/rest/dom.hpp"
#include "daemon/base/canonical_json.hpp"

#include <algorithm>

namespace rollbook {

result<const dom_value*> list_at(const dom_value& root, path_finder& path)
{
    const dom_value* found = path.find(root);
    if (found && found->IsArray()) return found;
    const std::string name = path.name().empty() ? "the answer" : "\"" + path.name() + "\"";
    const std::string what = found ? name + " is not a list" : "there is no " + name;
    return failure(
        errc::page_malformed,
        "the answer has another shape than expected: " + what,
        "Check base_url; if it is right, the source changed its answers and the manifest must follow."
    );
}

lookup_filler::lookup_filler(const lookup_spec& spec, const date_form& dates)
    : records_(spec.select.records), only_(spec.select.only), key_(spec.key, dates)
{
    for (const field_spec& column : spec.columns)
        columns_.emplace_back(column, dates);
}

result<std::size_t> lookup_filler::add(const dom_value& root, lookup_table& table)
{
    const auto list = list_at(root, records_);
    if (!list) return list.error();
    page_texts pool;
    std::size_t position = 0;
    for (const dom_value& row : (*list)->GetArray()) {
        ++position;
        if (!only_.hold(row)) continue;
        field_value key = key_.read(row, nullptr, {}, pool);
        const auto no = [&](const std::string& why) {
            return failure(
                errc::page_malformed,
                "row " + std::to_string(position - 1) + ": " + why,
                "Report this line to the source's support: without this table its rows have no meaning."
            );
        };
        if (key.is != field_value::kind::text) return no(key.reason);
        std::vector<std::string> cells;
        for (field_reader& column : columns_) {
            const field_value cell = column.read(row, nullptr, {}, pool);
            if (cell.is == field_value::kind::wrong) return no(cell.reason);
            cells.emplace_back(cell.text);
        }
        table.rows.try_emplace(std::string(key.text), std::move(cells));
    }
    return std::size_t{(*list)->Size()};
}

std::string table_json(const lookup_table& table)
{
    std::vector<const std::pair<const std::string, std::vector<std::string>>*> rows;
    for (const auto& row : table.rows)
        rows.push_back(&row);
    std::sort(rows.begin(), rows.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
    std::string out;
    json_writer json(out);
    json.begin_array();
    for (const auto* row : rows) {
        json.begin_object();
        bool id_written = false;
        const auto write_id = [&] {
            json.member("id", row->first);
            id_written = true;
        };
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            if (!id_written && table.columns[i] > "id") write_id();
            if (!row->second[i].empty()) json.member(table.columns[i], row->second[i]);
        }
        if (!id_written) write_id();
        json.end_object();
    }
    json.end_array();
    return out;
}

} // namespace rollbook
