#pragma once

#include "daemon/base/sealed_file.hpp"
#include "daemon/ports/upkeep.hpp"

namespace rollbook {

// Entries that people made, copied to the backup target one by one, sealed to the recipients: what a source said can be
// read again, a decision cannot. `decisions.sealed`, one line of JSON an entry; schemas/backup.md. It holds those that
// came after the oldest backup in the target, whichever of them will be restored.

std::filesystem::path decisions_file(const std::filesystem::path& target);

// Adds what is new since the last call, durably. Reads the end of the file alone. Fails with ledger_in_doubt when the
// target cannot be written.
result<void> copy_decisions(
    const std::filesystem::path& ledger,
    const std::filesystem::path& target,
    const std::string& origin,
    const std::vector<hash>& recipients
);

// Drops what was erased, and what every backup in the target holds. Atomic and durable; fails as copying does.
result<void>
tidy_decisions(const std::filesystem::path& ledger, const std::filesystem::path& target, const std::string& origin);

// How many decisions are neither in a backup in the target nor among these copies.
result<std::uint64_t> decisions_not_copied(
    const std::filesystem::path& ledger, const std::filesystem::path& target, const std::string& origin
);

// The decisions recorded under that origin from entry `size` on, opened: one line for each, for people to enter again.
// Fails with ledger_in_doubt when the copies are there and cannot be read.
result<std::vector<std::string>> decisions_after(
    const std::filesystem::path& target, const std::string& origin, entry_index size, const recipient_keys& keys
);

} // namespace rollbook
