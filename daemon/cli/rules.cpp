#include "daemon/cli/commands.hpp"
#include "daemon/cli/held_back.hpp"
#include "daemon/cli/measure_text.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/rules/reason.hpp"
#include "daemon/service/backtest.hpp"
#include "daemon/views/people.hpp"
#include "daemon/views/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

namespace rollbook {
namespace {

const rule& rule_named(const configuration& config, const std::string& id)
{
    if (const rule* known = config.find_rule(id)) return *known;
    throw failure_error(
        {errc::not_found, "no rule has the id " + plain(id), "`rollbook rules list` lists the rules in force."}
    );
}

std::string shown(const rule& by, std::int64_t value)
{
    return shown_value(value, in_hundredths(by));
}

std::string judged_source(const configuration& config)
{
    if (std::string name = config.mis_name(); !name.empty()) return name;
    throw failure_error({errc::not_found, "no source has the role mis", "Rules judge the register of an MIS: add one."}
    );
}

// "at_least=4" or "letter=6": the threshold of the lowest, or of the named stage.
void change_threshold(rule& by, const std::string& text)
{
    const std::size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    const auto value = equals == std::string::npos ? std::nullopt : parse_decimal(text.substr(equals + 1));
    const auto stage = name == "at_least" ? by.stages.begin() : std::ranges::find(by.stages, name, &rule_stage::name);
    if (!value || stage == by.stages.end())
        throw failure_error(
            {errc::usage,
             "--set " + plain(text) + " names no stage of " + by.id,
             "Write at_least=N for the lowest stage, or NAME=N for a stage by its name."}
        );
    stage->at_least = static_cast<std::int64_t>(*value) * (in_hundredths(by) ? 100 : 1);
    by.clear_below = 0;
    if (!std::ranges::is_sorted(by.stages, std::ranges::less_equal{}, &rule_stage::at_least) &&
        !std::ranges::is_sorted(by.stages, {}, &rule_stage::at_least))
        throw failure_error(
            {errc::usage, "--set " + plain(text) + " puts the stages out of order", "Set the others too."}
        );
}

void print_counts(const command_io& io, const rule& by, const backtest_counts& counts)
{
    std::map<std::string, std::int64_t> sums;
    if (find_measure(by.measure)->by_clock)
        io.out << by.id << ": judged by the minute, on days on which marks were read\n";
    else
        io.out << by.id << ": " << grouped(counts.already) << " met on the first day already\n";
    std::vector<std::string_view> headings{"Week of"};
    std::vector<std::string> names;
    for (const rule_stage& stage : by.stages)
        names.push_back(">" + stage.name);
    headings.insert(headings.end(), names.begin(), names.end());
    text_table table(io.out, headings);
    for (const auto& [monday, stages] : counts.weeks) {
        std::vector<std::string> row{format_day(monday)};
        for (const rule_stage& stage : by.stages) {
            const auto at = stages.find(stage.name);
            row.push_back(at == stages.end() ? "0" : grouped(at->second));
            sums[stage.name] += at == stages.end() ? 0 : at->second;
        }
        table.row(std::move(row));
    }
    table.end();
    for (const rule_stage& stage : by.stages)
        io.out << "  " << stage.name << " (from " << shown(by, stage.at_least) << "): " << grouped(sums[stage.name])
               << '\n';
    io.out << "  ended by themselves: " << grouped(counts.ended) << "\n\n";
}

void write_counts(json_writer& out, const rule& by, const backtest_counts& counts)
{
    out.begin_object();
    out.member("already", counts.already).member("ended", counts.ended).member("rule", by.id);
    out.key("weeks").begin_array();
    for (const auto& [monday, stages] : counts.weeks) {
        out.begin_object().key("stages").begin_object();
        for (const auto& [name, count] : stages)
            out.member(name, count);
        out.end_object().member("week_of", format_day(monday)).end_object();
    }
    out.end_array().end_object();
}

// "09:15"
std::string clock_text(local_instant at)
{
    const auto minutes = std::chrono::floor<std::chrono::minutes>(at - day_of(at)).count();
    return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60);
}

// One line of the condition tree.
struct condition {
    std::string what;
    std::string expected;
    std::string actual;
    bool holds = false;
};

std::string fit_in_words(cohort_fit fit)
{
    switch (fit) {
    case cohort_fit::inside: return "inside";
    case cohort_fit::other_age: return "outside compulsory school age";
    case cohort_fit::other_year: break;
    }
    return "outside";
}

std::vector<condition> conditions_of(const rule& by, const pupil_history& history, const verdict& found)
{
    std::vector<condition> all;
    all.push_back({"cohort", "inside", fit_in_words(found.fit), found.fit == cohort_fit::inside});
    if (found.fit != cohort_fit::inside) return all;
    if (by.min_possible > 0 && found.parts)
        all.push_back(
            {"possible sessions",
             "at least " + std::to_string(by.min_possible),
             std::to_string(found.parts->possible),
             found.parts->possible >= by.min_possible}
        );
    for (std::size_t i = 0; i < by.stages.size(); ++i) {
        const rule_stage& stage = by.stages[i];
        rule alone = by;
        alone.stages = {stage};
        const verdict of_stage = evaluate(alone, history);
        all.push_back(
            {"stage " + stage.name + " (" + text_of(stage.window.value_or(by.window)) + ")",
             "at least " + shown(by, stage.at_least),
             shown(by, of_stage.value) + (stage.predict && found.is_predicted ? ", by its pace" : ""),
             static_cast<int>(i) <= found.stage}
        );
    }
    return all;
}

// When the oldest of what counts has left the window: the first school day on which the value is lower though nothing
// new happens. Empty when it does not within the next school days that the calendar knows, or nothing counts.
std::optional<civil_day> falls_on(
    const rule& by,
    const judged_pupil& who,
    const rule_facts& facts,
    const judged_day& judged,
    std::int64_t value,
    std::span<const entry_index> used
)
{
    constexpr int days_ahead_max = 80;
    if (value == 0) return std::nullopt;
    for (int ahead = 1; ahead <= days_ahead_max; ++ahead) {
        const auto day = facts.calendar.school_day_after(judged.as_of, ahead);
        if (!day) return std::nullopt;
        const pupil_history then(facts, who, {*day, *day + std::chrono::hours(24)});
        if (evaluate(by, then.without(used)).value < value) return day;
    }
    return std::nullopt;
}

} // namespace

