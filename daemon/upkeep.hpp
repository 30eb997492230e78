#pragma once

#include "daemon/base/signed_note.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/ledger.hpp"
#include "daemon/ports/upkeep.hpp"

// Work on the ledger as a whole, put together from its parts. Beside main.cpp, with the same rights.
namespace rollbook {

// Erasure, holds and backup, with the ledger open for writing and nothing else under way.
result<upkeep_report> do_upkeep(
    const configuration& settings,
    ledger& book,
    const signing_key& key,
    const upkeep_request& request,
    instant now,
    const upkeep_progress& tell
);

// What [backup] asks for by itself: a backup when one is due, and within a minute copies of decisions, of the newest
// checkpoint and of erasures in the target. Says after how long to be called again; empty without [backup]. Logs what
// fails.
std::optional<std::chrono::milliseconds>
tend_backups(const configuration& settings, const signing_key& key, instant now);

// Copies of decisions and what else [backup] wants in the target within a minute, for a command that was a decision and
// ran without a daemon. Logs what fails: the next one that runs makes up for it.
void copy_soon(const configuration& settings);

// How the backups stand: what is in the target, and what the file beside the ledger says of tries.
backup_standing standing_of_backups(const configuration& settings, instant now);

// What is wrong with [backup] recipients; they are not secret.
std::vector<failure> check_recipients(const configuration& settings);

// A recipient's key pair into a new file, for its owner alone. Returns the public key for [backup] recipients.
result<std::string> make_recipient_file(const std::filesystem::path& file);

// `backup verify FILE`: the signature over all of its bytes, and with a recipient's key its content.
result<upkeep_report> verify_backup(
    const configuration& settings,
    const verifier_key& signer,
    const std::filesystem::path& file,
    const std::filesystem::path& key_file
);

// `restore FILE`. The caller holds the writer's lock.
result<upkeep_report> restore_backup(
    const configuration& settings,
    const verifier_key& signer,
    const signing_key& key,
    const std::filesystem::path& file,
    const std::filesystem::path& key_file,
    const std::vector<std::string>& later_checkpoints,
    instant now
);

} // namespace rollbook
