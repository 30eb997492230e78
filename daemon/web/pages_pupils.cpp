// Pages about pupils: the list, one pupil, and groups.

#include "daemon/base/bytes.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/spoken.hpp"
#include "daemon/cases/opened_pupil.hpp"
#include "daemon/views/labels.hpp"
#include "daemon/views/markers.hpp"
#include "daemon/views/patterns.hpp"
#include "daemon/web/charts.hpp"
#include "daemon/web/heat_map.hpp"
#include "daemon/web/parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace rollbook {
namespace {

const figures& sums_of(const page_request& of, entry_index person)
{
    static const figures none;
    const auto found = of.year_sums.find(person);
    return found == of.year_sums.end() ? none : found->second;
}

std::vector<const profile*> listed(const page_request& of)
{
    const std::string_view year = of.query("year");
    const std::string_view form = of.query("form");
    std::vector<const profile*> rows;
    for (const auto& [person, each] : of.pupils.all()) {
        if (!each.on_roll) continue;
        if ((year.empty() || each.year == year) && (form.empty() || each.form == form)) rows.push_back(&each);
    }
    if (works_with_pupils(of.reader)) std::ranges::stable_sort(rows, {}, &profile::sort_name);
    if (of.query("order") == "absence")
        std::ranges::stable_sort(rows, [&](const profile* a, const profile* b) {
            const figures& left = sums_of(of, a->person);
            const figures& right = sums_of(of, b->person);
            return is_larger_share({left.absent(), left.possible}, {right.absent(), right.possible});
        });
    return rows;
}

void write_choices(
    json_writer& out, std::string_view key, const roster& pupils, std::string profile::*by, std::string_view chosen
)
{
    std::set<std::string> values;
    for (const auto& [person, each] : pupils.all())
        if (each.on_roll && !(each.*by).empty()) values.insert(each.*by);
    std::vector<std::string> sorted(values.begin(), values.end());
    // 9 before 10, 9A before 10A.
    std::ranges::stable_sort(sorted, [](const std::string& a, const std::string& b) {
        const auto digits = [](const std::string& text) {
            return std::ranges::find_if(text, [](char c) { return c < '0' || c > '9'; }) - text.begin();
        };
        return digits(a) < digits(b);
    });
    out.key(key).begin_array();
    for (const std::string& each : sorted)
        out.begin_object().member("chosen", each == chosen).member("name", each).end_object();
    out.end_array();
}

// The absentees of each group as this reader is told of them; of a hidden one it is not written. Who knows no single
// pupil is told of years alone: forms sum to their year.
std::vector<std::string> persistent_told(const page_request& of, const std::vector<group_row>& rows, bool by_form)
{
    const bool knows_pupils = works_with_pupils(of.reader);
    if (by_form && !knows_pupils) return std::vector<std::string>(rows.size(), "not shown");
    std::vector<std::int64_t> counts;
    for (const group_row& each : rows)
        counts.push_back(each.persistent);
    if (!knows_pupils) return counts_told(rows, counts);
    std::vector<std::string> texts;
    std::ranges::transform(counts, std::back_inserter(texts), count_told);
    return texts;
}

// `persistent`: as told; of a group that is shown.
void write_group(json_writer& out, const group_row& row, const std::string& persistent)
{
    out.begin_object();
    if (!row.is_hidden) {
        out.member("absent_percent", percent_text(row.sums.absent(), row.sums.possible));
        out.member("authorised_percent", percent_text(row.sums.authorised, row.sums.possible));
    }
    out.member("hidden", row.is_hidden);
    if (!row.is_hidden) out.member("late_percent", percent_text(row.sums.late, row.sums.possible));
    out.member("name", row.name);
    if (!row.is_hidden) {
        out.key("persistent");
        if (const auto number = parse_decimal(persistent))
            out.value(*number);
        else
            out.value(persistent);
        out.member("possible", row.sums.possible);
        out.member("pupils", row.pupils);
        out.member("unauthorised_percent", percent_text(row.sums.unauthorised, row.sums.possible));
    }
    out.end_object();
}

// What a table and its picture say of a cell; empty where there was no session.
std::string said_of(const pattern_cell& cell)
{
    if (cell.is_hidden) return "not shown";
    return cell.pupils == 0 ? "" : percent_text(cell.sums.absent(), cell.sums.possible);
}

constexpr std::array<std::string_view, slots_a_week> slot_labels = {
    "Mon am", "Mon pm", "Tue am", "Tue pm", "Wed am", "Wed pm", "Thu am", "Thu pm", "Fri am", "Fri pm"};

// One member a group and week, or slot: the rows of a file.
void write_pattern_lines(json_writer& out, const group_patterns& all, bool of_weeks)
{
    out.key(of_weeks ? "weeks" : "weekdays").begin_array();
    for (const group_pattern& each : all.groups)
        for (std::size_t i = 0; i < (of_weeks ? each.weeks.size() : each.slots.size()); ++i) {
            const pattern_cell& cell = of_weeks ? each.weeks[i] : each.slots[i];
            out.begin_object();
            write_text_or_null(out, "absent_percent", cell.is_hidden ? "" : said_of(cell));
            out.member("hidden", cell.is_hidden).member("name", each.name);
            if (of_weeks)
                out.member("week", format_day(all.mondays[i]));
            else
                out.member("session", i % 2 == 0 ? "AM" : "PM").member("weekday", weekday_names[i / 2]);
            out.end_object();
        }
    out.end_array();
}

// The same as tables for people, a group a column, and as pictures, all on one scale.
void write_pattern_tables(json_writer& out, const group_patterns& all, const std::string& to)
{
    std::vector<chart> trends, patterns;
    for (const group_pattern& each : all.groups) {
        chart& trend = trends.emplace_back();
        chart& pattern = patterns.emplace_back();
        trend.id = fmt::format("trend-{}", trends.size());
        pattern.id = fmt::format("pattern-{}", patterns.size());
        trend.title = plain(each.name) + ": absent by week";
        pattern.title = plain(each.name) + ": absent by weekday";
        chart_series weeks{"Absent", {}}, slots{"Absent", {}};
        for (const pattern_cell& cell : each.weeks)
            weeks.hundredths.push_back(hundredths_in(said_of(cell)));
        for (const pattern_cell& cell : each.slots)
            slots.hundredths.push_back(hundredths_in(said_of(cell)));
        for (const civil_day monday : all.mondays) {
            const std::string spoken = spoken_date(monday); // 20 November 2026
            trend.labels.push_back(spoken.substr(0, spoken.find(' ') + 4));
        }
        pattern.labels.assign(slot_labels.begin(), slot_labels.end());
        trend.series = {std::move(weeks)};
        pattern.series = {std::move(slots)};
    }
    for (std::vector<chart>* side : {&trends, &patterns}) {
        std::vector<chart_series> every;
        for (const chart& each : *side)
            every.push_back(each.series.front());
        for (chart& each : *side) {
            each.unit = " %";
            each.scale_max = scale_of(every);
            each.width = 320;
            each.height = 140;
        }
    }
    out.key("panels").begin_array();
    for (std::size_t i = 0; i < all.groups.size(); ++i) {
        out.begin_object().member("name", all.groups[i].name).member("pattern", bar_chart(patterns[i]));
        out.member("trend", line_chart(trends[i])).end_object();
    }
    out.end_array();
    const auto write_lines = [&](std::string_view key, std::size_t count, auto title, auto cell) {
        out.key(key).begin_array();
        for (std::size_t i = 0; i < count; ++i) {
            out.begin_object().key("cells").begin_array();
            for (const group_pattern& each : all.groups)
                out.begin_object().member("said", said_of(cell(each, i))).end_object();
            out.end_array().member("title", title(i)).end_object();
        }
        out.end_array();
    };
    write_lines(
        "slot_lines",
        slots_a_week,
        [](std::size_t i) { return slot_labels[i]; },
        [](const group_pattern& each, std::size_t i) { return each.slots[i]; }
    );
    out.member("to", to);
    write_lines(
        "week_lines",
        all.mondays.size(),
        [&](std::size_t i) { return spoken_date(all.mondays[i]); },
        [](const group_pattern& each, std::size_t i) { return each.weeks[i]; }
    );
}

void write_incidents(json_writer& out, const page_request& of, const timeline& all)
{
    out.key("incidents").begin_array();
    for (auto each = all.incidents.rbegin(); each != all.incidents.rend(); ++each) {
        const auto kind = parse_what(each->what);
        if (!kind || !sees_record(of, *kind, each->source, of.id)) continue;
        out.begin_object();
        write_text_or_null(out, "date", each->date);
        write_text_or_null(out, "role", each->role);
        out.member("source", each->source);
        write_text_or_null(out, "time", each->time);
        write_text_or_null(out, "type", each->type.empty() ? each->category : each->type);
        out.member("what", each->what);
        out.end_object();
    }
    out.end_array();
}

// The systems that know the pupil; which of them the reader may know of.
void write_systems(json_writer& out, const page_request& of)
{
    std::set<std::string> systems;
    const std::vector<entry_index> records = of.everyone.records_of(of.id);
    for (const entry_index record : records)
        of.at.reader.things_of(what::pupil, record, of.at.n, [&](const thing_view& each) {
            if (sees_record(of, what::pupil, each.source, of.id)) systems.emplace(each.source);
            return true;
        });
    out.key("systems").begin_array();
    for (const std::string& each : systems)
        out.value(each);
    out.end_array();
}

void write_marks(json_writer& out, const timeline& all)
{
    out.key("marks").begin_array();
    for (auto each = all.marks.rbegin(); each != all.marks.rend(); ++each) {
        out.begin_object();
        out.member("changed", each->changed);
        out.member("class", name_of(each->klass));
        write_text_or_null(out, "code", each->code);
        out.member("date", format_day(each->session.day));
        write_text_or_null(out, "learned_by", each->learned_by);
        if (each->minutes >= 0) out.member("minutes_late", each->minutes);
        out.member("raw", plain(each->raw));
        out.member("session", name_of(each->session.half));
        out.end_object();
    }
    out.end_array();
}

// What is worth reading line by line: anything but an ordinary presence. The newest first.
void write_notable(json_writer& out, const timeline& all)
{
    constexpr int rows_max = 60;
    int rows = 0;
    out.key("notable").begin_array();
    for (auto each = all.marks.rbegin(); each != all.marks.rend() && rows < rows_max; ++each) {
        if (!each->is_late && (each->klass == code_class::present || each->klass == code_class::not_required ||
                               each->klass == code_class::administrative || each->klass == code_class::none))
            continue;
        ++rows;
        const statutory_code* code = each->code.empty() ? nullptr : find_statutory_code(each->code, each->session.day);
        out.begin_object();
        out.member("changed", each->changed);
        out.member("date", format_day(each->session.day));
        out.member("late", each->is_late);
        out.member("meaning", code ? code->meaning : std::string_view("not a code of the statutory list"));
        if (each->minutes >= 0) out.member("minutes_late", each->minutes);
        out.member("raw", plain(each->raw));
        out.member("session", name_of(each->session.half));
        out.end_object();
    }
    out.end_array();
}

void write_weeks(json_writer& out, const timeline& all)
{
    out.key("weeks").begin_array();
    for (const week_row& each : week_rows(all.marks, all.days)) {
        out.begin_object().key("cells").begin_array();
        for (const std::string& cell : each.cells)
            out.value(cell);
        out.end_array().member("monday", format_day(each.monday)).end_object();
    }
    out.end_array();
}

} // namespace

