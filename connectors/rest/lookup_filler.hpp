#pragma once

#include "connectors/rest/condition.hpp"
#include "connectors/rest/field_reader.hpp"

#include <string>
#include <vector>

namespace rollbook {

// The list of rows at a path of an answer. Fails with page_malformed when there is none.
result<const dom_value*> list_at(const dom_value& root, path_finder& path);

// The table of a lookup, filled page by page.
class lookup_filler {
public:
    lookup_filler(const lookup_spec& spec, const date_form& dates);
    // Adds one answer; gives how many rows it had. Fails with page_malformed: no list, or a row without its key.
    result<std::size_t> add(const dom_value& root, lookup_table& table);

private:
    path_finder records_;
    condition_list only_;
    field_reader key_;
    std::vector<field_reader> columns_;
};

// A table as canonical JSON, sorted by its keys.
std::string table_json(const lookup_table& table);

} // namespace rollbook
