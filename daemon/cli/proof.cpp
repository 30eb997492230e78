#include "daemon/base/json.hpp"
#include "daemon/base/saved_checkpoint.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/cli/proof_files.hpp"
#include "daemon/views/verification.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <ostream>

namespace rollbook {
namespace {

// Every checkpoint in the files that were given, in whatever form they were kept. A file that has none of this ledger's
// speaks neither for it nor against it.
std::vector<std::string> given_checkpoints(const command_options& options, const std::optional<verifier_key>& log)
{
    std::vector<std::string> all;
    for (const std::filesystem::path& file : options.checkpoints) {
        auto found = checkpoints_in(read_given_file(file));
        if (!found) throw failure_error({errc::usage, file.string() + ": " + found.error().what, found.error().to_do});
        for (std::string& note : *found) {
            const auto named = parse_checkpoint(parse_note(note)->text);
            if (log && named && named->origin != log->name)
                throw failure_error(
                    {errc::usage,
                     fmt::format("{}: its checkpoint is of another ledger, {}", file.string(), named->origin),
                     fmt::format("Give one of {}, or the other ledger's --config.", log->name)}
                );
            all.push_back(std::move(note));
        }
    }
    return all;
}

// Without a pinned key verify goes on: the missing key is a problem of its own there.
std::optional<verifier_key> key_of(const command_io& io, const command_options& options, const configuration& config)
{
    try {
        return log_key_of(io, options, config);
    } catch (const failure_error& e) {
        if (e.why().code == errc::usage) throw;
        print_failure(io.err, e.why());
        return std::nullopt;
    }
}

void write_report(json_writer& out, const verify_report& report)
{
    out.begin_object();
    out.member("checkpoints", report.checkpoints);
    out.member("erased", report.erased);
    out.member("ok", report.ok());
    out.member("openings", report.openings);
    write_problems(out, report.problems);
    out.member("root", to_base64(report.root));
    out.member("size", report.size);
    if (report.taken_over > 0) out.member("taken_over", report.taken_over);
    out.member("unsigned", report.unsigned_entries);
    out.end_object();
}

constexpr std::string_view state_format = "rollbook-verify/1";

// Where an interrupted verification stopped, so that the next one goes on from there.
void write_state(const std::filesystem::path& file, const verify_progress& at, bool quick)
{
    std::string text;
    json_writer out(text);
    out.begin_object().member("ended_marks", at.ended_marks).member("ended_things", at.ended_things);
    out.member("format", state_format).member("index", at.index).member("marks", at.marks);
    write_problems(out, at.problems);
    out.member("quick", quick).member("root", to_base64(at.root)).member("things", at.things).end_object();
    write_proof_file(file, text + "\n");
}

// Nothing when there is no such file: then this verification is the first.
std::optional<verify_progress> read_state(const std::filesystem::path& file, bool quick)
{
    std::ifstream in(file, std::ios::binary);
    if (!in) return std::nullopt;
    const auto read =
        json_document::parse(std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()));
    const json_view state = read ? read->root() : json_view();
    const auto root = hash_from_base64(state["root"].string_if().value_or(""));
    const auto count = [&](std::string_view key) {
        return static_cast<std::uint64_t>(std::max<std::int64_t>(state[key].int_if().value_or(0), 0));
    };
    if (state["format"].string_if().value_or("") != state_format || !root)
        throw failure_error(failure(
            errc::usage,
            "the file " + file.string() + " is none that an interrupted verification left",
            "Give --state another name, or remove the file."
        ));
    if (state["quick"].bool_if().value_or(false) != quick) return std::nullopt;
    verify_progress at{
        count("index"), *root, count("marks"), count("things"), count("ended_marks"), count("ended_things"), {}};
    state["problems"].for_each_element([&](json_view each) {
        verify_problem problem;
        if (const auto index = each["index"].int_if()) problem.index = static_cast<entry_index>(*index);
        problem.what = each["what"].string_if().value_or("");
        at.problems.push_back(std::move(problem));
    });
    return at;
}

void print_report(std::ostream& out, const verify_report& report, bool quick)
{
    out << (report.ok() ? "The ledger verifies: " : "The ledger does NOT verify: ") << report.size << " entries, "
        << report.openings << " with their opening, " << report.erased << " erased, " << report.checkpoints
        << " checkpoints, " << report.unsigned_entries << " entries not yet signed.\n";
    out << "Root: " << to_base64(report.root) << '\n';
    if (report.taken_over > 0)
        out << "The content of the first " << report.taken_over
            << " entries was checked by the verification that was interrupted; the tree was made again from all.\n";
    if (quick) out << "The projections were not compared with a rebuild (--quick).\n";
    for (const verify_problem& each : report.problems) {
        if (each.index) out << "Entry " << *each.index << ": ";
        out << plain(each.what) << '\n';
    }
    if (!report.ok()) out << "Keep this file as it is, and restore the newest backup that verifies beside it.\n";
}

} // namespace

