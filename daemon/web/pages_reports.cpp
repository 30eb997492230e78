// Reports: the list of those that a reader may open, and one of them.

#include "daemon/base/url_encoding.hpp"
#include "daemon/reports/report.hpp"
#include "daemon/web/charts.hpp"
#include "daemon/web/parts.hpp"

#include <algorithm>

namespace rollbook {
namespace {

// The person of "?pupil=P-12"; no_entry: none.
entry_index asked_about(const page_request& of)
{
    const result<entry_index> person = of.everyone.find(of.query("pupil"));
    return person ? *person : no_entry;
}

constexpr std::size_t report_rows_max = 500; // on a page; the files have all

bool may_open_report(const report_kind& kind, const page_request& of)
{
    const role reader = of.reader;
    switch (kind.for_whom) {
    // One about a single pupil is for whoever may see all of that pupil.
    case audience::pupils:
        return sees_pupils(reader) &&
               kind.needs.is_within(allowed_to(of, kind.about_pupil ? asked_about(of) : no_entry));
    case audience::colleagues: return works_with_pupils(reader) && kind.needs.is_within(allowed_to(of, no_entry));
    case audience::totals: return reader != role::admin;
    // They count the whole school.
    case audience::operations: return reader != role::governor && !(of.is_scoped && works_with_pupils(reader));
    case audience::subject: return reader == role::dsl;
    case audience::watchers: return reader == role::auditor || reader == role::dsl;
    }
    return false;
}

result<std::optional<civil_day>> day_asked(const page_request& of, std::string_view name)
{
    const std::string_view text = of.query(name);
    if (text.empty()) return std::optional<civil_day>();
    const auto day = parse_day(text);
    if (!day) return failure(errc::usage, "That is no day.", "Write it as 2026-11-30.");
    return std::optional(*day);
}

// The person of "P-12" whom the reader may know of.
result<entry_index> pupil_asked(const page_request& of)
{
    const result<entry_index> person = of.everyone.find(of.query("pupil"));
    const bool is_reference = of.query("pupil").starts_with("P-");
    if (!person || !is_reference || !of.pupils.find(*person) ||
        (of.everyone.is_stranger(*person) && !allowed_to(of, *person).has(visibility::safeguarding)))
        return failure(
            errc::not_found, "No pupil is known by that reference.", "Take it from the list of pupils: P-12."
        );
    return *person;
}

std::string link_of(const std::string& key, const std::string& text)
{
    if (text.empty()) return {};
    if (key == "pupil") return "/pupils/" + text;
    if (key == "alert") return "/alerts/" + text;
    if (key == "entry" || key.ends_with("_entry")) return "/entries/" + text;
    return {};
}

// The name behind a reference, where the reader may have it and the report is read in company.
std::string name_behind(const page_request& of, const std::string& key, const std::string& cell)
{
    const result<entry_index> person = key == "pupil" && !cell.empty() ? of.everyone.find(cell) : no_such_page();
    const profile* who = person && sees_name(of, *person) ? of.pupils.find(*person) : nullptr;
    return who ? plain(who->name) : "";
}

// The columns that a table wants drawn, over the cells of its first; of a single row there is nothing to see.
std::string picture_of(const report_table& table)
{
    if (table.drawn.empty() || table.rows.size() < 2) return {};
    chart picture;
    picture.id = "chart-" + table.drawn.front();
    picture.title = table.title;
    picture.unit = " %";
    for (const auto& row : table.rows)
        picture.labels.push_back(plain(row.front()));
    for (const std::string& key : table.drawn) {
        const auto column = std::ranges::find(table.columns, key, &report_column::key);
        chart_series& series = picture.series.emplace_back();
        series.name = column->heading;
        for (const auto& row : table.rows)
            series.hundredths.push_back(hundredths_in(row[static_cast<std::size_t>(column - table.columns.begin())]));
    }
    return line_chart(picture);
}

// The class of a cell for the style sheet; empty for most.
std::string_view style_of(const report_column& column, const std::string& cell)
{
    if (column.is_number) return "n";
    if (cell.size() > 60) return "long";
    return cell.size() <= 16 && parse_day(cell.substr(0, 10)) ? "when" : ""; // a moment is kept on one line
}

void write_table_model(
    json_writer& out, const page_request& of, const report_table& table, bool is_first, bool names_hidden
)
{
    constexpr std::size_t columns_on_a_sheet = 8;
    out.begin_object().member("broad", table.columns.size() > columns_on_a_sheet).key("heads").begin_array();
    for (const report_column& column : table.columns)
        out.begin_object().member("heading", column.heading).member("number", column.is_number).end_object();
    out.end_array().key("lines").begin_array();
    for (std::size_t r = 0; r < std::min(table.rows.size(), report_rows_max); ++r) {
        out.begin_object().key("cells").begin_array();
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            // What a cell has not is left out, and nine in ten are plain: a report has thousands of them.
            const report_column& column = table.columns[i];
            const std::string& cell = table.rows[r][i];
            const std::string name = names_hidden ? name_behind(of, column.key, cell) : std::string();
            const std::string link = link_of(column.key, cell);
            out.begin_object();
            if (!name.empty()) out.member("hidden_name", name);
            if (!link.empty()) out.member("href", link);
            out.member(link.empty() && name.empty() ? "plain" : "said", cell);
            if (const std::string_view style = style_of(column, cell); !style.empty()) out.member("styled", style);
            out.end_object();
        }
        out.end_array().end_object();
    }
    out.end_array();
    out.member("picture", picture_of(table));
    out.member("region", table.title);
    out.member("rows", table.rows.size());
    out.member("rows_cut", table.rows.size() > report_rows_max);
    out.member("subtitle", is_first ? "" : table.title);
    out.end_object();
}

// What a decision may be about: each alert and each open action that the tables list, in their order.
struct meeting_choice {
    offered_thing thing;
    std::string said;
};

std::vector<meeting_choice> choices_of(const report& made)
{
    std::vector<meeting_choice> all;
    for (const report_table& table : made.tables()) {
        const auto cell = [&](const std::vector<std::string>& row, std::string_view key) {
            const auto column = std::ranges::find(table.columns, key, &report_column::key);
            return column == table.columns.end() ? "" : row[static_cast<std::size_t>(column - table.columns.begin())];
        };
        for (const auto& row : table.rows) {
            const auto alert = parse_decimal(cell(row, "alert"));
            if (!alert) continue;
            if (cell(row, "rule").empty()) { // a line about an action
                const auto action = parse_decimal(cell(row, "entry"));
                if (!action || cell(row, "standing").empty()) continue; // one that is done
                const std::string owner = cell(row, "owner");
                all.push_back(
                    {{*action, {}, *alert},
                     cell(row, "pupil") + ": " + cell(row, "kind") + (owner.empty() ? "" : ", ") + owner}
                );
            } else {
                all.push_back({{*alert, {}}, cell(row, "pupil") + ": " + cell(row, "rule") + ", " + cell(row, "stage")}
                );
            }
        }
    }
    return all;
}

void write_choices(json_writer& out, std::string_view key, const std::vector<meeting_choice>& all, bool of_actions)
{
    out.key(key).begin_array();
    for (const meeting_choice& each : all)
        if ((each.thing.alert != no_entry) == of_actions)
            out.begin_object().member("id", each.thing.id).member("said", each.said).end_object();
    out.end_array();
}

std::string
made_for_line(const page_request& of, const std::optional<civil_day>& from, const std::optional<civil_day>& to)
{
    return plain(of.at.config.school.name) + ", " + (from ? "from " + format_day(*from) + " " : "") +
           (to     ? "up to " + format_day(*to) + ", "
            : from ? "on, "
                   : "") +
           "as known on " + long_clock_text(of.at.now, of.at.zone) +
           (of.at.reader.is_simulated() ? ". SIMULATION" : "");
}

bool takes_decisions(const page_request& of, const report_kind& kind)
{
    return kind.takes_decisions && decides(of.reader) && !of.is_past;
}

void write_report_page(
    json_writer& out,
    const page_request& of,
    const report_kind& kind,
    const report* made,
    bool names,
    const std::vector<meeting_choice>& choices
)
{
    const bool names_hidden = kind.hides_names && !names && works_with_pupils(of.reader);
    out.member("about_pupil", kind.about_pupil);
    out.member("asks_pupil", kind.about_pupil && made == nullptr);
    write_choices(out, "choices", choices, false);
    out.member("from", of.query("from"));
    out.member("name", kind.name);
    out.member("names_hidden", names_hidden);
    out.key("notes").begin_array();
    if (made)
        for (const std::string& note : made->notes)
            out.value(note);
    out.end_array();
    write_choices(out, "open_actions", choices, true);
    out.member("pupil", of.query("pupil"));
    out.member("says", kind.says);
    out.key("tables").begin_array();
    if (made) {
        bool is_first = true;
        for (const report_table& table : made->tables()) {
            write_table_model(out, of, table, is_first, names_hidden);
            is_first = false;
        }
    }
    out.end_array();
    out.member("takes_decisions", takes_decisions(of, kind));
    out.member("to", of.query("to"));
    out.member("today", format_day(day_of(of.at.zone.to_local(of.at.now))));
}

} // namespace

