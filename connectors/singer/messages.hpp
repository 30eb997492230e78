#pragma once

#include "connectors/mapping/table_row.hpp"
#include "daemon/base/error.hpp"
#include "daemon/base/json.hpp"
#include "daemon/ports/record_mapping.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// One line of a tap's output. Source: the Singer specification 0.3.0, and its ACTIVATE_VERSION extension.
struct singer_message {
    enum class kind { schema, record, state, activate_version } is = kind::record;
    std::string stream; // empty for a state
    json_document document;

    // The record, the schema or the state's value.
    json_view value() const;
};

// Fails with page_malformed: no JSON object, too long or too deep, another type of message, or one without its parts.
result<singer_message> parse_singer_message(std::string line);

// The values of a record that the mapping names; a column is a path of names parted by dots.
void read_singer_record(json_view record, const record_mapping& mapping, table_row& into);

// The first column of the mapping that the stream's schema does not have and that is not optional; null: it has them
// all.
const mapped_column* missing_in_schema(json_view schema, const record_mapping& mapping);

inline constexpr std::size_t line_bytes_max = 4 * 1024 * 1024;

} // namespace rollbook