verifier_key log_key_of(const command_io& io, const command_options& options, const configuration& config)
{
    if (options.key.empty()) return parse_vkey(io.context.pinned_vkey(config).value()).value();
    const result<verifier_key> given = parse_vkey(options.key);
    if (given) return *given;
    throw failure_error({
        errc::usage,
        "--key is no public key of a ledger",
        "Give the line that `rollbook init` printed: NAME+ID+KEY.",
    });
}

int run_ledger_verify(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        verify_options wanted;
        wanted.key = key_of(io, options, at.config);
        wanted.earlier_checkpoints = given_checkpoints(options, wanted.key);
        wanted.quick = options.quick;
        wanted.witnesses = witness_keys(at.config);
        if (!options.state_file.empty()) {
            wanted.go_on = read_state(options.state_file, options.quick);
            wanted.keep = [&](const verify_progress& now) { write_state(options.state_file, now, options.quick); };
        }
        verify_report report;
        {
            progress_line progress(io.err, io.shows_progress);
            wanted.progress = [&](std::uint64_t done, std::uint64_t all) {
                progress.show(
                    grouped(static_cast<std::int64_t>(done)) + " of " + grouped(static_cast<std::int64_t>(all)) +
                    " entries checked"
                );
            };
            report = at.reader.verify(wanted);
        }
        std::error_code ignored;
        if (!options.state_file.empty()) std::filesystem::remove(options.state_file, ignored);
        if (options.json)
            print_json(io.out, [&](json_writer& out) { write_report(out, report); });
        else
            print_report(io.out, report, options.quick);
        return report.ok() ? exit_done : exit_wrong;
    });
}

int run_ledger_prove(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        io.out << at.reader.prove(options.index).value();
        return exit_done;
    });
}

int run_ledger_checkpoint(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        if (options.cosigned) {
            const auto cosigned = io.context.open_proofs(at.config).value()->newest_cosigned();
            if (cosigned) io.out << cosigned->note;
            if (cosigned) return exit_done;
            throw failure_error(failure(
                errc::not_found,
                "no witness has signed a checkpoint yet",
                "Send one what `rollbook witness request` makes."
            ));
        }
        const std::optional<stored_checkpoint> newest = at.reader.newest_checkpoint();
        if (!newest) throw failure_error(no_checkpoint_yet());
        io.out << newest->note;
        return exit_done;
    });
}

int run_ledger_rotate_key(const command_io& io, const command_options& options)
{
    return with_configuration(io, options, [&](const configuration& config) {
        const auto overlap = options.overlap.value_or(std::chrono::days(30));
        const std::string vkey = io.context.rotate_key(config, overlap).value();
        io.out << "The ledger has a new signing key. For " << age_text(overlap)
               << " checkpoints carry both signatures, then only the new one.\n"
               << "Give the new public key to the auditor and to each witness (`rollbook-witness add`); the old one "
                  "still leads to it:\n"
               << vkey << '\n';
        return exit_done;
    });
}

int run_ledger_rebuild(const command_io& io, const command_options& options)
{
    return with_configuration(io, options, [&](const configuration& config) {
        const rebuild_report report = io.context.rebuild(config).value();
        io.out << "Made again from " << report.entries << " entries: " << report.rows << " rows. ";
        if (report.differed == 0) {
            io.out << "None differed.\n";
            return exit_done;
        }
        io.out << report.differed << " differed and were put right.\n";
        return exit_wrong;
    });
}

} // namespace rollbook
