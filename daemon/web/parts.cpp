#include "daemon/web/parts.hpp"

#include "daemon/base/json.hpp"
#include "daemon/views/labels.hpp"

#include <algorithm>
#include <tuple>

namespace rollbook {

bool sees_name(const page_request& of, entry_index pupil)
{
    return works_with_pupils(of.reader) || of.opened.contains(pupil);
}

visibility allowed_to(const page_request& of, entry_index pupil)
{
    return of.opened.contains(pupil) ? visibility::everything() : allowed_to(of.reader);
}

void write_person(json_writer& out, const page_request& of, entry_index record)
{
    const entry_index person = of.everyone.person_of(record);
    const profile* known = of.pupils.find(person);
    out.begin_object();
    write_text_or_null(out, "form", known ? known->form : "");
    write_text_or_null(out, "name", known && sees_name(of, person) ? known->name : "");
    out.member("ref", reference_of(person));
    write_text_or_null(out, "year", known ? known->year : "");
    out.end_object();
}

const rule* find_rule(const page_request& of, std::string_view id)
{
    const auto found = std::ranges::find(of.at.config.rules, id, &rule::id);
    return found == of.at.config.rules.end() ? nullptr : &*found;
}

void write_alert_row(json_writer& out, const page_request& of, const alert& each)
{
    const rule* judged_by = find_rule(of, each.rule);
    out.begin_object();
    out.member("changed_at", format_instant(each.changed_at));
    out.member("id", each.id);
    out.member("opened_at", format_instant(each.opened_at));
    out.member("parked", each.parked);
    out.key("pupil");
    if (is_about_source(each))
        out.null();
    else
        write_person(out, of, each.pupil);
    out.member("reason", each.reason);
    out.member("rule", each.rule);
    out.member("rule_title", judged_by ? judged_by->title : each.rule);
    out.member("safety", judged_by && judged_by->safety);
    if (is_about_source(each)) out.member("source", each.source);
    out.member("stage", each.stage);
    out.member("state", name_of(each.state));
    out.key("threshold");
    write_value(out, each.threshold, each.parts.has_value());
    out.key("value");
    write_value(out, each.value, each.parts.has_value());
    out.key("window").begin_object();
    out.member("from", format_day(each.window.first)).member("to", format_day(each.window.last));
    out.end_object().end_object();
}

namespace {

// How far up its rule's stages an alert stands: the last stage first.
int rank_of(const page_request& of, const alert& each)
{
    const rule* judged_by = find_rule(of, each.rule);
    if (!judged_by) return 0;
    const auto found = std::ranges::find(judged_by->stages, each.stage, &rule_stage::name);
    return static_cast<int>(judged_by->stages.end() - found);
}

} // namespace

std::vector<alert> alerts_of(const page_request& of, bool (*wanted)(const alert&))
{
    const newest_values values(of.at);
    std::vector<alert> all;
    of.at.reader.things(what::alert, of.at.n, [&](const thing_view& each) {
        std::optional<alert> read = known_alert(of.at, each);
        if (read) values.apply(*read);
        if (read && wanted(*read) && sees_alert(of, *read)) all.push_back(std::move(*read));
        return true;
    });
    std::ranges::stable_sort(all, [&](const alert& a, const alert& b) {
        if (is_ended(a.state) != is_ended(b.state)) return is_ended(b.state);
        if (a.changed_at != b.changed_at) return a.changed_at > b.changed_at;
        return rank_of(of, a) < rank_of(of, b);
    });
    return all;
}

void sort_by_urgency(const page_request& of, std::vector<alert>& all)
{
    const auto place = [&](const alert& each) {
        const rule* judged_by = find_rule(of, each.rule);
        return std::tuple(!(judged_by && judged_by->safety), each.state != alert_state::open, rank_of(of, each));
    };
    std::ranges::stable_sort(all, {}, place);
}

std::vector<csv_column> alert_columns()
{
    return {
        {"Alert", "id"},
        {"Rule", "rule"},
        {"Stage", "stage"},
        {"State", "state"},
        {"Pupil", "pupil.ref"},
        {"Name", "pupil.name"},
        {"Year", "pupil.year"},
        {"Form", "pupil.form"},
        {"Source", "source"},
        {"Value", "value"},
        {"Threshold", "threshold"},
        {"Opened", "opened_at"},
        {"Changed", "changed_at"},
        {"Why", "reason"},
    };
}

bool sees_record(const page_request& of, what kind, std::string_view source, entry_index pupil)
{
    return visibility_of(kind, of.at.config.is_safeguarding(source)).is_within(allowed_to(of, pupil));
}

bool sees_alert(const page_request& of, const alert& each)
{
    return is_within(of.at, each, allowed_to(of, each.pupil));
}

std::optional<finding_outline> seen_finding(const page_request& of, entry_index version)
{
    finding_outline each = outline_of(of.at, version, allowed_to(of.reader) != visibility::everything());
    if (each.is_erased) return std::nullopt;
    const visibility allowed = allowed_to(of, each.pupil);
    if (allowed == visibility::everything()) return each;
    if (!allowed.has(visibility::attendance) || !each.labels->is_within(allowed)) return std::nullopt;
    return each;
}

bool sees_entry(const page_request& of, const opened_entry& each)
{
    // Who looked at whom is for those who answer for it.
    if (each.text("what") == name_of(what::access)) return of.reader == role::auditor || of.reader == role::dsl;
    return labels_of(of.at, each).is_within(allowed_to(of, each.pupil()));
}

void write_figures(json_writer& out, const figures& sums)
{
    out.begin_object();
    out.member("absent", sums.absent());
    out.member("absent_percent", percent_text(sums.absent(), sums.possible));
    out.member("authorised", sums.authorised);
    out.member("late", sums.late);
    out.member("possible", sums.possible);
    out.member("present", sums.present);
    out.member("present_percent", percent_text(sums.present, sums.possible));
    out.member("unauthorised", sums.unauthorised);
    out.end_object();
}

civil_day today(const page_request& of)
{
    return day_of(of.at.zone.to_local(of.at.now));
}

day_range academic_year(const page_request& of)
{
    const civil_day day = today(of);
    return {school_calendar::academic_year_start(day), day};
}

failure no_such_page()
{
    return failure(errc::not_found, "There is nothing at this address.", "Go back to the page you came from.");
}

std::string_view page_request::query(std::string_view name) const
{
    const auto found = target.query.find(name);
    return found == target.query.end() ? std::string_view() : std::string_view(found->second);
}

std::optional<std::uint64_t> page_request::number(std::string_view name) const
{
    return parse_decimal(query(name));
}

std::string csv_cell(std::string_view text)
{
    std::string cell;
    // What a spreadsheet would take for a formula; a plain number with its sign stays one.
    if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos &&
        !(text.front() == '-' && text.size() > 1 && text.find_first_not_of("0123456789", 1) == std::string_view::npos))
        cell += '\'';
    cell += text;
    if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
    std::string quoted = "\"";
    for (const char c : cell) {
        if (c == '"') quoted += '"';
        quoted += c;
    }
    return quoted + '"';
}

std::string to_csv(const page_model& of)
{
    std::string out;
    const auto row = [&](auto&& cell) {
        for (std::size_t i = 0; i < of.columns.size(); ++i) {
            if (i > 0) out += ',';
            out += csv_cell(cell(of.columns[i]));
        }
        out += "\r\n";
    };
    row([](const csv_column& each) { return std::string(each.heading); });
    const result<json_document> model = json_document::parse(of.json);
    if (!model) return out;
    model->root().path(of.rows).for_each_element([&](json_view each) {
        row([&](const csv_column& column) {
            const json_view value = each.path(column.path);
            if (const auto text = value.string_if()) return std::string(*text);
            if (value.is_null()) return std::string();
            std::string text;
            json_writer writer(text);
            value.write_canonical(writer);
            return text;
        });
    });
    return out;
}

} // namespace rollbook
