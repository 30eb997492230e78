#pragma once

#include "connectors/rest/dom_fwd.hpp"
#include "connectors/rest/manifest.hpp"

#include <map>
#include <string>

namespace rollbook {

// The parts of a row that a manifest reads, for keeping a rejected row without what we never asked to know.
struct read_tree {
    std::map<std::string, read_tree> below;
    bool is_read = false;
};

// Adds what `field` reads: of a row, or with `of_parent` of the row that a nested item stands in. What stands in free
// text is never kept.
void keep_field(read_tree& tree, const field_spec& field, const date_form& dates, bool of_parent);

// The parts of a row that are read, as JSON.
std::string kept_text(const dom_value& row, const read_tree& tree);

} // namespace rollbook