result<page_model> make_pupils(const page_request& of)
{
    const std::vector<const profile*> rows = listed(of);
    std::map<entry_index, int> alerts;
    for (const alert& each : alerts_of(of, [](const alert& a) { return !is_ended(a.state); }))
        if (!is_about_source(each)) ++alerts[of.everyone.person_of(each.pupil)];
    page_model page;
    page.page = "pupils";
    page.title = "Pupils";
    page.json = model_json([&](json_writer& out) {
        const day_range days = academic_year(of);
        write_choices(out, "forms", of.pupils, &profile::form, of.query("form"));
        out.member("from", format_day(days.first));
        out.member("order", of.query("order") == "absence" ? "absence" : "name");
        out.key("pupils").begin_array();
        for (const profile* each : rows) {
            out.begin_object();
            out.member("alerts", alerts[each->person]);
            out.key("figures");
            write_figures(out, sums_of(of, each->person));
            out.key("pupil");
            write_person(out, of, each->person);
            out.end_object();
        }
        out.end_array();
        out.member("to", format_day(days.last));
        out.member("total", rows.size());
        write_choices(out, "years", of.pupils, &profile::year, of.query("year"));
    });
    page.rows = "pupils";
    page.columns = {
        {"Pupil", "pupil.ref"},
        {"Name", "pupil.name"},
        {"Year", "pupil.year"},
        {"Form", "pupil.form"},
        {"Possible", "figures.possible"},
        {"Present", "figures.present"},
        {"Absent", "figures.absent"},
        {"Absent, per cent", "figures.absent_percent"},
        {"Authorised", "figures.authorised"},
        {"Unauthorised", "figures.unauthorised"},
        {"Late", "figures.late"},
        {"Alerts", "alerts"},
    };
    return page;
}

