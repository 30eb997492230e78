// Where an export file is added by hand: what it says is shown masked first.

#include "daemon/base/json.hpp"
#include "daemon/ports/record_mapping.hpp"
#include "daemon/web/exports.hpp"
#include "daemon/web/parts.hpp"

#include <algorithm>

namespace rollbook {
namespace {

std::string_view name_of_form(const report_form& form)
{
    switch (form.is) {
    case report_form::kind::csv: return "CSV";
    case report_form::kind::xml: return "XML";
    case report_form::kind::xlsx: return "Excel workbook (.xlsx)";
    }
    return "";
}

void write_source(json_writer& out, const std::vector<source_state>& states, const source_configuration& each)
{
    const auto state = std::ranges::find(states, each.name, &source_state::source);
    const auto read_at = state == states.end() ? std::optional<instant>() : state->last_success;
    const record_mapping& mapping = each.mapping->records.front();
    out.begin_object().key("columns").begin_array();
    for (const mapped_column& column : mapping.columns)
        out.begin_object().member("field", column.field->name).member("heading", column.from).end_object();
    out.end_array();
    out.member("format", name_of_form(each.mapping->form));
    out.key("last_read_at");
    read_at ? static_cast<void>(out.value(format_instant(*read_at))) : static_cast<void>(out.null());
    out.member("lists_all", mapping.lists_all);
    out.member("name", each.name);
    out.member("record", name_of(mapping.record));
    out.end_object();
}

void write_cells(json_writer& out, const export_preview::cells& cells)
{
    out.key("cells").begin_array();
    for (const auto& [field, shape] : cells)
        out.begin_object().member("field", field).member("shape", shape).end_object();
    out.end_array();
}

void write_waiting(json_writer& out, const waiting_export& of)
{
    const export_preview& found = of.found;
    out.begin_object().key("aside").begin_array();
    for (const export_preview::put_aside& each : found.aside) {
        out.begin_object();
        write_cells(out, each.row_cells);
        out.member("reason", each.reason).member("row", each.row).end_object();
    }
    out.end_array();
    out.member("bytes", of.bytes);
    out.member("can_be_added", of.can_be_added());
    out.key("fields").begin_array();
    for (const export_preview::field& each : found.fields)
        out.begin_object()
            .member("filled", each.filled)
            .member("name", each.name)
            .member("shape", each.shape)
            .end_object();
    out.end_array();
    write_text_or_null(out, "first_day", found.first_day);
    out.member("key", of.key);
    out.key("kinds").begin_array();
    for (const auto& [kind, count] : found.kinds)
        out.begin_object().member("count", count).member("kind", kind).end_object();
    out.end_array();
    write_text_or_null(out, "last_day", found.last_day);
    out.member("more_aside", found.rows_aside > found.aside.size());
    out.key("reasons").begin_array();
    for (const auto& [reason, rows] : found.reasons)
        out.begin_object().member("reason", reason).member("rows", rows).end_object();
    out.end_array();
    out.member("rows", found.rows);
    out.member("rows_aside", found.rows_aside);
    out.member("rows_mapped", found.rows - found.rows_aside);
    out.key("samples").begin_array();
    for (const export_preview::sample& each : found.samples) {
        out.begin_object();
        write_cells(out, each.fields);
        out.member("kind", each.kind).end_object();
    }
    out.end_array();
    out.member("source", of.source);
    out.member("until", format_instant(of.until));
    out.member("was_read_before", found.was_read_before);
    write_text_or_null(out, "why", of.why ? of.why->what : "");
    write_text_or_null(out, "why_to_do", of.why ? of.why->to_do : "");
    out.end_object();
}

} // namespace

result<page_model> make_exports(const page_request& of)
{
    page_model page;
    page.page = "exports";
    page.title = "Add an export";
    const source_configuration* chosen = nullptr;
    const std::vector<source_state> states = of.at.reader.sources();
    page.json = model_json([&](json_writer& out) {
        const std::string_view added = of.query("added");
        const auto is_added = [&](const source_configuration& each) {
            return takes_exports(each) && each.name == added;
        };
        const auto of_added = std::ranges::find_if(of.at.config.sources, is_added);
        write_text_or_null(out, "added", of_added == of.at.config.sources.end() ? "" : of_added->name);
        out.member("can_add", !of.is_past);
        out.member("megabytes_max", export_bytes_max >> 20);
        out.key("sources").begin_array();
        for (const source_configuration& each : of.at.config.sources) {
            if (!takes_exports(each)) continue;
            write_source(out, states, each);
            if (of.waiting && of.waiting->source == each.name) chosen = &each;
        }
        out.end_array();
        // What waits is of now, and of the source as it is read now.
        out.key("waiting");
        const bool is_shown = of.waiting && !of.is_past && chosen && chosen->mapping->shape == of.waiting->shape;
        is_shown ? write_waiting(out, *of.waiting) : static_cast<void>(out.null());
    });
    page.rows = "waiting.aside";
    page.columns = {{"Row", "row"}, {"Why it is put aside", "reason"}};
    return page;
}

} // namespace rollbook