int run_rules_check(const command_io& io, const command_options& options)
{
    const cli_context::loaded_configuration found = io.context.load_rules(options.file);
    for (const cli_context::configuration_problem& problem : found.problems)
        io.err << problem.line << '\n';
    if (!found.good) return exit_configuration;
    for (const std::string& warning : found.good->warnings)
        io.err << warning << '\n';
    const std::size_t rules = found.good->rules.size();
    io.out << rules << (rules == 1 ? " rule" : " rules") << ", nothing wrong.\n";
    return exit_done;
}

int run_rules_why(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const rule& by = rule_named(at.config, options.rule);
        if (find_measure(by.measure)->by_source)
            throw failure_error(failure(
                errc::usage,
                "the rule " + by.id + " is about sources or rules and judges no pupil",
                "`rollbook status` shows each source and how old its data is, `rollbook check` what each rule rests on."
            ));
        const people everyone(at);
        const result<entry_index> pupil = everyone.find(options.pupil);
        if (!pupil) throw failure_error(pupil.error());
        past_state past(at.reader);
        const held_state& held = past.at(at.n);
        const attendance_register* marks = held.find_register(judged_source(at.config));
        const local_instant now = at.zone.to_local(at.now);
        std::optional<judged_day> judged = judge_at(at.config.calendar, now);
        if (find_measure(by.measure)->by_clock) judged = judged_day{day_of(now), now};
        const auto number = marks ? marks->find_pupil(*pupil) : std::nullopt;
        if (!judged || !number)
            throw failure_error(
                {errc::not_found,
                 "there is no register of " + reference_of(*pupil) + " to judge",
                 "Rules judge pupils whom the MIS has marks for."}
            );

        known_pupils pupils(at.config.rules);
        const judged_pupil who = pupils.judged(held, *pupil, *number);
        const register_gate gate = gate_of(at, held, *marks);
        const rule_facts facts{*marks, at.config.calendar, &held.cases(), nullptr, std::nullopt, &gate};
        const pupil_history history(facts, who, *judged);
        const std::string held_back = what_is_held_back(history);
        const held_thing* last = held.things(what::alert).find("", by.id + "/" + std::to_string(*pupil));
        const auto last_alert = last ? parse_alert_payload(last->payload, last->entry) : std::nullopt;
        const std::vector<entry_index> used = used_before(by, last_alert ? &*last_alert : nullptr);
        const pupil_history fresh = history.without(used);
        const verdict found = evaluate_fresh(by, history, used);
        const std::vector<condition> conditions = conditions_of(by, fresh, found);
        const auto falls =
            found.fit == cohort_fit::inside ? falls_on(by, who, facts, *judged, found.value, used) : std::nullopt;
        const auto next = static_cast<std::size_t>(found.stage + 1);
        const bool has_next = found.fit == cohort_fit::inside && next < by.stages.size();
        const std::int64_t needed = has_next ? std::max<std::int64_t>(0, by.stages[next].at_least - found.value) : 0;
        if (options.json) {
            print_json(io.out, [&](json_writer& out) {
                out.begin_object().member("as_of", format_day(judged->as_of)).key("conditions").begin_array();
                for (const condition& each : conditions)
                    out.begin_object()
                        .member("actual", each.actual)
                        .member("expected", each.expected)
                        .member("holds", each.holds)
                        .member("what", each.what)
                        .end_object();
                out.end_array().key("evidence").begin_array();
                for (const entry_index each : found.evidence)
                    out.value(each);
                out.end_array().key("falls_on");
                falls ? out.value(format_day(*falls)) : out.null();
                out.member("held_back", held_back).member("met", found.stage >= 0).key("next_stage").begin_object();
                if (has_next) {
                    out.key("needed");
                    write_value(out, needed, in_hundredths(by));
                    out.member("stage", by.stages[next].name);
                }
                out.end_object().key("pupil");
                everyone.write(out, *pupil);
                out.member("rule", by.id).member("source", by.source).key("stage");
                found.stage >= 0 ? out.value(by.stages[static_cast<std::size_t>(found.stage)].name) : out.null();
                out.key("value");
                write_value(out, found.value, in_hundredths(by));
                if (found.in_all) {
                    out.key("value_in_all");
                    write_value(out, found.in_all->value, in_hundredths(by));
                }
                out.member("version", rule_version(by)).end_object();
            });
            return exit_done;
        }
        io.out << plain(by.title) << " (" << by.id << ") for " << reference_of(*pupil) << ", as of "
               << format_day(judged->as_of) << '\n';
        text_table table(io.out, {"Condition", "Expected", "Actual", "Holds"});
        for (const condition& each : conditions)
            table.row({each.what, each.expected, each.actual, each.holds ? "yes" : "no"});
        table.end();
        if (found.in_all)
            io.out << "Not counted: what a decision was already made on; with it " << shown(by, found.in_all->value)
                   << ".\n";
        if (!held_back.empty()) io.out << "Not known yet: " << plain(held_back) << ".\n";
        if (has_next) io.out << shown(by, needed) << " more until the stage \"" << by.stages[next].name << "\".\n";
        if (falls) io.out << "With nothing new, the value falls on " << format_day(*falls) << ".\n";
        io.out << "Entries that count:";
        for (const entry_index each : found.evidence)
            io.out << ' ' << each;
        io.out << (found.evidence.empty() ? " none" : "") << "\nSource of the rule: " << plain(by.source) << '\n';
        return exit_done;
    });
}

