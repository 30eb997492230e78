// The rules: what is in force, how a pupil stands to them, and what they would have raised.

#include "daemon/rules/measures.hpp"
#include "daemon/views/measure_text.hpp"
#include "daemon/views/standing.hpp"
#include "daemon/web/parts.hpp"

#include <algorithm>

namespace rollbook {
namespace {

constexpr std::chrono::days backtest_days_max{366};
// Of a query's field: a threshold to try.
constexpr std::string_view stage_field = "stage_";

// How a pupil stands to it, met or not, is told to who may see everything that it counts.
class permission {
public:
    explicit permission(const page_request& of) : of_(of) {}

    bool covers(const rule& by, entry_index pupil = no_entry)
    {
        if (!sees_pupils(of_.reader) || !can_be_tried(by)) return false;
        const visibility allowed = allowed_to(of_, pupil);
        if (allowed == visibility::everything()) return true;
        if (!cases_) cases_ = labels_of_cases(of_.at);
        return labels_of(by, *cases_).is_within(allowed);
    }

private:
    const page_request& of_;
    std::optional<visibility> cases_;
};

// Long work that looks up now and then.
std::function<void()> pause_of(const page_request& of)
{
    return [ending = of.is_ending] {
        if (ending && *ending) throw failure_error(failure(errc::stopped, "the daemon is stopping", ""));
    };
}

std::string window_and_stages(const rule& each)
{
    std::string text;
    for (const rule_stage& stage : each.stages) {
        text += (text.empty() ? "" : "; ") + stage.name + " from " + std::to_string(stage.at_least);
        if (stage.window) text += " in " + text_of(*stage.window);
    }
    return text;
}

void write_choices(json_writer& out, const page_request& of, std::string_view chosen)
{
    permission may_ask(of);
    out.key("all_rules").begin_array();
    for (const rule& each : of.at.config.rules)
        if (may_ask.covers(each))
            out.begin_object()
                .member("chosen", each.id == chosen)
                .member("id", each.id)
                .member("title", each.title)
                .end_object();
    out.end_array();
}

// The person that the query names by reference, as their own page would show them. Names and numbers of other systems
// have no place in an address.
result<entry_index> asked_pupil(const page_request& of)
{
    const std::string_view text = of.query("pupil");
    const auto number = text.starts_with("P-") ? parse_decimal(text.substr(2)) : std::nullopt;
    if (!number || !of.pupils.find(*number) || of.everyone.is_stranger(*number)) return no_such_page();
    return *number;
}

failure needs_the_school()
{
    return failure(
        errc::usage,
        "This rule holds a pupil against the whole school, and your account sees a part of it.",
        "Ask somebody who sees the whole school."
    );
}

// The rules that the page was asked about, of those that the reader may ask about.
result<std::vector<rule>> asked_rules(const page_request& of, entry_index pupil)
{
    const std::string_view id = of.query("rule");
    const rule* named = find_rule(of, id);
    permission may_ask(of);
    if (!id.empty() && (!named || !may_ask.covers(*named, pupil))) return no_such_page();
    if (named && of.is_scoped && compares_with_the_school(named->measure)) return needs_the_school();
    std::vector<rule> asked;
    for (const rule& each : of.at.config.rules)
        if (named ? &each == named
                  : each.enabled && may_ask.covers(each, pupil) &&
                        !(of.is_scoped && compares_with_the_school(each.measure)))
            asked.push_back(each);
    return asked;
}

struct trial {
    std::vector<rule> rules; // as it is in force, and as it was asked to be changed
    day_range days;
    std::map<std::string, backtest_counts> counts;
};

// What the query asks to be tried.
result<trial> asked_trial(const page_request& of)
{
    const rule* by = find_rule(of, of.query("rule"));
    if (!by || !permission(of).covers(*by)) return no_such_page();
    if (of.is_scoped && compares_with_the_school(by->measure)) return needs_the_school();
    trial asked;
    asked.rules = {*by, *by};
    asked.days = academic_year(of);
    for (const auto& [name, day] : {std::pair("from", &asked.days.first), {"to", &asked.days.last}}) {
        if (of.query(name).empty()) continue;
        const auto given = parse_day(of.query(name));
        if (!given) return failure(errc::usage, "That is no day.", "Give one as 2026-09-01.");
        *day = *given;
    }
    asked.days.last = std::min(asked.days.last, today(of));
    if (asked.days.first > asked.days.last || asked.days.last - asked.days.first > backtest_days_max)
        return failure(
            errc::usage, "That is no range of days up to a year.", "Begin at most a year before the last day."
        );
    std::vector<std::string> changes;
    for (const auto& [name, value] : of.target.query)
        if (name.starts_with(stage_field) && !value.empty())
            changes.push_back(name.substr(stage_field.size()) + "=" + value);
    const result<void> changed = change_thresholds(asked.rules.back(), changes);
    if (!changed) return failure(errc::usage, "These thresholds cannot be tried.", changed.error().to_do);
    asked.rules.back().id += " changed";
    for (rule& each : asked.rules)
        each.enabled = true; // trying it out is what this is for
    if (changes.empty()) asked.rules.pop_back();
    return asked;
}

void write_trial(json_writer& out, const trial& tried)
{
    const rule& by = tried.rules.front();
    const bool is_changed = tried.rules.size() > 1;
    const backtest_counts& now = tried.counts.at(by.id);
    const backtest_counts& then = tried.counts.at(tried.rules.back().id);
    const auto write_count = [&](std::string_view key, std::int64_t count) {
        out.key(key);
        is_changed ? out.value(count) : out.null();
    };
    const auto count_of = [](const backtest_counts& counts, civil_day week, const std::string& stage) {
        const auto at = counts.weeks.find(week);
        if (at == counts.weeks.end()) return std::int64_t{0};
        const auto found = at->second.find(stage);
        return found == at->second.end() ? std::int64_t{0} : found->second;
    };
    std::set<civil_day> weeks;
    for (const backtest_counts* counts : {&now, &then})
        for (const auto& [week, stages] : counts->weeks)
            weeks.insert(week);
    out.member("already", now.already);
    write_count("already_changed", then.already);
    out.key("counts").begin_array();
    for (const civil_day week : weeks)
        for (const rule_stage& stage : by.stages) {
            out.begin_object().member("alerts", count_of(now, week, stage.name));
            write_count("alerts_changed", count_of(then, week, stage.name));
            out.member("stage", stage.name).member("week_of", format_day(week)).end_object();
        }
    out.end_array().member("ended", now.ended);
    write_count("ended_changed", then.ended);
}

void write_stages(json_writer& out, const page_request& of, const rule& by)
{
    out.key("stages").begin_array();
    for (const rule_stage& each : by.stages) {
        out.begin_object().key("at_least");
        write_value(out, each.at_least, in_hundredths(by));
        write_text_or_null(out, "changed", of.query(std::string(stage_field) + each.name));
        out.member("name", each.name).end_object();
    }
    out.end_array();
}

} // namespace

result<page_model> make_rules(const page_request& of)
{
    page_model page;
    page.page = "rules";
    page.title = "Rules";
    permission may_ask(of);
    page.json = model_json([&](json_writer& out) {
        out.key("rules").begin_array();
        for (const rule& each : of.at.config.rules) {
            out.begin_object();
            out.member("can_ask", may_ask.covers(each));
            out.member("clear_below", each.clearing_level());
            out.member("enabled", each.enabled);
            out.member("id", each.id);
            out.member("measure", each.measure);
            out.member("needs_decision", each.needs_decision);
            write_text_or_null(out, "pack", each.pack);
            out.member("source", each.source);
            out.member("stages", window_and_stages(each));
            out.member("title", each.title);
            out.member("version", rule_version(each));
            out.member("window", text_of(each.window));
            out.end_object();
        }
        out.end_array();
    });
    page.rows = "rules";
    page.columns = {
        {"Rule", "id"},
        {"Title", "title"},
        {"Measure", "measure"},
        {"Window", "window"},
        {"Stages", "stages"},
        {"Clears below", "clear_below"},
        {"Needs a decision", "needs_decision"},
        {"In force", "enabled"},
        {"Source", "source"},
        {"Version", "version"},
    };
    return page;
}

result<page_model> make_why(const page_request& of)
{
    page_model page;
    page.page = "why";
    page.title = "Why, or why not";
    page.rows = "standings";
    page.columns = {
        {"Rule", "rule"},
        {"Title", "title"},
        {"Met", "met"},
        {"Stage", "stage"},
        {"Value", "value"},
        {"More needed", "next_stage.needed"},
        {"For the stage", "next_stage.stage"},
        {"Falls on", "falls_on"},
        {"Not known yet", "held_back"},
        {"Version", "version"},
    };
    std::optional<entry_index> pupil;
    std::vector<rule> rules;
    if (!of.query("pupil").empty()) {
        const result<entry_index> asked = asked_pupil(of);
        if (!asked) return asked.error();
        pupil = *asked;
        auto about = asked_rules(of, *pupil);
        if (!about) return about.error();
        rules = std::move(*about);
        page.shown.push_back(*pupil);
        page.file_name = "why-" + reference_of(*pupil);
    }
    for (const char* name : {"pupil", "rule"})
        if (!of.query(name).empty()) page.kept.emplace_back(name, std::string(of.query(name)));
    bool is_judged = false;
    page.json = model_json([&](json_writer& out) {
        write_choices(out, of, of.query("rule"));
        out.key("pupil");
        pupil ? write_person(out, of, *pupil) : static_cast<void>(out.null());
        out.key("standings").begin_array();
        if (pupil)
            is_judged = judged_school(of.at, *pupil, rules, pause_of(of)).standings([&](const rule_standing& each) {
                write_standing(out, each);
            });
        out.end_array();
        out.member("unjudged", pupil && !is_judged);
    });
    return page;
}

result<page_model> make_backtest(const page_request& of)
{
    page_model page;
    page.page = "backtest";
    page.title = "What a rule would have raised";
    page.rows = "counts";
    page.columns = {
        {"Week of", "week_of"},
        {"Stage", "stage"},
        {"Alerts", "alerts"},
        {"Alerts with the changes", "alerts_changed"},
    };
    const rule* by = nullptr;
    std::optional<trial> tried;
    if (!of.query("rule").empty()) {
        auto asked = asked_trial(of);
        if (!asked) return asked.error();
        by = find_rule(of, of.query("rule"));
        // The form is shown first: what it asks for is worked out when it is sent.
        if (of.query("go") == "1") {
            tried = std::move(*asked);
            backtest_order order;
            order.rules = tried->rules;
            order.mis = judged_source(of.at.config).value();
            order.calendar = of.at.config.calendar;
            order.days = tried->days;
            order.watched = of.at.config.watch_list;
            order.known = of.at.n;
            order.pause = pause_of(of);
            tried->counts = backtest(of.at.reader, of.at.zone, order, {});
            page.file_name = "backtest-" + by->id;
        }
    }
    for (const auto& [name, value] : of.target.query)
        if (name != "known_at") page.kept.emplace_back(name, value);
    const day_range days = tried ? tried->days : academic_year(of);
    page.json = model_json([&](json_writer& out) {
        write_choices(out, of, by ? by->id : "");
        if (tried) write_trial(out, *tried);
        write_day(out, "from", days.first);
        if (by) out.member("is_changed", tried && tried->rules.size() > 1);
        write_text_or_null(out, "rule", by ? by->id : "");
        if (by) write_stages(out, of, *by);
        write_text_or_null(out, "title_of_rule", by ? by->title : "");
        write_day(out, "to", days.last);
    });
    return page;
}

} // namespace rollbook
