#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/views/measure_text.hpp"
#include "daemon/views/people.hpp"
#include "daemon/views/standing.hpp"
#include "daemon/views/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <set>

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

// "3.2"; of a share that is not whole the next tenth above: fewer than come must not be promised.
std::string tenths(std::int64_t all, std::size_t parts)
{
    const auto of = static_cast<std::int64_t>(std::max<std::size_t>(parts, 1));
    const std::int64_t cut = (all * 10 + of - 1) / of;
    return grouped(cut / 10) + "." + std::to_string(cut % 10);
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

// "09:15"
std::string clock_text(local_instant at)
{
    const auto minutes = std::chrono::floor<std::chrono::minutes>(at - day_of(at)).count();
    return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60);
}

void print_standing(std::ostream& to, const rule_standing& of, entry_index pupil)
{
    const rule& by = of.by;
    to << plain(by.title) << " (" << by.id << ") for " << reference_of(pupil) << ", as of " << format_day(of.as_of)
       << '\n';
    text_table table(to, {"Condition", "Expected", "Actual", "Holds"});
    for (const rule_standing::condition& each : of.conditions)
        table.row({each.what, each.expected, each.actual, each.holds ? "yes" : "no"});
    table.end();
    if (of.found.in_all)
        to << "Not counted: what a decision was already made on; with it " << shown(by, of.found.in_all->value)
           << ".\n";
    if (!of.held_back.empty()) to << "Not known yet: " << plain(of.held_back) << ".\n";
    if (of.next) to << shown(by, of.needed) << " more until the stage \"" << of.next->name << "\".\n";
    if (of.falls_on) to << "With nothing new, the value falls on " << format_day(*of.falls_on) << ".\n";
    to << "Entries that count:";
    for (const entry_index each : of.found.evidence)
        to << ' ' << each;
    to << (of.found.evidence.empty() ? " none" : "") << "\nSource of the rule: " << plain(by.source) << '\n';
}

} // namespace

int run_rules_check(const command_io& io, const command_options& options)
{
    const cli_context::loaded_configuration found = io.context.load_rules(options.file);
    for (const cli_context::configuration_problem& problem : found.problems)
        print_problem(io.err, problem);
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
        judged_school school(at, *pupil, {&by, 1});
        const bool is_judged = school.standings([&](const rule_standing& standing) {
            if (options.json)
                print_json(io.out, [&](json_writer& out) {
                    write_standing(out, standing, [&](json_writer& to) { everyone.write(to, *pupil); });
                });
            else
                print_standing(io.out, standing, *pupil);
        });
        if (!is_judged)
            throw failure_error(
                {errc::not_found,
                 "there is no register of " + reference_of(*pupil) + " to judge",
                 "Rules judge pupils whom the MIS has marks for."}
            );
        return exit_done;
    });
}

namespace {

backtest_order order_of(const workplace& at, const day_range& days)
{
    backtest_order order;
    order.mis = judged_source(at.config).value();
    order.calendar = at.config.calendar;
    order.watched = at.config.watch_list;
    order.days = days;
    return order;
}

} // namespace

int run_rules_weekly(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const civil_day today = day_of(at.zone.to_local(at.now));
        backtest_order order = order_of(at, {school_calendar::academic_year_start(today), today});
        std::ranges::copy_if(at.config.rules, std::back_inserter(order.rules), [](const rule& each) {
            return each.enabled && can_be_tried(each);
        });
        const auto counts = backtest(at.reader, at.zone, order, {});
        std::set<civil_day> weeks;
        for (civil_day day = order.days.first; day <= order.days.last; day += std::chrono::days(1))
            if (order.calendar.is_school_day(day)) weeks.insert(monday_of(day));
        io.out
            << "From " << format_day(order.days.first) << ", " << weeks.size()
            << " school weeks. A week's alerts of a rule by the clock, such as a child who is missing, show once marks "
               "are read as they are taken.\n\n";
        text_table table(io.out, {"Rule", ">Alerts a week", ">Most in a week", ">Met already"});
        std::int64_t sum = 0;
        for (const rule& by : order.rules) {
            const backtest_counts& found = counts.at(by.id);
            std::int64_t all = 0, most = 0;
            for (const auto& [monday, stages] : found.weeks) {
                std::int64_t week = 0;
                for (const auto& [stage, alerts] : stages)
                    week += alerts;
                all += week;
                most = std::max(most, week);
            }
            sum += all;
            table.row({by.id, tenths(all, weeks.size()), grouped(most), grouped(found.already)});
        }
        table.row({"all", tenths(sum, weeks.size()), "", ""});
        table.end();
        return exit_done;
    });
}

int run_rules_backtest(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const civil_day today = day_of(at.zone.to_local(at.now));
        const civil_day last = options.to_day.value_or(today);
        backtest_order order =
            order_of(at, {options.from_day.value_or(school_calendar::academic_year_start(last)), last});
        if (options.rule.empty()) {
            if (!options.set.empty())
                throw failure_error({errc::usage, "--set needs --rule", "Name the rule whose stage it changes."});
            std::ranges::copy_if(at.config.rules, std::back_inserter(order.rules), &rule::enabled);
        } else {
            order.rules = {rule_named(at.config, options.rule)};
            order.rules.front().enabled = true; // trying it out is what this is for
            change_thresholds(order.rules.front(), options.set).value();
        }
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
