#include "daemon/base/saved_checkpoint.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/cli/proof_files.hpp"

#include <algorithm>
#include <ostream>

namespace rollbook {
namespace {

std::vector<verifier_key> witness_keys(const configuration& config)
{
    std::vector<verifier_key> keys;
    if (config.witness)
        for (const std::string& text : config.witness->vkeys)
            keys.push_back(parse_vkey(text).value());
    return keys;
}

// The witness the request is for: the one named, or the only one. Empty when the configuration names none: the request
// is then for a witness that has seen nothing yet.
std::optional<verifier_key> witness_for(const command_options& options, const std::vector<verifier_key>& keys)
{
    if (options.witness.empty() && keys.empty()) return std::nullopt;
    if (options.witness.empty() && keys.size() == 1) return keys.front();
    const auto named = std::ranges::find(keys, options.witness, &verifier_key::name);
    if (named != keys.end()) return *named;
    throw failure_error(failure(
        errc::usage,
        options.witness.empty() ? "the configuration names more than one witness"
                                : "--witness names no witness of the configuration",
        "Give --witness NAME, with a name out of [witness] vkeys."
    ));
}

// A witness's answer that is no signature: with status 409 it is the size the witness holds.
[[noreturn]] void refuse_answer(const std::string& text)
{
    const std::string_view line = std::string_view(text).substr(0, text.find_first_of("\r\n"));
    if (const auto held = parse_decimal(line))
        throw failure_error(failure(
            errc::not_found,
            "the witness did not sign: it holds size " + std::to_string(*held),
            "Send it a request from there: `rollbook witness request --old " + std::to_string(*held) + "`."
        ));
    throw failure_error(failure(
        errc::usage,
        "the file holds no signature line",
        "Give what `rollbook-witness answer` printed, or the mail it came in."
    ));
}

cosignature cosignature_of(const std::string& line)
{
    const note_signature read = parse_note("-\n\n" + line).value().signatures.front();
    return {line, read.name, read.key_id, std::nullopt};
}

// Which of the lines are witnesses' signatures of that checkpoint. With at least one of them, the same witnesses'
// lines of other algorithms are carried along.
std::vector<cosignature>
matching(const std::vector<cosignature>& lines, const std::vector<verifier_key>& keys, const std::string& text)
{
    std::vector<cosignature> verified, carried;
    for (cosignature each : lines) {
        const auto is_its = [&](const verifier_key& key) { return key.name == each.name && key.id == each.key_id; };
        const auto key = std::ranges::find_if(keys, is_its);
        if (key == keys.end()) {
            if (std::ranges::count(keys, each.name, &verifier_key::name) > 0) carried.push_back(std::move(each));
            continue;
        }
        const auto note = parse_note(text + "\n" + each.line);
        const auto signers = note ? verify_note(*note, std::span(&*key, 1)) : note.error();
        if (!signers) continue;
        each.posix_seconds = signers->front().posix_seconds;
        verified.push_back(std::move(each));
    }
    if (!verified.empty()) std::ranges::move(carried, std::back_inserter(verified));
    return verified;
}

} // namespace

int run_witness_request(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const auto witness = witness_for(options, witness_keys(at.config));
        checkpoint_request keep;
        keep.keep = keep_reason::requested;
        io.context.change_checkpoint(at.config, keep).value();

        const auto proofs = io.context.open_proofs(at.config).value();
        const auto kept = proofs->last_kept(keep_reason::requested);
        const auto point = kept ? proofs->checkpoint(kept->size) : std::nullopt;
        if (!point) throw failure_error(no_checkpoint_yet());
        witness_request request;
        request.checkpoint_note = point->note;
        const auto last = witness ? proofs->last_of(*witness) : std::nullopt;
        request.old_size = options.old_size.value_or(last ? last->size : 0);
        if (request.old_size > 0) request.proof = proofs->consistency(request.old_size, point->size).value();
        const std::string body = format_witness_request(request);
        if (options.out.empty())
            io.out << body;
        else
            write_proof_file(options.out, body);
        return exit_done;
    });
}

int run_witness_accept(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const std::vector<verifier_key> keys = witness_keys(at.config);
        if (keys.empty())
            throw failure_error(failure(
                errc::usage,
                "the configuration names no witness",
                "Put the key that `rollbook-witness init` printed into [witness] vkeys."
            ));
        const std::string given = read_given_file(options.folder);
        std::vector<cosignature> lines;
        for (const std::string& line : signature_lines_in(given))
            lines.push_back(cosignature_of(line));
        if (lines.empty()) refuse_answer(given);

        // The answer does not say which checkpoint it signs: it is the one whose text it verifies.
        checkpoint_request found;
        io.context.open_proofs(at.config).value()->each_checkpoint([&](const kept_checkpoint& point) {
            found.size = point.size;
            found.lines = matching(lines, keys, parse_note(point.note).value().text);
            return found.lines.empty();
        });
        if (found.lines.empty())
            throw failure_error(failure(
                errc::not_found,
                "no witness of the configuration signed any checkpoint of this ledger in that file",
                "Compare [witness] vkeys with the witness's key, and make a new request."
            ));
        io.context.change_checkpoint(at.config, found).value();
        for (const cosignature& each : found.lines)
            if (each.posix_seconds)
                io.out << plain(each.name) << " signed the checkpoint of size " << found.size << " on "
                       << long_clock_text(instant(std::chrono::seconds(*each.posix_seconds)), at.zone) << ".\n";
        return exit_done;
    });
}

} // namespace rollbook