namespace {

// That a marker stands, for all who work with the pupil; what it says, for who may see safeguarding.
void write_markers(json_writer& out, const page_request& of, page_model& page)
{
    const bool all = marks_pupils(of.reader) && !of.is_past;
    if (all) {
        out.key("marker_list").begin_array();
        for (const pupil_marker& each : markers_at(of.at)) {
            if (each.ended || of.everyone.person_of(each.pupil) != of.id) continue;
            write_marker(out, each);
            page.offered.push_back({each.id, {}});
        }
        out.end_array();
    }
    out.key("markers").begin_array();
    if (sees_name(of, of.id))
        for (const std::string_view each : marked_pupils(of.at).words_of(of.id))
            out.value(each);
    out.end_array();
}

// To whom the pupil can be opened, and to whom it is; for the safeguarding lead.
void write_auditors(json_writer& out, const page_request& of)
{
    if (!opens_pupils(of.reader) || of.is_past) return;
    out.key("auditors").begin_array();
    for (const account& each : of.accounts) {
        out.begin_object().member("body", each.body).member("name", each.name).member("person", each.person);
        out.end_object();
    }
    out.end_array();
}

void write_opened(json_writer& out, const page_request& of)
{
    if (!opens_pupils(of.reader) || of.is_past) return;
    out.key("opened").begin_array();
    of.at.reader.things(what::settings, of.at.n, [&](const thing_view& each) {
        const auto one = each.key.starts_with(opened_prefix) ? parse_opened(each.payload) : std::nullopt;
        if (!one || one->ended || of.everyone.person_of(one->pupil) != of.id) return true;
        out.begin_object().member("account", one->account).member("at", format_instant(one->at));
        out.member("by", one->by).member("reason", one->reason).end_object();
        return true;
    });
    out.end_array();
}

} // namespace

