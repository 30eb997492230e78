#pragma once

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"
#include "daemon/domain/register.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Work on the ledger as a whole, by its one writer: erasure, legal holds, backup.
namespace rollbook {

using entry_range = std::pair<entry_index, entry_index>; // first and last, both inclusive

struct upkeep_request {
    enum class kind { erase, retention, hold, end_hold, backup, reseal } command = kind::erase;
    entry_index pupil = no_entry; // the person's first entry
    std::string basis;            // of an erasure: the legal basis, without any pupil's data
    std::string reason;           // of a hold, or of its end
    std::string by;               // who asked, as claimed
    std::string user;             // who asked, as the operating system says
    bool dry_run = false;
    bool override_minimum = false;
    std::filesystem::path file; // of a backup, empty: a new one in the target; of narratives that were sealed anew
};

struct restore_request {
    std::filesystem::path file;
    std::filesystem::path key_file;       // a recipient's
    std::vector<std::string> checkpoints; // notes that were kept elsewhere
};

// What was done, or in a dry run would be, for people and for programs.
struct upkeep_report {
    bool ok = true;                 // false: done, and something is wrong
    std::vector<std::string> lines; // for people
    std::string json;               // one canonical object
};

// How the backups stand.
struct backup_standing {
    bool configured = false;
    std::optional<instant> made_at; // of the newest in the target
    std::string file;
    std::uint64_t size = 0;               // entries in it
    std::uint64_t decisions = 0;          // that people made and no file in the target holds
    std::optional<instant> tried_at;      // of the newest try
    std::optional<instant> first_at;      // of the first backup ever
    std::optional<instant> drilled_at;    // when one was last restored on trial and verified
    std::optional<instant> drill_began;   // of the newest trial, as long as it has not ended
    std::optional<failure> backup_failed; // of the newest try, and so the next two
    std::optional<failure> copies_failed; // of decisions and of what else lies beside the backups
    std::optional<failure> drill_failed;
    bool drill_overdue = false; // none was restored on trial for 45 days
    bool overdue = false;       // none for twice as long as one should come
};

// Called now and then with a word on what is being done.
using upkeep_progress = std::function<void(const std::string&)>;

} // namespace rollbook