result<page_model> make_reports(const page_request& of)
{
    page_model page;
    page.page = "reports";
    page.title = "Reports";
    page.json = model_json([&](json_writer& out) {
        out.key("reports").begin_array();
        for (const report_kind& each : report_kinds()) {
            if (!may_open_report(each, of)) continue;
            out.begin_object();
            out.member("about_pupil", each.about_pupil).member("heading", each.title).member("name", each.name);
            out.member("says", each.says).end_object();
        }
        out.end_array();
    });
    page.rows = "reports";
    page.columns = {
        {"Report", "name"}, {"Title", "heading"}, {"What it is for", "says"}, {"Of one pupil", "about_pupil"}};
    return page;
}

result<page_model> make_report(const page_request& of)
{
    const report_kind& kind = report_kinds()[static_cast<std::size_t>(of.id)];
    if (!may_open_report(kind, of)) return no_such_page();
    const auto from = day_asked(of, "from");
    const auto to = day_asked(of, "to");
    if (!from) return from.error();
    if (!to) return to.error();
    if (*from && *to && **to < **from)
        return failure(errc::usage, "The last day lies before the first.", "Change one of them.");
    report_question asked{of.at, of.everyone, of.pupils, *from, *to};
    asked.allowed = allowed_to(of.reader);
    asked.words = works_with_pupils(of.reader);
    asked.names = asked.words && (!kind.hides_names || of.query("names") == "show");
    page_model page;
    page.page = "report";
    page.title = kind.title;
    page.view = "report " + std::string(kind.name);
    for (const char* name : {"from", "to", "pupil", "names"})
        if (!of.query(name).empty()) page.kept.emplace_back(name, of.query(name));

    const bool has_pupil = !of.query("pupil").empty();
    if (has_pupil && (kind.about_pupil || kind.for_whom == audience::watchers)) {
        const auto pupil = pupil_asked(of);
        if (!pupil) return pupil.error();
        asked.pupil = *pupil;
        if (kind.about_pupil) {
            asked.allowed = allowed_to(of, *pupil);
            asked.words = sees_name(of, *pupil);
            asked.names = asked.names || of.opened.contains(*pupil);
        }
        page.shown.push_back(*pupil);
    }
    if (kind.about_pupil && asked.pupil == no_entry) {
        if (of.target.form != page_form::html)
            return failure(errc::usage, "The report is about one pupil.", "Add ?pupil=P-12 to the address.");
        page.view.clear();
        page.json = model_json([&](json_writer& out) { write_report_page(out, of, kind, nullptr, asked.names, {}); });
        return page;
    }
    const report made = kind.make(asked);
    const std::string made_for = made_for_line(of, *from, *to);
    page.has_workbook = true;
    switch (of.target.form) {
    case page_form::html: {
        std::vector<meeting_choice> choices;
        if (takes_decisions(of, kind)) choices = choices_of(made);
        for (const meeting_choice& each : choices)
            page.offered.push_back(each.thing);
        page.json =
            model_json([&](json_writer& out) { write_report_page(out, of, kind, &made, asked.names, choices); });
        break;
    }
    case page_form::json: {
        json_writer out(page.json);
        write_report(out, made);
        break;
    }
    case page_form::csv: page.file = {"text/csv; charset=utf-8", as_csv(made)}; break;
    case page_form::xlsx:
        page.file = {
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", as_xlsx(made, made_for, of.at.now)};
        break;
    }
    page.file_name = kind.name;
    return page;
}

} // namespace rollbook
