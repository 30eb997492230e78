#include "daemon/views/pupil.hpp"
#include "daemon/views/markers.hpp"

#include "daemon/base/json.hpp"
#include "daemon/views/text.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace rollbook {
namespace {

std::string text_in(json_view object, std::string_view key)
{
    return std::string(object[key].string_if().value_or(std::string_view()));
}

mark_line read_mark(const mark_view& held, code_book& codes)
{
    mark_line line;
    const code_id code = codes.intern(held.raw, held.statutory);
    const statutory_code* row = codes.row_on(code, held.session.day);
    line.session = held.session;
    line.raw = held.raw;
    line.klass = codes.class_on(code, held.session.day);
    if (row) {
        line.code = row->code;
        line.is_late = row->late;
    }
    line.minutes = held.minutes;
    const result<json_document> document = json_document::parse(std::string(held.payload));
    if (!document) return line;
    const json_view root = document->root();
    line.learned_after = text_in(root, "learned_after");
    line.learned_by = text_in(root, "learned_by");
    line.backfill = root["backfill"].bool_if().value_or(false);
    line.changed = !root["replaces"].is_null();
    return line;
}

// The days that `--from` and `--to` leave; all of them without.
bool is_asked_for(const asked_days& asked, civil_day day)
{
    return (!asked.from || *asked.from <= day) && (!asked.to || day <= *asked.to);
}

void read_marks(const workplace& at, const asked_days& asked, const people& everyone, timeline& into)
{
    code_book codes;
    // All that is asked for, and what the figures are of.
    const day_range days{
        asked.from ? std::min(*asked.from, into.days.first) : civil_day(std::chrono::days(-1'000'000)),
        asked.to ? std::max(*asked.to, into.days.last) : civil_day(std::chrono::days(1'000'000))};
    const std::string mis = at.config.mis_name(); // another source's marks are shown, and are nobody's figures
    for (const entry_index record : everyone.records_of(into.person)) {
        at.reader.marks_of_days(record, days, at.n, true, [&](const mark_view& held) {
            const mark_line line = read_mark(held, codes);
            const bool counts = held.source == mis && into.days.contains(held.session.day);
            if (counts) into.sums.add(line.klass, line.is_late);
            if (is_asked_for(asked, held.session.day)) into.marks.push_back(line);
            return true;
        });
    }
    std::ranges::stable_sort(into.marks, {}, &mark_line::session);
}

std::string joined(json_view list)
{
    std::string text;
    list.for_each_element([&](json_view each) {
        if (const auto word = each.string_if()) text.append(text.empty() ? "" : "; ").append(*word);
    });
    return text;
}

incident_line read_incident(const thing_view& version, const std::string& role)
{
    incident_line line;
    line.source = version.source;
    line.id = version.key;
    line.what = name_of(version.kind);
    line.role = role;
    const result<json_document> document = json_document::parse(std::string(version.payload));
    if (!document) return line;
    const json_view fields = document->root()["fields"];
    const std::string at = text_in(fields, "incident_at"); // 2026-11-20T12:35:00, the school's clock
    line.date = text_in(fields, "day");
    line.time = text_in(fields, "time");
    if (line.date.empty()) line.date = at.substr(0, at.find('T'));
    if (const std::size_t t = at.find('T'); line.time.empty() && t != std::string::npos)
        line.time = at.substr(t + 1, 5);
    line.type = text_in(fields, "type");
    line.category = fields["categories"].is_array() ? joined(fields["categories"]) : text_in(fields, "category");
    return line;
}

using record_key = std::tuple<what, std::string, std::string>; // kind, source, the source's id

// The incidents and concerns that the person's records take part in, with the person's role in each.
std::map<record_key, std::string> involvements_of(const workplace& at, const people& everyone, entry_index person)
{
    std::map<record_key, std::string> found;
    for (const entry_index record : everyone.records_of(person))
        at.reader.things_of(what::involvement, record, at.n, [&](const thing_view& each) {
            if (each.gone) return true;
            const result<json_document> document = json_document::parse(std::string(each.payload));
            if (!document) return true;
            const json_view fields = document->root()["fields"];
            const auto kind = parse_what(text_in(fields, "of"));
            if (kind) found[{*kind, std::string(each.source), text_in(fields, "record")}] = text_in(fields, "role");
            return true;
        });
    return found;
}

void read_incidents(const workplace& at, const asked_days& asked, const people& everyone, timeline& into)
{
    for (const auto& [record, role] : involvements_of(at, everyone, into.person)) {
        const auto& [kind, source, id] = record;
        if (kind != what::incident && kind != what::concern) continue;
        at.reader.things_by_id(kind, source, id, at.n, [&, &part = role](const thing_view& each) {
            if (each.gone || each.payload.empty()) return true;
            incident_line line = read_incident(each, part);
            const auto day = parse_day(line.date);
            if (!day || is_asked_for(asked, *day)) into.incidents.push_back(std::move(line));
            return true;
        });
    }
    std::ranges::stable_sort(into.incidents, {}, [](const incident_line& each) {
        return std::tie(each.date, each.time, each.source, each.id);
    });
}

void read_alerts(const workplace& at, const people& everyone, timeline& into)
{
    const newest_values values(at);
    for (const entry_index record : everyone.records_of(into.person)) {
        at.reader.things_of(what::alert, record, at.n, [&](const thing_view& each) {
            auto read = read_alert(each);
            if (!read) return true;
            values.apply(*read);
            into.alerts.push_back(std::move(*read));
            return true;
        });
        std::ranges::move(actions_of(at, record), std::back_inserter(into.actions));
    }
    std::ranges::sort(into.alerts, {}, &alert::id);
    std::ranges::sort(into.actions, {}, &case_action::id);
}

void write_mark(json_writer& out, const mark_line& each)
{
    out.begin_object();
    out.member("backfill", each.backfill);
    out.member("changed", each.changed);
    out.member("class", name_of(each.klass));
    write_text_or_null(out, "code", each.code);
    out.member("date", format_day(each.session.day));
    out.key("learned").begin_object();
    write_text_or_null(out, "after", each.learned_after);
    write_text_or_null(out, "by", each.learned_by);
    out.end_object().key("minutes_late");
    if (each.minutes >= 0)
        out.value(each.minutes);
    else
        out.null();
    out.member("raw", each.raw);
    out.member("session", name_of(each.session.half));
    out.end_object();
}

void write_incident(json_writer& out, const incident_line& each)
{
    out.begin_object();
    if (!each.category.empty()) out.member("category", each.category);
    write_text_or_null(out, "date", each.date);
    out.member("id", each.id);
    if (!each.role.empty()) out.member("role", each.role);
    out.member("source", each.source);
    if (!each.time.empty()) out.member("time", each.time);
    if (!each.type.empty()) out.member("type", each.type);
    out.member("what", each.what);
    out.end_object();
}

void write_figures(json_writer& out, const timeline& of)
{
    out.begin_object();
    out.member("authorised", of.sums.authorised);
    out.member("from", format_day(of.days.first));
    out.member("late", of.sums.late);
    out.member("possible", of.sums.possible);
    out.member("present", of.sums.present);
    out.member("to", format_day(of.days.last));
    out.member("unauthorised", of.sums.unauthorised);
    out.end_object();
}

} // namespace

