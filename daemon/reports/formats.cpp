#include "daemon/reports/report.hpp"

#include <algorithm>

namespace rollbook {
namespace {

void append_csv_cell(std::string& out, std::string_view text)
{
    // What a spreadsheet runs: a formula, or a call disguised by a tab. A sign alone is a code.
    const bool runs = text.size() > 1 && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
    const bool quoted = text.find_first_of(",\"\r\n") != std::string_view::npos;
    if (quoted) out += '"';
    if (runs) out += '\'';
    for (const char c : text) {
        if (c == '"') out += '"';
        out += c;
    }
    if (quoted) out += '"';
}

void append_escaped(std::string& out, std::string_view text)
{
    for (const char c : text) {
        switch (c) {
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '"': out += "&quot;"; break;
        case '\'': out += "&#39;"; break;
        default: out += c;
        }
    }
}

void append_element(std::string& out, std::string_view name, std::string_view text, std::string_view attributes = {})
{
    out.append("<").append(name).append(attributes).append(">");
    append_escaped(out, text);
    out.append("</").append(name).append(">");
}

constexpr std::string_view page_style =
    "body{font:16px/1.4 system-ui,sans-serif;margin:2rem;color:#111;background:#fff}"
    "table{border-collapse:collapse}th,td{text-align:left;padding:.25rem .75rem;border-bottom:1px solid #767676;"
    "vertical-align:top}th{border-bottom:2px solid #111}td.n,th.n{text-align:right}"
    "@media print{body{margin:0;font-size:11px}thead{display:table-header-group}tr{break-inside:avoid}}";

} // namespace

std::string as_csv(const report& of)
{
    std::string out;
    const auto line = [&](const auto& cells, auto text_of) {
        bool first = true;
        for (const auto& cell : cells) {
            if (!std::exchange(first, false)) out += ',';
            append_csv_cell(out, text_of(cell));
        }
        out += "\r\n";
    };
    const auto same = [](const std::string& cell) { return std::string_view(cell); };
    bool is_first = true;
    for (const report_table& table : of.tables()) {
        if (!std::exchange(is_first, false)) {
            out += "\r\n";
            line(std::vector<std::string>{table.title}, same);
        }
        line(table.columns, [](const report_column& column) { return std::string_view(column.heading); });
        for (const auto& row : table.rows)
            line(row, same);
    }
    return out;
}

namespace {

void append_table(std::string& out, const report_table& of)
{
    const auto cell_class = [&](std::size_t i) -> std::string_view {
        return of.columns[i].is_number ? " class=\"n\"" : "";
    };
    if (of.rows.empty()) {
        append_element(out, "p", "Nothing to list.");
        return;
    }
    out += "\n<table><thead><tr>";
    for (std::size_t i = 0; i < of.columns.size(); ++i)
        append_element(out, "th", of.columns[i].heading, std::string(" scope=\"col\"").append(cell_class(i)));
    out += "</tr></thead><tbody>\n";
    for (const auto& row : of.rows) {
        out += "<tr>";
        for (std::size_t i = 0; i < row.size(); ++i)
            append_element(out, "td", row[i], cell_class(i));
        out += "</tr>\n";
    }
    out += "</tbody></table>";
}

} // namespace

std::string as_html(const report& of, std::string_view made_for)
{
    std::string out = "<!DOCTYPE html>\n<html lang=\"en-GB\"><head><meta charset=\"utf-8\">"
                      "<meta name=\"viewport\" content=\"width=device-width\">";
    append_element(out, "title", of.title);
    out.append("<style>").append(page_style).append("</style></head>\n<body><main>");
    append_element(out, "h1", of.title);
    append_element(out, "p", made_for);
    for (const std::string& note : of.notes)
        append_element(out, "p", note);
    bool is_first = true;
    for (const report_table& table : of.tables()) {
        if (!std::exchange(is_first, false)) append_element(out, "h2", table.title);
        append_table(out, table);
    }
    return out += "</main></body></html>\n";
}

namespace {

void write_columns(json_writer& out, const report_table& of)
{
    out.key("columns").begin_array();
    for (const report_column& column : of.columns)
        out.value(column.key);
    out.end_array();
}

void write_rows(json_writer& out, const report_table& of)
{
    // RFC 8785 wants each row's keys in order, whatever the order of the columns.
    std::vector<std::size_t> order(of.columns.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    std::ranges::sort(order, {}, [&](std::size_t i) { return std::string_view(of.columns[i].key); });
    out.key("rows").begin_array();
    for (const auto& row : of.rows) {
        out.begin_object();
        for (const std::size_t i : order) {
            out.key(of.columns[i].key);
            if (row[i].empty())
                out.null();
            else
                out.value(row[i]);
        }
        out.end_object();
    }
    out.end_array();
}

} // namespace

void write_report(json_writer& out, const report& of)
{
    const report_table first{of.title, of.columns, of.rows};
    out.begin_object();
    write_columns(out, first);
    if (!of.more.empty()) {
        out.key("more").begin_array();
        for (const report_table& table : of.more) {
            out.begin_object();
            write_columns(out, table);
            write_rows(out, table);
            out.member("title", table.title).end_object();
        }
        out.end_array();
    }
    out.key("notes").begin_array();
    for (const std::string& note : of.notes)
        out.value(note);
    out.end_array();
    write_rows(out, first);
    out.member("title", of.title).end_object();
}

} // namespace rollbook
