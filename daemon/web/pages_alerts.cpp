// The lead's pages: today, alerts, one alert, what was crossed before Rollbook began.

#include "daemon/base/json.hpp"
#include "daemon/base/spoken.hpp"
#include "daemon/views/actions.hpp"
#include "daemon/views/markers.hpp"
#include "daemon/web/parts.hpp"
#include "daemon/web/today.hpp"

#include <algorithm>

namespace rollbook {
namespace {

constexpr std::size_t alert_rows_max = 200;
constexpr std::size_t today_rows_max = 30;

bool is_live(const alert& each)
{
    return each.state == alert_state::open || each.state == alert_state::acknowledged;
}

bool is_baseline(const alert& each)
{
    return each.state == alert_state::baseline;
}

bool is_any(const alert&)
{
    return true;
}

struct alert_counts {
    std::int64_t open = 0;
    std::int64_t acknowledged = 0;
    std::int64_t baseline = 0;
};

alert_counts count(const std::vector<alert>& all)
{
    alert_counts counts;
    for (const alert& each : all) {
        counts.open += each.state == alert_state::open;
        counts.acknowledged += each.state == alert_state::acknowledged;
        counts.baseline += each.state == alert_state::baseline;
    }
    return counts;
}

void write_counts(json_writer& out, const alert_counts& counts)
{
    out.key("counts").begin_object();
    out.member("acknowledged", counts.acknowledged);
    out.member("baseline", counts.baseline);
    out.member("open", counts.open);
    out.end_object();
}

void write_rows(json_writer& out, const page_request& of, const std::vector<alert>& rows, std::size_t max)
{
    out.begin_array();
    for (std::size_t i = 0; i < std::min(rows.size(), max); ++i)
        write_alert_row(out, of, rows[i]);
    out.end_array();
}

void write_sources(json_writer& out, const page_request& of)
{
    out.key("sources").begin_array();
    for (const auto& [source, state] : states_of(of.at)) {
        const bool is_stale = state.data_as_of && of.at.now - *state.data_as_of > source->stale_after;
        out.begin_object();
        if (state.data_as_of) out.member("age", age_text(of.at.now - *state.data_as_of));
        write_instant(out, "data_as_of", state.data_as_of);
        write_instant(out, "last_success", state.last_success);
        out.member("name", state.source);
        out.member("ok", is_ok(state) && !is_stale);
        out.member("stale", is_stale);
        out.end_object();
    }
    out.end_array();
}

std::int64_t findings_open(const page_request& of)
{
    std::int64_t open = 0;
    of.at.reader.things_unread(what::finding, of.at.n, [&](const thing_view& each) {
        open += !each.gone && seen_finding(of, each.entry);
        return true;
    });
    return open;
}

std::string_view state_query(const page_request& of)
{
    const std::string_view state = of.query("state");
    return state == "all" || state == "ended" || state == "acknowledged" ? state : "open";
}

bool is_wanted(std::string_view state, const alert& each)
{
    if (state == "all") return true;
    if (state == "ended") return is_ended(each.state);
    if (state == "acknowledged") return each.state == alert_state::acknowledged;
    return is_live(each);
}

// The rules that some alert is by, to choose from.
void write_rule_choices(
    json_writer& out, const page_request& of, const std::vector<alert>& all, std::string_view chosen
)
{
    out.key("rules").begin_array();
    for (const rule& each : of.at.config.rules) {
        if (std::ranges::count(all, each.id, &alert::rule) == 0) continue;
        out.begin_object().member("chosen", each.id == chosen).member("id", each.id).member("title", each.title);
        out.end_object();
    }
    out.end_array();
}

void write_evidence(json_writer& out, const page_request& of, const std::vector<entry_index>& evidence)
{
    code_book codes;
    out.key("evidence").begin_array();
    for (const entry_index index : evidence) {
        if (index >= of.at.n) continue;
        of.at.reader.entries(index, index + 1, [&](const entry_view& entry) {
            const opened_entry each = open_entry(entry);
            const json_view root = each.root();
            const auto day = parse_day(each.text("date"));
            out.begin_object();
            write_text_or_null(out, "date", each.text("date"));
            out.member("entry", index);
            out.member("erased", !each.payload.has_value());
            write_text_or_null(out, "learned_by", each.text("learned_by"));
            std::string meaning;
            if (day && each.text("what") == name_of(what::session_mark)) {
                const statutory_code* code = codes.row_on(codes.intern(each.text("raw"), each.text("code")), *day);
                meaning = code ? std::string(code->meaning) : "not a code of the statutory list";
            }
            write_text_or_null(out, "meaning", meaning);
            if (const auto minutes = root["minutes"].int_if()) out.member("minutes", *minutes);
            write_text_or_null(out, "raw", each.text("raw"));
            write_text_or_null(out, "session", each.text("session"));
            write_text_or_null(out, "source", each.text("source"));
            write_text_or_null(out, "what", each.text("what"));
            out.end_object();
            return false;
        });
    }
    out.end_array();
}

// What has been done or is to be done about the alert.
void write_actions(json_writer& out, const page_request& of, entry_index about)
{
    out.key("actions").begin_array();
    for (const case_action& each : actions_at(of.at))
        if (each.alert == about) write_action(out, each, sees_name(of, of.everyone.person_of(each.pupil)));
    out.end_array();
}

// What the reader may do about the alert, here and now.
void write_can(json_writer& out, const page_request& of, const alert& now)
{
    const bool decides_here = decides(of.reader) && !of.is_past;
    const bool stands = decides_here && !is_ended(now.state) && now.state != alert_state::pending;
    out.key("can").begin_object();
    out.member("acknowledge", stands && now.state == alert_state::open);
    out.member("act", decides_here && !is_about_source(now));
    out.member("close", stands);
    out.member("decide", decides_here);
    out.member("park", stands && now.state == alert_state::baseline && !now.parked);
    out.member("take_up", stands && now.state == alert_state::baseline);
    out.end_object();
}

void write_versions(json_writer& out, const std::vector<alert>& versions)
{
    out.key("history").begin_array();
    for (const alert& each : versions) {
        out.begin_object();
        out.member("changed_at", format_instant(each.changed_at));
        out.member("entry", each.latest);
        out.member("reason", each.reason);
        out.member("stage", each.stage);
        out.member("state", name_of(each.state));
        out.key("value");
        write_value(out, each.value, each.parts.has_value());
        out.end_object();
    }
    out.end_array();
}

// One group a rule, with its lines; `rows` are in order of rule.
void write_baseline_groups(json_writer& out, const page_request& of, const std::vector<alert>& rows)
{
    out.begin_array();
    for (std::size_t i = 0; i < rows.size();) {
        std::size_t end = i;
        while (end < rows.size() && rows[end].rule == rows[i].rule)
            ++end;
        const rule* by = find_rule(of, rows[i].rule);
        out.begin_object().key("alerts");
        write_rows(
            out,
            of,
            {rows.begin() + static_cast<std::ptrdiff_t>(i), rows.begin() + static_cast<std::ptrdiff_t>(end)},
            end - i
        );
        out.member("count", end - i);
        out.member("law", by ? by->source : "");
        out.member("rule_id", rows[i].rule);
        out.member("rule_name", by ? by->title : rows[i].rule);
        out.end_object();
        i = end;
    }
    out.end_array();
}

// Only to who sees every alert that it counts: a count must not tell of what else there is.
std::optional<budget_passed> over_budget_seen(const page_request& of)
{
    const std::optional<budget_passed> passed = budget_passed_on(of.at, today(of));
    if (!passed) return std::nullopt;
    const auto seen = alerts_of(of, [](const alert& each) {
        return !is_about_source(each) && !is_baseline(each) && each.state != alert_state::pending;
    });
    const auto opened = std::ranges::count_if(seen, [&](const alert& each) {
        const rule* by = find_rule(of, each.rule);
        return by && !by->safety && day_of(of.at.zone.to_local(each.opened_at)) == today(of);
    });
    return opened < passed->opened ? std::nullopt : passed;
}

} // namespace

result<page_model> make_today(const page_request& of)
{
    const std::vector<alert> all = alerts_of(of, [](const alert& each) { return !is_ended(each.state); });
    std::vector<alert> live;
    std::vector<alert> no_reason;
    // A file of rows has one list, and all of it.
    const bool is_file = of.target.form != page_form::html;
    const bool is_one_list = of.target.form == page_form::csv;
    for (const alert& each : all) {
        if (!is_live(each)) continue;
        (each.rule == "reason-overdue" && !is_one_list ? no_reason : live).push_back(each);
    }
    sort_by_urgency(of, live);
    const auto shown = [&](const std::vector<alert>& rows) {
        return is_file ? rows.size() : std::min(rows.size(), today_rows_max);
    };
    const auto registers = registers_today(of);
    page_model page;
    page.page = "today";
    page.title = spoken_weekday_date(today(of));
    page.json = model_json([&](json_writer& out) {
        out.key("alerts");
        write_rows(out, of, live, shown(live));
        out.member("alerts_more", live.size() > shown(live));
        write_counts(out, count(all));
        out.member("date", format_day(today(of)));
        out.member("findings_open", findings_open(of));
        write_held_back(out, of, registers, all);
        out.key("no_reason");
        write_rows(out, of, no_reason, shown(no_reason));
        out.member("no_reason_count", no_reason.size()).member("now", format_instant(of.at.now)).key("over_budget");
        write_over_budget(out, over_budget_seen(of));
        write_registers(out, of, registers);
        out.member("school_day", of.at.config.calendar.is_school_day(today(of)));
        write_sources(out, of);
        write_yesterday(out, of);
    });
    page.rows = "alerts";
    page.columns = alert_columns();
    return page;
}

result<page_model> make_alerts(const page_request& of)
{
    const std::string_view state = state_query(of);
    const std::string_view chosen = of.query("rule");
    const std::vector<alert> all = alerts_of(of, is_any);
    std::vector<alert> rows;
    std::ranges::copy_if(all, std::back_inserter(rows), [&](const alert& each) {
        return is_wanted(state, each) && (chosen.empty() || each.rule == chosen);
    });
    const bool is_cut = of.target.form == page_form::html && rows.size() > alert_rows_max;
    page_model page;
    page.page = "alerts";
    page.title = "Alerts";
    page.json = model_json([&](json_writer& out) {
        out.key("alerts");
        write_rows(out, of, rows, is_cut ? alert_rows_max : rows.size());
        write_counts(out, count(all));
        out.member("cut", is_cut);
        write_rule_choices(out, of, all, chosen);
        out.member("state", state);
        out.key("states").begin_array();
        for (const auto& [word, title] :
             {std::pair("open", "Open and acknowledged"),
              std::pair("acknowledged", "Acknowledged"),
              std::pair("ended", "Ended"),
              std::pair("all", "All")}) {
            out.begin_object().member("chosen", state == word).member("id", word).member("title", title).end_object();
        }
        out.end_array();
        out.member("total", rows.size());
    });
    page.rows = "alerts";
    page.columns = alert_columns();
    return page;
}

result<page_model> make_baseline(const page_request& of)
{
    std::vector<alert> rows = alerts_of(of, is_baseline);
    // By rule in the pack's order; what was put aside comes after what nobody has looked at.
    const auto place = [&](const alert& each) {
        return std::ranges::find(of.at.config.rules, each.rule, &rule::id) - of.at.config.rules.begin();
    };
    std::ranges::stable_sort(rows, {}, [&](const alert& each) {
        return std::tuple(place(each), std::string_view(each.rule), each.parked);
    });
    page_model page;
    page.page = "baseline";
    page.title = "Already crossed when Rollbook began";
    for (const alert& each : rows)
        page.offered.push_back({each.id, each.rule});
    page.json = model_json([&](json_writer& out) {
        if (of.target.form != page_form::html) {
            out.key("alerts");
            write_rows(out, of, rows, rows.size());
        }
        out.member("can_decide", decides(of.reader) && !of.is_past);
        if (of.target.form == page_form::html) {
            out.key("groups");
            write_baseline_groups(out, of, rows);
        }
        out.member("parked", std::ranges::count_if(rows, &alert::parked));
        out.member("total", rows.size());
    });
    page.rows = "alerts";
    page.columns = alert_columns();
    page.columns.push_back({"Parked", "parked"});
    return page;
}

result<page_model> make_alert(const page_request& of)
{
    const std::vector<alert> versions = alert_versions(of.at, of.id);
    // An alert that the reader may not see is not there.
    if (versions.empty() || !sees_alert(of, versions.back())) return no_such_page();
    alert now = versions.back();
    newest_values(of.at).apply(now);
    const rule* judged_by = find_rule(of, now.rule);
    page_model page;
    page.page = "alert";
    page.title = judged_by ? judged_by->title : now.rule;
    if (!is_about_source(now)) page.shown.push_back(of.everyone.person_of(now.pupil));
    page.json = model_json([&](json_writer& out) {
        write_actions(out, of, now.id);
        out.key("alert");
        write_alert_row(out, of, now);
        write_can(out, of, now);
        write_evidence(out, of, now.evidence);
        write_versions(out, versions);
        out.member("law", judged_by ? judged_by->source : "");
        out.key("markers").begin_array();
        if (!is_about_source(now) && sees_name(of, of.everyone.person_of(now.pupil)))
            for (const std::string_view each : marked_pupils(of.at).words_of(of.everyone.person_of(now.pupil)))
                out.value(each);
        out.end_array();
        out.key("stages").begin_array();
        if (judged_by)
            for (const rule_stage& each : judged_by->stages) {
                out.begin_object().key("at_least");
                write_value(out, each.at_least, now.parts.has_value());
                out.member("name", each.name);
                out.member("reached", each.name == now.stage).end_object();
            }
        out.end_array();
        out.member("window_text", judged_by ? text_of(judged_by->window) : "");
    });
    page.rows = "evidence";
    page.columns = {
        {"Entry", "entry"},
        {"Date", "date"},
        {"Session", "session"},
        {"Mark", "raw"},
        {"Meaning", "meaning"},
        {"Minutes late", "minutes"},
        {"Source", "source"},
        {"Learned by", "learned_by"},
    };
    return page;
}

} // namespace rollbook
