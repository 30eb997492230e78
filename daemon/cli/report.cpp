#include "daemon/reports/report.hpp"

#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/cli/proof_files.hpp"
#include "daemon/views/roster.hpp"

#include <ostream>

namespace rollbook {
namespace {

void print_report(std::ostream& out, const report& of, std::string_view made_for)
{
    out << of.title << "\n" << made_for << "\n";
    for (const std::string& note : of.notes)
        out << note << '\n';
    bool is_first = true;
    for (const report_table& each : of.tables()) {
        if (!std::exchange(is_first, false)) out << '\n' << each.title << '\n';
        std::vector<std::string> headings;
        for (const report_column& column : each.columns)
            headings.push_back((column.is_number ? ">" : "") + column.heading);
        text_table table(out, {headings.begin(), headings.end()});
        for (const auto& row : each.rows)
            table.row(row);
        table.end();
        if (table.rows() == 0) out << "Nothing to list.\n";
    }
}

int list_reports(const command_io& io)
{
    text_table table(io.out, {"Report", "What it lists"});
    for (const report_kind& each : report_kinds())
        table.row({std::string(each.name), std::string(each.says)});
    table.end();
    return exit_done;
}

std::string format_of(const command_options& options)
{
    if (!options.format.empty()) return options.format;
    const std::string ending = options.out.extension().string();
    if (ending == ".csv" || ending == ".html" || ending == ".xlsx") return ending.substr(1);
    if (options.out.empty()) return {};
    throw failure_error(failure(
        errc::usage,
        "--out names no kind of file that reports are written to",
        "End it in .csv, .html or .xlsx, or add --format."
    ));
}

std::string period_text(const command_options& options)
{
    if (!options.from_day && !options.to_day) return "all days";
    return (options.from_day ? "from " + format_day(*options.from_day) + " " : "") +
           (options.to_day ? "up to " + format_day(*options.to_day) : "on");
}

} // namespace

int run_report(const command_io& io, const command_options& options)
{
    if (options.report.empty()) return list_reports(io);
    const report_kind* kind = find_report(options.report);
    if (!kind)
        throw failure_error(
            failure(errc::usage, "there is no report of that name", "`rollbook report` without a name lists them.")
        );
    const std::string format = format_of(options);
    return with_ledger(io, options, [&](const workplace& at) {
        const people everyone(at);
        const roster pupils(at, everyone);
        report_question question{at, everyone, pupils, options.from_day, options.to_day};
        if (kind->about_pupil) {
            if (options.pupil.empty())
                throw failure_error(failure(errc::usage, "the report is about one pupil", "Add --pupil REF."));
            question.pupil = everyone.find(options.pupil).value();
        }
        if (kind->for_whom == audience::subject) {
            if (options.reason.empty())
                throw failure_error(failure(
                    errc::usage,
                    "the report tells of a person by name",
                    "Say who asked, with --reason TEXT: it becomes an entry."
                ));
            access_record seen;
            seen.pupil = question.pupil;
            seen.view = "report " + std::string(kind->name);
            seen.reason = options.reason;
            io.context.record_access(at.config, seen).value();
        }
        const report made = kind->make(question);
        const std::string made_for = plain(at.config.school.name) + ", " + period_text(options) + ", as known on " +
                                     long_clock_text(at.now, at.zone) +
                                     (at.reader.is_simulated() ? ". SIMULATION" : "");
        std::string text;
        if (format == "csv") text = as_csv(made);
        if (format == "html") text = as_html(made, made_for);
        if (format == "xlsx") text = as_xlsx(made, made_for, at.now);
        if (!options.out.empty())
            write_proof_file(options.out, text);
        else if (options.json)
            print_json(io.out, [&](json_writer& out) { write_report(out, made); });
        else if (!format.empty())
            io.out << text;
        else
            print_report(io.out, made, made_for);
        return exit_done;
    });
}

} // namespace rollbook
