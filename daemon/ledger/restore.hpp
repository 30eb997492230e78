#pragma once

#include "daemon/ledger/backup.hpp"

namespace rollbook {

struct restore_place {
    std::filesystem::path ledger; // as configured
    std::filesystem::path backup;
    std::filesystem::path target; // the backup target: what lies there counts as well as what lies beside the backup
    std::vector<std::string> later_checkpoints; // notes kept elsewhere
    instant now{};
};

// Puts a backup in the place of the ledger: schemas/backup.md says in which order.
//
// The copy is opened with `keys` into a file of its own, loses what the erasure journal names, has its projections made
// and is verified as a whole before the ledger there is moved aside. Where the ledger there, the journal, the newest
// checkpoint beside the backups or one handed in tells of more entries than the copy has, those were signed and are not
// in it: the ledger must go on under a new origin, which is that of `key`, with a fork entry that names the old origin,
// size and root. Fails with forbidden when it must and `key` still has the old origin, or when any of them tells that
// the new origin has signed already, and changes nothing then.
//
// Fails with ledger_in_doubt where one of these files is there and cannot be read.
//
// `signer` is the key that the backup was signed with. The caller holds the writer's lock.
result<upkeep_report>
restore(const restore_place& place, const recipient_keys& keys, const verifier_key& signer, const signing_key& key);

// Keeps the newest signed checkpoint and the journal in the backup target up to date. Durable, and cheap when nothing
// is new. Fails with forbidden, and leaves the target as it is, where the checkpoint there is of another ledger: two in
// one folder would write over what the other one is restored by.
result<void>
note_in_target(const std::filesystem::path& ledger, const std::filesystem::path& target, const std::string& origin);

} // namespace rollbook
