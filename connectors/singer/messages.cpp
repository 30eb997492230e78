#include "connectors/singer/messages.hpp"

#include "daemon/base/canonical_json.hpp"

namespace rollbook {

namespace {

constexpr std::size_t value_bytes_max = 64 * 1024;
constexpr unsigned message_depth_max = 64;

failure no_message(std::string what)
{
    return failure(
        errc::page_malformed, std::move(what), "Run the tap by hand: each line it prints must be a message of Singer."
    );
}

std::string number_text(json_view value)
{
    if (const auto whole = value.int_if()) return std::to_string(*whole);
    std::string out;
    json_writer(out).number(value.as_double());
    return out;
}

bool append_value(json_view value, std::string& into)
{
    if (const auto text = value.string_if())
        into.append(*text);
    else if (value.is_number())
        into.append(number_text(value));
    else if (const auto truth = value.bool_if())
        into.append(*truth ? "true" : "false");
    else
        return value.is_null();
    return true;
}

} // namespace

json_view singer_message::value() const
{
    switch (is) {
    case kind::schema: return document.root()["schema"];
    case kind::record: return document.root()["record"];
    case kind::state: return document.root()["value"];
    case kind::activate_version: return document.root()["version"];
    }
    return {};
}

result<singer_message> parse_singer_message(std::string line)
{
    json_limits limits;
    limits.bytes_max = line_bytes_max;
    limits.depth_max = message_depth_max;
    auto parsed = json_document::parse(std::move(line), limits);
    if (!parsed) return no_message("a line of the tap is not JSON: " + parsed.error().what);
    singer_message out{singer_message::kind::record, {}, std::move(*parsed)};
    const json_view root = out.document.root();
    const auto type = root["type"].string_if();
    if (!type) return no_message("a line of the tap is no message: it has no type");
    using kind = singer_message::kind;
    if (*type == "SCHEMA")
        out.is = kind::schema;
    else if (*type == "RECORD")
        out.is = kind::record;
    else if (*type == "STATE")
        out.is = kind::state;
    else if (*type == "ACTIVATE_VERSION")
        out.is = kind::activate_version;
    else
        return no_message("the tap sends a type of message that is not SCHEMA, RECORD, STATE or ACTIVATE_VERSION");
    if (out.is == kind::state) {
        if (out.value().is_absent()) return no_message("a STATE of the tap has no value");
        return out;
    }
    const auto stream = root["stream"].string_if();
    if (!stream || stream->empty()) return no_message("a message of the tap names no stream");
    out.stream = *stream;
    if (out.is != kind::activate_version && !out.value().is_object())
        return no_message(std::string("a ").append(*type).append(" of the tap does not hold an object"));
    return out;
}

void read_singer_record(json_view record, const record_mapping& mapping, table_row& into)
{
    into.clear(mapping.columns.size());
    for (std::size_t i = 0; i < mapping.columns.size(); ++i) {
        const mapped_column& column = mapping.columns[i];
        table_cell& cell = into.cells[i];
        const json_view value = record.path(column.from);
        if (value.is_number()) cell.is = table_cell::kind::number;
        bool simple = true;
        if (value.is_array() && column.split != 0) {
            value.for_each_element([&](json_view item) {
                if (!cell.text.empty()) cell.text += column.split;
                simple = append_value(item, cell.text) && simple;
            });
        } else {
            simple = append_value(value, cell.text);
        }
        if (!simple) cell.wrong = "is an object or a list, not a value";
        if (cell.text.size() > value_bytes_max) cell.wrong = "is longer than 64 KiB";
        if (cell.text.find('\0') != cell.text.npos) cell.wrong = "holds a NUL byte";
        if (!cell.wrong.empty()) cell.text.clear();
    }
}

const mapped_column* missing_in_schema(json_view schema, const record_mapping& mapping)
{
    const json_view properties = schema["properties"];
    // Most schemas leave open what else a record may have.
    if (!properties.is_object() || schema["additionalProperties"].bool_if().value_or(true)) return nullptr;
    for (const mapped_column& column : mapping.columns) {
        const std::string first = column.from.substr(0, column.from.find('.'));
        if (!column.is_optional && properties[first].is_absent()) return &column;
    }
    return nullptr;
}

} // namespace rollbook
