#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"

#include <fstream>
#include <iterator>
#include <ostream>

namespace rollbook {
namespace {

int print_report(const command_io& io, const command_options& options, const upkeep_report& report)
{
    if (options.json) {
        io.out << report.json << '\n';
    } else {
        for (const std::string& line : report.lines)
            io.out << plain(line) << '\n';
    }
    return report.ok ? exit_done : exit_wrong;
}

std::string checkpoint_in(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    if (!in)
        throw failure_error(
            {errc::usage, "the checkpoint file " + file.string() + " cannot be read", "Give a signed checkpoint."}
        );
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

} // namespace

int run_backup(const command_io& io, const command_options& options)
{
    return with_configuration(io, options, [&](const configuration& config) {
        upkeep_request request;
        request.command = upkeep_request::kind::backup;
        if (!options.file.empty()) request.file = std::filesystem::absolute(options.file);
        upkeep_report report;
        {
            progress_line progress(io.err, io.shows_progress);
            report = io.context.upkeep(config, request, [&](const std::string& text) { progress.show(text); }).value();
        }
        return print_report(io, options, report);
    });
}

int run_backup_verify(const command_io& io, const command_options& options)
{
    return with_configuration(io, options, [&](const configuration& config) {
        return print_report(io, options, io.context.verify_backup(config, options.file, options.key_file).value());
    });
}

int run_backup_keygen(const command_io& io, const command_options& options)
{
    const std::string recipient = io.context.make_recipient(options.file).value();
    io.out << "Made " << plain(options.file.string())
           << ". Keep it away from this machine: it opens every backup made for it.\n"
           << "Put this public key into [backup] recipients:\n"
           << recipient << '\n';
    return exit_done;
}

int run_restore(const command_io& io, const command_options& options)
{
    return with_configuration(io, options, [&](const configuration& config) {
        restore_request asked;
        asked.file = options.file;
        asked.key_file = options.key_file;
        for (const std::filesystem::path& file : options.checkpoints)
            asked.checkpoints.push_back(checkpoint_in(file));
        return print_report(io, options, io.context.restore(config, asked).value());
    });
}

} // namespace rollbook