result<page_model> make_pupil(const page_request& of)
{
    if (!of.pupils.find(of.id)) return no_such_page();
    // Whom only a safeguarding system knows is known to nobody else.
    if (of.everyone.is_stranger(of.id) && !allowed_to(of, of.id).has(visibility::safeguarding)) return no_such_page();
    timeline all;
    all.person = of.id;
    all.days = academic_year(of);
    read_timeline(of.at, of.everyone, {all.days.first, all.days.last}, all);
    std::erase_if(all.alerts, [&](const alert& each) { return !sees_alert(of, each); });
    std::ranges::reverse(all.alerts);
    const profile* who = of.pupils.find(of.id);
    page_model page;
    page.page = "pupil";
    page.title = sees_name(of, of.id) && !who->name.empty() ? who->name : reference_of(of.id);
    page.shown.push_back(of.id);
    page.pictures["heat"] = heat_map(all.marks, all.days, of.at.config.calendar);
    std::erase_if(all.actions, [&](const case_action& each) {
        const visibility labels =
            each.alert == no_entry ? visibility(visibility::attendance) : labels_at(of.at, each.alert);
        return !labels.is_within(allowed_to(of, of.id));
    });
    std::ranges::reverse(all.actions);
    page.json = model_json([&](json_writer& out) {
        out.key("actions").begin_array();
        for (const case_action& each : all.actions)
            write_action(out, each, sees_name(of, of.id));
        out.end_array();
        out.key("alerts").begin_array();
        for (const alert& each : all.alerts)
            write_alert_row(out, of, each);
        out.end_array();
        write_auditors(out, of);
        out.member("can_mark", marks_pupils(of.reader) && !of.is_past);
        out.member("can_open", opens_pupils(of.reader) && !of.is_past);
        out.key("figures");
        write_figures(out, all.sums);
        out.member("from", format_day(all.days.first));
        write_incidents(out, of, all);
        write_markers(out, of, page);
        if (of.target.form != page_form::html)
            write_marks(out, all);
        else
            write_notable(out, all);
        write_opened(out, of);
        out.key("pupil");
        write_person(out, of, of.id);
        write_systems(out, of);
        out.member("to", format_day(all.days.last));
        write_weeks(out, all);
    });
    page.rows = "marks";
    page.columns = {
        {"Date", "date"},
        {"Session", "session"},
        {"Mark", "raw"},
        {"Code", "code"},
        {"Class", "class"},
        {"Minutes late", "minutes_late"},
        {"Learned by", "learned_by"},
        {"Changed", "changed"},
    };
    return page;
}

