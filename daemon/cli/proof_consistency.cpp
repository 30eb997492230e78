#include "daemon/base/bytes.hpp"
#include "daemon/base/saved_checkpoint.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/proof_files.hpp"

#include <ostream>

namespace rollbook {
namespace {

// Reads --from or --to of a consistency proof: a size, or a file that holds a checkpoint of it.
class named_points {
public:
    named_points(const ledger_proofs& proofs, const verifier_key& pinned, std::uint64_t entries)
        : proofs_(proofs), keys_(proofs.chain(pinned).value()), entries_(entries)
    {
    }

    std::uint64_t old_size(const std::string& word) const
    {
        if (const auto size = parse_decimal(word)) return within(*size);
        return opened(read_proof_file(word)).point.size;
    }

    // The newer end needs its signature beside the proof.
    kept_checkpoint newer(const std::string& word) const
    {
        if (word.empty()) {
            const auto newest = proofs_.newest();
            if (!newest) throw failure_error(no_checkpoint_yet());
            return *newest;
        }
        if (const auto size = parse_decimal(word)) {
            const auto stored = proofs_.checkpoint(within(*size));
            if (stored) return *stored;
            throw failure_error(failure(
                errc::not_found,
                "no checkpoint of size " + word + " is stored",
                "Name a file that holds one, or leave it out for the newest."
            ));
        }
        std::string note = read_proof_file(word);
        const opened_checkpoint found = opened(note);
        return {found.point.size, {}, std::move(note)};
    }

private:
    std::uint64_t within(std::uint64_t size) const
    {
        if (size > 0 && size <= entries_) return size;
        throw failure_error(failure(
            errc::usage,
            "the ledger has no size " + std::to_string(size) + "; it holds " + std::to_string(entries_) + " entries",
            "Give a size from 1 up to it: the empty tree begins every tree and proves nothing."
        ));
    }

    opened_checkpoint opened(const std::string& note) const
    {
        opened_checkpoint found = keys_.open(note).value();
        (void)within(found.point.size);
        if (proofs_.root(found.point.size) == found.point.root) return found;
        throw failure_error(failure(
            errc::ledger_in_doubt,
            "the checkpoint of size " + std::to_string(found.point.size) + " has another root than the ledger",
            "Keep both as they are: the ledger was changed below that size, or this is another ledger."
        ));
    }

    const ledger_proofs& proofs_;
    key_chain keys_;
    std::uint64_t entries_;
};

} // namespace

int run_ledger_consistency(const command_io& io, const command_options& options)
{
    return with_ledger(io, options, [&](const workplace& at) {
        const auto proofs = io.context.open_proofs(at.config).value();
        const named_points points(*proofs, log_key_of(io, options, at.config), at.reader.size());
        witness_request proof;
        proof.old_size = points.old_size(options.old_point);
        const kept_checkpoint newer = points.newer(options.newer_point);
        proof.proof = proofs->consistency(proof.old_size, newer.size).value();
        proof.checkpoint_note = newer.note;
        io.out << format_witness_request(proof);
        return exit_done;
    });
}

} // namespace rollbook
