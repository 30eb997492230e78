#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/views/opening_filter.hpp"
#include "daemon/views/people.hpp"

#include <ostream>

namespace rollbook {
namespace {

opening_filter filter_of(const command_options& options, const workplace& at)
{
    opening_choice choice;
    choice.concerns = options.concerns;
    choice.pseudonymous = options.pseudonymous;
    choice.kind = options.kind;
    if (!options.pupil.empty()) {
        const people everyone(at);
        const std::vector<entry_index> records = everyone.records_of(everyone.find(options.pupil).value());
        choice.records.emplace(records.begin(), records.end());
    }
    return opening_filter(at.config, std::move(choice));
}

void check_words(const command_options& options)
{
    const auto refuse = [](std::string what, std::string to_do) {
        throw failure_error(failure(errc::usage, std::move(what), std::move(to_do)));
    };
    if (!options.openings &&
        (!options.kind.empty() || !options.pupil.empty() || options.concerns || options.pseudonymous))
        refuse("--what, --pupil, --pseudonymous and --concerns choose openings", "Add --openings, or leave them out.");
    if (!options.kind.empty() && !parse_what(options.kind))
        refuse("--what names no kind of record", "Give session-mark, incident, pupil, alert or another like them.");
    const bool needs_lead = options.kind == name_of(what::concern) || options.kind == name_of(what::action);
    if (needs_lead && !options.concerns)
        refuse(
            "the content of concerns is exported only when a safeguarding lead has said so",
            "Ask whether a proof needs it: none does. If it must be, add --concerns --by NAME --reason TEXT."
        );
    if (options.concerns && (options.by.empty() || options.reason.empty()))
        refuse("--concerns needs --by NAME and --reason TEXT", "Name the safeguarding lead who said so, and why.");
}

access_record record_of(const command_options& options)
{
    access_record seen;
    seen.view = options.concerns ? "export-concerns" : options.openings ? "export-openings" : "export";
    if (!options.by.empty()) seen.reason = "by " + options.by;
    if (!options.reason.empty()) seen.reason += (seen.reason.empty() ? "" : ": ") + options.reason;
    return seen;
}

void print_export(std::ostream& out, const command_options& options, const export_report& report)
{
    out << "Exported " << grouped(static_cast<std::int64_t>(report.size)) << " entries to "
        << plain(options.folder.string()) << ": " << report.files_written << " files written, " << report.files_kept
        << " of the earlier export kept.\nRoot: " << to_base64(report.root) << '\n';
    if (options.openings)
        out << "openings.ndjson: " << report.openings << " openings, " << report.left_out << " left out, "
            << report.erased << " erased.\n";
}

} // namespace

int run_ledger_export(const command_io& io, const command_options& options)
{
    check_words(options);
    return with_ledger(io, options, [&](const workplace& at) {
        opening_filter filter = filter_of(options, at);
        export_request wanted;
        wanted.folder = options.folder;
        wanted.log = log_key_of(io, options, at.config);
        wanted.openings = options.openings;
        wanted.wants = [&](entry_index index, std::string_view payload) { return filter.wants(index, payload); };
        // Who took what is an entry before anything is taken, and the checkpoint that covers it is kept for good.
        io.context.record_access(at.config, record_of(options)).value();
        checkpoint_request keep;
        keep.keep = keep_reason::exported;
        io.context.change_checkpoint(at.config, keep).value();
        export_report report;
        {
            progress_line progress(io.err, io.shows_progress);
            wanted.progress = [&](std::uint64_t done, std::uint64_t all) {
                progress.show(
                    grouped(static_cast<std::int64_t>(done)) + " of " + grouped(static_cast<std::int64_t>(all)) +
                    " entries exported"
                );
            };
            report = io.context.export_ledger(at.config, wanted).value();
        }
        print_export(io.out, options, report);
        if (filter.withheld() > 0)
            io.err << filter.withheld()
                   << " openings from safeguarding were left out; proofs do not need them. With a lead's approval: "
                      "--concerns --by NAME --reason TEXT.\n";
        return exit_done;
    });
}

} // namespace rollbook
