#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"

#include <ostream>

namespace rollbook {
namespace {

std::string_view usual_to_do(errc code)
{
    switch (code) {
    case errc::usage: return "`rollbook --help` lists the commands.";
    case errc::ledger_in_doubt: return "Run `rollbook ledger verify`, and restore a backup if it fails.";
    case errc::configuration_invalid: return "Correct the file; `rollbook check` reads it again.";
    case errc::not_found: return "Check what was asked for.";
    case errc::source_unreachable:
    case errc::source_throttled:
    case errc::delivery_unreachable:
    case errc::stopped: return "Try again later; it may pass.";
    default: return "Run `rollbook check --online`.";
    }
}

int say_when_it_began(
    const command_io& io,
    const command_options& options,
    const std::optional<ledger_reader::beginning>& began,
    const time_zone& zone
)
{
    if (options.json) {
        print_json(io.out, [&](json_writer& out) {
            out.begin_object();
            write_instant(out, "began", began ? std::optional(began->at) : std::nullopt);
            out.end_object();
        });
    } else if (began) {
        io.out << "Rollbook began on " << long_clock_text(began->at, zone) << "; nothing was known before.\n";
    } else {
        io.out << "Rollbook has not yet read any source to its end; nothing is known.\n";
    }
    return exit_wrong;
}

} // namespace

exit_code exit_code_for(errc code)
{
    switch (code) {
    case errc::usage: return exit_usage;
    case errc::configuration_invalid: return exit_configuration;
    case errc::ledger_in_doubt: return exit_ledger;
    default: return exit_wrong;
    }
}

void print_failure(std::ostream& err, const failure& why)
{
    err << "rollbook: " << plain(why.what) << '\n';
    err << "  " << (why.to_do.empty() ? std::string(usual_to_do(why.code)) : plain(why.to_do)) << '\n';
}

void print_problem(std::ostream& err, const cli_context::configuration_problem& problem)
{
    err << plain(problem.line) << '\n';
    if (!problem.to_do.empty()) err << "  " << plain(problem.to_do) << '\n';
}

int with_configuration(
    const command_io& io, const command_options& options, const std::function<int(const configuration&)>& use
)
{
    const cli_context::loaded_configuration loaded = io.context.load_configuration(options.config);
    if (loaded.good && loaded.problems.empty()) {
        if (io.context.work_as_owner) io.context.work_as_owner(*loaded.good).value();
        return use(*loaded.good);
    }
    for (const cli_context::configuration_problem& problem : loaded.problems)
        print_problem(io.err, problem);
    io.err << "Correct " << plain(options.config.string()) << "; `rollbook check` reads it again.\n";
    return exit_configuration;
}

int with_ledger(const command_io& io, const command_options& options, const std::function<int(const workplace&)>& use)
{
    return with_configuration(io, options, [&](const configuration& config) {
        result<std::unique_ptr<ledger_reader>> opened = io.context.open_reader(config);
        const std::unique_ptr<ledger_reader> reader = std::move(opened).value();
        const time_zone zone = time_zone::named(config.school.timezone).value_or(time_zone::utc());
        if (!options.known_at) return use({config, *reader, zone, io.context.now(config), reader->size()});

        if (!reader->has_come(*options.known_at, io.context.now(config)))
            throw failure_error(failure(
                errc::usage, "--known-at is a moment that has not come yet", "Leave it out for what is known now."
            ));
        const auto began = reader->began();
        const entry_index n = reader->size_at(*options.known_at);
        if (!began || *options.known_at < began->at || n < began->size)
            return say_when_it_began(io, options, began, zone);
        configuration then = config;
        if (auto other = other_calendar_at(*reader, n, config.calendar)) then.calendar = std::move(*other);
        return use({then, *reader, zone, *options.known_at, n});
    });
}

} // namespace rollbook
