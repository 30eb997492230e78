#pragma once

#include "daemon/base/sealed_file.hpp"
#include "daemon/base/signed_note.hpp"
#include "daemon/ports/upkeep.hpp"

namespace rollbook {

// A sealed copy of a ledger: schemas/backup.md. It holds neither the signing key nor any other secret of the
// configuration: whoever opens a copy can read it, and cannot sign.

// What to do where a key does not open a backup.
inline constexpr const char* not_for_this_key =
    "Give --key the private key of somebody who was in [backup] recipients when it was made.";

struct backup_place {
    std::filesystem::path ledger;
    std::filesystem::path file;
    std::vector<hash> recipients;
    instant now{};
};

struct backup_facts {
    std::string origin;
    std::uint64_t size = 0; // entries
    hash root{};            // of the tree of that size
    instant made_at{};
    std::uint64_t bytes = 0; // of the file
};

// Copies the ledger beside its writer, in short read transactions, seals it, reads it back and only then gives it its
// name; an older file of that name stays until that moment. Nothing may be erased meanwhile: the caller sees to it.
// Fails with ledger_in_doubt and leaves nothing behind.
result<backup_facts> write_backup(const backup_place& place, const signing_key& key, const upkeep_progress& progress);

// What a backup says of itself, after the signature over all of its bytes verified. With `keys` the body is opened and
// read to its end as well. Fails with ledger_in_doubt (changed, cut, another key's) or not_found.
result<backup_facts>
check_backup(const std::filesystem::path& file, const verifier_key& signer, const recipient_keys* keys);

// The origin in the header, before anything is verified.
result<std::string> origin_of_backup(const std::filesystem::path& file);

// The names that a ledger has had: its origin, and the origins that it went on from in a fork. Fails with
// ledger_in_doubt.
result<std::vector<std::string>> origins_of(const std::filesystem::path& ledger, const std::string& origin);

// An origin in the name of a file.
std::string file_name_of(std::string_view origin);
// A backup's name in the target folder, and the instant in such a name.
std::string backup_name(const std::string& origin, instant at);
std::optional<instant> instant_of_backup(const std::filesystem::path& file);

// Removes backups of these origins, which are one ledger's, that are older than `keep`, and returns how many went.
// Where the newest but one is older itself none goes: there was a long pause, or the clock is ahead. One that a clock
// ahead dated is as old as the first one made since that holds as much.
std::size_t rotate_backups(
    const std::filesystem::path& folder,
    const std::vector<std::string>& origins,
    instant now,
    std::chrono::milliseconds keep
);

// Removes what interrupted backups of these origins left in the folder, each as large as a backup. None may be under
// way.
void remove_unfinished(const std::filesystem::path& folder, const std::vector<std::string>& origins);

struct kept_backup {
    std::filesystem::path file;
    backup_facts facts; // as its end says; the signature is not checked
};

// The oldest and the newest backup of that origin that are in the folder under such names, and are there to their ends.
// One that was made after `now` was dated by a clock that was ahead, and is not the newest.
std::optional<kept_backup> oldest_backup(const std::filesystem::path& folder, const std::string& origin);
std::optional<kept_backup> newest_backup(const std::filesystem::path& folder, const std::string& origin, instant now);

} // namespace rollbook
