#include "daemon/base/json.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/views/people.hpp"

#include <iostream>
#include <ostream>

namespace rollbook {
namespace {

constexpr std::size_t reference_bytes_max = 200;

// `--pupil -`: a reference on standard input stays out of the shell's history and the process list.
std::string reference_in(const command_options& options)
{
    if (options.pupil != "-") return options.pupil;
    std::string line;
    std::getline(std::cin, line);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' '))
        line.pop_back();
    return line.size() > reference_bytes_max ? std::string() : line;
}

entry_index person_in(const command_io& io, const command_options& options)
{
    entry_index person = no_entry;
    with_ledger(io, options, [&](const workplace& at) {
        person = people(at).find(reference_in(options)).value();
        return exit_done;
    });
    return person;
}

int run_upkeep(const command_io& io, const command_options& options, upkeep_request request)
{
    return with_configuration(io, options, [&](const configuration& config) {
        request.basis = options.basis;
        request.reason = options.reason;
        request.by = options.by;
        request.dry_run = options.dry_run;
        request.override_minimum = options.override_minimum;
        upkeep_report report;
        {
            progress_line progress(io.err, io.shows_progress);
            report = io.context.upkeep(config, request, [&](const std::string& text) { progress.show(text); }).value();
        }
        if (options.json) {
            io.out << report.json << '\n';
        } else {
            for (const std::string& line : report.lines)
                io.out << plain(line) << '\n';
        }
        return report.ok ? exit_done : exit_wrong;
    });
}

int run_about_pupil(const command_io& io, const command_options& options, upkeep_request::kind command)
{
    if (options.pupil.empty())
        throw failure_error({errc::usage, "--pupil is missing", "Give P-N, a UPN, or SOURCE:ID."});
    upkeep_request request;
    request.command = command;
    request.pupil = person_in(io, options);
    // The configuration's problems were printed.
    if (request.pupil == no_entry) return exit_configuration;
    return run_upkeep(io, options, std::move(request));
}

struct hold_line {
    entry_index pupil = no_entry;
    std::string at;
    std::string by;
    std::string reason;
};

std::vector<hold_line> holds_at(const workplace& at)
{
    std::vector<hold_line> holds;
    at.reader.things(what::settings, at.n, [&](const thing_view& each) {
        if (!each.key.starts_with("hold/") || each.pupil == no_entry) return true;
        const auto document = json_document::parse(std::string(each.payload));
        if (!document) return true;
        const json_view value = document->root()["value"];
        if (value["state"].string_if() != "standing") return true;
        const auto text = [&](std::string_view key) { return std::string(value[key].string_if().value_or("")); };
        holds.push_back({each.pupil, text("at"), text("by"), text("reason")});
        return true;
    });
    return holds;
}

} // namespace

int run_erase(const command_io& io, const command_options& options)
{
    return run_about_pupil(io, options, upkeep_request::kind::erase);
}

int run_retention(const command_io& io, const command_options& options)
{
    upkeep_request request;
    request.command = upkeep_request::kind::retention;
    command_options with_basis = options;
    with_basis.basis = "retention period has ended";
    return run_upkeep(io, with_basis, std::move(request));
}

int run_hold(const command_io& io, const command_options& options)
{
    return run_about_pupil(io, options, upkeep_request::kind::hold);
}

int run_hold_end(const command_io& io, const command_options& options)
{
    return run_about_pupil(io, options, upkeep_request::kind::end_hold);
}

int run_hold_list(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const std::vector<hold_line> holds = holds_at(at);
        if (options.json) {
            json_list list(io.out);
            for (const hold_line& each : holds)
                list.item([&](json_writer& out) {
                    out.begin_object().member("at", each.at).member("by", each.by);
                    out.member("pupil", reference_of(each.pupil)).member("reason", each.reason).end_object();
                });
            list.end();
            return exit_done;
        }
        text_table table(io.out, {"Pupil", "Since", "By", "Reason"});
        for (const hold_line& each : holds)
            table.row({reference_of(each.pupil), clock_text(parse_instant(each.at), at.zone), each.by, each.reason});
        table.end();
        if (holds.empty()) io.out << "No holds.\n";
        return exit_done;
    });
}

} // namespace rollbook
