#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/rules/alert.hpp"
#include "daemon/views/measure_text.hpp"

#include <algorithm>
#include <filesystem>
#include <ostream>

namespace rollbook {
namespace {

std::string stages_text(const rule& of)
{
    std::string text;
    for (const rule_stage& each : of.stages) {
        text.append(text.empty() ? "" : ", ")
            .append(each.name)
            .append(" at ")
            .append(shown_value(each.at_least, in_hundredths(of)));
        if (each.window) text.append(" in ").append(text_of(*each.window));
    }
    return text;
}

void write_rule(json_writer& out, const rule& of)
{
    out.begin_object();
    out.member("id", of.id).member("measure", of.measure).member("needs_decision", of.needs_decision);
    write_text_or_null(out, "pack", of.pack);
    out.member("source", of.source);
    out.key("stages").begin_array();
    for (const rule_stage& each : of.stages) {
        out.begin_object().key("at_least");
        write_value(out, each.at_least, in_hundredths(of));
        out.member("name", each.name);
        out.member("window", text_of(each.window.value_or(of.window))).end_object();
    }
    out.end_array();
    out.member("title", of.title);
    out.member("version", rule_version(of));
    out.member("window", text_of(of.window));
    out.end_object();
}

void see_to_undelivered(
    const command_io& io, const configuration& config, decision_kind kind, const command_options& options
)
{
    decision_request request;
    request.kind = kind;
    request.source = options.source;
    for (const std::string& line : io.context.decide(config, request).value().lines)
        io.out << plain(line) << '\n';
}

} // namespace

int run_init(const command_io& io, const command_options& options)
{
    if (options.wizard) return run_wizard(io, options);
    return with_configuration(io, options, [&](const configuration& config) {
        const std::string vkey = io.context.init(config, options.simulated).value();
        io.out << "Made the " << (options.simulated ? "simulated " : "") << "ledger "
               << plain(config.ledger.path.string()) << " and its signing key.\n"
               << "Give the auditor this public key; with it every signed checkpoint can be checked:\n"
               << vkey << '\n';
        return exit_done;
    });
}

int run_check(const command_io& io, const command_options& options)
{
    return with_configuration(io, options, [&](const configuration& config) {
        io.out << "ok    " << plain(config.file.string()) << ": " << config.sources.size() << " sources, "
               << config.rules.size() << " rules, " << config.routes.size() << " routes\n";
        for (const std::string& warning : config.warnings)
            io.out << "note  " << plain(warning) << '\n';
        if (!config.operations)
            io.out << "note  nobody is told when Rollbook or its machine needs a hand (disk, clock, backups)\n"
                      "      Name a route under [operator]: route = \"NAME\".\n";
        const std::vector<cli_context::check_line> lines = io.context.check(config, options.online);
        for (const cli_context::check_line& each : lines) {
            io.out << (each.bad ? "BAD   " : "ok    ") << plain(each.text) << '\n';
            if (!each.to_do.empty()) io.out << "      " << plain(each.to_do) << '\n';
        }
        const bool is_bad = std::ranges::any_of(lines, &cli_context::check_line::bad);
        return is_bad || config.web.links_to_loopback ? exit_wrong : exit_done;
    });
}

int run_daemon(const command_io& io, const command_options& options)
{
    return with_configuration(io, options, [&](const configuration& config) {
        for (const std::string& warning : config.warnings)
            io.err << plain(warning) << '\n';
        io.context.run(config).value();
        return exit_done;
    });
}

int run_route_test(const command_io& io, const command_options& options)
{
    return with_configuration(io, options, [&](const configuration& config) {
        io.context.test_route(config, options.source).value();
        io.out << "The route " << plain(options.source) << " took a test message. Ask its reader whether it came.\n";
        // Before there is a ledger, nothing can have been left over.
        if (std::filesystem::exists(config.ledger.path))
            see_to_undelivered(io, config, decision_kind::send_again, options);
        return exit_done;
    });
}

int run_route_settle(const command_io& io, const command_options& options)
{
    return with_configuration(io, options, [&](const configuration& config) {
        see_to_undelivered(io, config, decision_kind::settle_route, options);
        return exit_done;
    });
}

int run_rules_list(const command_io& io, const command_options& options)
{
    return with_configuration(io, options, [&](const configuration& config) {
        std::vector<const rule*> sorted;
        for (const rule& each : config.rules) {
            if (each.enabled) sorted.push_back(&each);
        }
        std::ranges::sort(sorted, {}, [](const rule* each) { return std::string_view(each->id); });
        if (options.json) {
            json_list list(io.out);
            for (const rule* each : sorted)
                list.item([&](json_writer& out) { write_rule(out, *each); });
            list.end();
            return exit_done;
        }
        text_table table(io.out, {"Rule", "Title", "Stages", "Window", "Pack", "Version", "Source"});
        for (const rule* each : sorted)
            table.row(
                {each->id,
                 each->title,
                 stages_text(*each),
                 text_of(each->window),
                 each->pack.empty() ? "-" : each->pack,
                 rule_version(*each),
                 each->source}
            );
        table.end();
        return exit_done;
    });
}

} // namespace rollbook