void read_timeline(const workplace& at, const people& everyone, const asked_days& asked, timeline& into)
{
    read_marks(at, asked, everyone, into);
    read_incidents(at, asked, everyone, into);
    read_alerts(at, everyone, into);
    into.markers = marked_pupils(at).words_of(into.person);
}

void write_timeline(json_writer& out, const timeline& of, const people& everyone)
{
    out.begin_object().key("actions").begin_array();
    for (const case_action& each : of.actions)
        write_action(out, each);
    out.end_array().key("alerts").begin_array();
    for (const alert& each : of.alerts)
        write_alert(out, each, everyone);
    out.end_array();
    out.key("figures");
    write_figures(out, of);
    out.key("incidents").begin_array();
    for (const incident_line& each : of.incidents)
        write_incident(out, each);
    out.end_array();
    if (!of.markers.empty()) {
        out.key("markers").begin_array();
        for (const std::string_view each : of.markers)
            out.value(each);
        out.end_array();
    }
    out.key("marks").begin_array();
    for (const mark_line& each : of.marks)
        write_mark(out, each);
    out.end_array();
    if (!of.name.empty()) out.member("name", of.name);
    out.member("ref", reference_of(of.person));
    out.key("source_ids");
    everyone.write_source_ids(out, of.person);
    out.end_object();
}

} // namespace rollbook