result<page_model> make_groups(const page_request& of)
{
    // Who has a flag is known from records that only a reader of safeguarding may see, and so are its totals.
    const bool may_by_flag = allowed_to(of, no_entry).has(visibility::safeguarding);
    const std::string_view asked = of.query("by");
    const std::string_view by = asked == "form" || (asked == "flag" && may_by_flag) ? asked : "year";
    const std::vector<group_row> rows =
        by == "flag" ? flag_rows(of.pupils, of.year_sums)
                     : group_rows(of.pupils, of.year_sums, by == "form" ? &profile::form : &profile::year);
    const day_range days = academic_year(of);
    const auto is_in = [&](const profile& who, const group_row& row) {
        if (by == "flag") return is_in_flag_row(who, row);
        const std::string& own = by == "form" ? who.form : who.year;
        return own.empty() ? row.name == "not known" : own == row.name;
    };
    const group_patterns patterns = patterns_of(of.at, of.everyone, of.pupils, days, rows, is_in);
    const bool is_file = of.target.form != page_form::html;
    page_model page;
    page.page = "groups";
    page.title = "Groups";
    if (by != "year") page.kept.emplace_back("by", by);
    page.json = model_json([&](json_writer& out) {
        out.member("by", by);
        out.member("by_flag", by == "flag");
        out.member("by_form", by == "form");
        out.member("by_year", by == "year");
        out.member("from", format_day(days.first));
        out.key("groups").begin_array();
        const std::vector<std::string> persistent = persistent_told(of, rows, by == "form");
        for (std::size_t i = 0; i < rows.size(); ++i)
            write_group(out, rows[i], persistent[i]);
        out.end_array();
        out.member("may_by_flag", may_by_flag);
        if (!is_file) {
            write_pattern_tables(out, patterns, format_day(days.last));
            return;
        }
        out.member("to", format_day(days.last));
        write_pattern_lines(out, patterns, false);
        write_pattern_lines(out, patterns, true);
    });
    // A file of rows has one list; which, its address says.
    if (const std::string_view which = of.query("rows"); which == "weeks" || which == "weekdays") {
        page.rows = which == "weeks" ? "weeks" : "weekdays";
        page.columns = {{"Group", "name"}};
        if (which == "weeks") {
            page.columns.push_back({"Week of", "week"});
        } else {
            page.columns.push_back({"Weekday", "weekday"});
            page.columns.push_back({"Session", "session"});
        }
        page.columns.push_back({"Absent, per cent", "absent_percent"});
        page.columns.push_back({"Not shown: fewer than 5 pupils, or a neighbour has", "hidden"});
        return page;
    }
    page.rows = "groups";
    page.columns = {
        {"Group", "name"},
        {"Pupils", "pupils"},
        {"Possible", "possible"},
        {"Absent, per cent", "absent_percent"},
        {"Authorised, per cent", "authorised_percent"},
        {"Unauthorised, per cent", "unauthorised_percent"},
        {"Late, per cent", "late_percent"},
        {"Persistently absent", "persistent"},
        {"Not shown: fewer than 5 pupils, or a neighbour has", "hidden"},
    };
    return page;
}

} // namespace rollbook