int run_rules_backtest(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        backtest_order order;
        order.mis = judged_source(at.config);
        order.calendar = at.config.calendar;
        if (options.rule.empty()) {
            if (!options.set.empty())
                throw failure_error({errc::usage, "--set needs --rule", "Name the rule whose stage it changes."});
            std::ranges::copy_if(at.config.rules, std::back_inserter(order.rules), &rule::enabled);
        } else {
            order.rules = {rule_named(at.config, options.rule)};
            order.rules.front().enabled = true; // trying it out is what this is for
            for (const std::string& text : options.set)
                change_threshold(order.rules.front(), text);
        }
        order.watched = at.config.watch_list;
        const civil_day today = day_of(at.zone.to_local(at.now));
        order.days = {
            options.from_day.value_or(school_calendar::academic_year_start(options.to_day.value_or(today))),
            options.to_day.value_or(today)};

        json_list list(io.out);
        const people everyone(at);
        const auto write_day = [&](const backtest_day& one) {
            list.item([&](json_writer& out) {
                out.begin_object();
                if (one.minute) out.member("at", clock_text(*one.minute));
                out.member("day", format_day(one.day));
                out.member("pupil", reference_of(everyone.person_of(one.pupil)))
                    .member("rule", one.by->id)
                    .key("stage");
                const int stage = one.found->stage;
                stage >= 0 ? out.value(one.by->stages[static_cast<std::size_t>(stage)].name) : out.null();
                out.key("value");
                write_value(out, one.found->value, in_hundredths(*one.by));
                out.end_object();
            });
        };
        const auto each = options.each ? write_day : std::function<void(const backtest_day&)>();
        const auto counts = backtest(at.reader, at.zone, order, each);
        if (options.each) {
            list.end();
            return exit_done;
        }
        for (const rule& by : order.rules) {
            if (!can_be_tried(by)) continue;
            if (options.json)
                list.item([&](json_writer& out) { write_counts(out, by, counts.at(by.id)); });
            else
                print_counts(io, by, counts.at(by.id));
        }
        if (options.json) list.end();
        return exit_done;
    });
}

} // namespace rollbook
