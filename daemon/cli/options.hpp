#pragma once

#include "daemon/base/time.hpp"
#include "daemon/domain/register.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace rollbook {

inline constexpr std::uint64_t list_limit_usual = 1000;

// What was asked for on the command line. Each command reads the fields that its own options fill.
struct command_options {
    std::filesystem::path config = "/etc/rollbook/rollbook.toml";
    bool json = false;

    // Lists: at most `limit` rows (0: all), those after the index or id `after`.
    std::uint64_t limit = list_limit_usual;
    std::optional<std::uint64_t> after;
    std::optional<instant> known_at;
    std::string state = "open"; // open | all
    std::string kind;           // empty: every kind

    std::string by_period; // day | term; empty: read by read
    std::optional<civil_day> from_day;
    std::optional<civil_day> to_day; // inclusive
    std::optional<instant> from;
    std::optional<instant> to; // inclusive

    std::string pupil;   // a REF; empty: none
    entry_index index{}; // an entry or alert
    bool unmask = false;
    std::string reason;

    std::filesystem::path file; // a backup, or a key to be made
    std::filesystem::path key_file;
    std::string basis;
    bool dry_run = false;
    bool override_minimum = false;

    std::string receipt;                 // that a narrative was opened
    std::vector<std::string> recipients; // public keys

    std::string report; // a report's name; empty: list them
    std::string format; // csv | html | xlsx; empty: a table, or as the file's name says

    bool simulated = false;
    bool wizard = false;
    bool online = false;
    std::string source;
    std::string allow_vanished;
    bool quick = false;
    std::filesystem::path state_file; // where a verification keeps how far it came; empty: nowhere
    std::string key;
    std::vector<std::filesystem::path> checkpoints;

    std::filesystem::path folder; // of an export; the file of an answer
    std::filesystem::path out;    // empty: standard output
    std::string witness;          // a witness's name; empty: the only one
    std::optional<std::uint64_t> old_size;
    std::optional<std::chrono::milliseconds> overlap; // empty: 30 days
    bool openings = false;
    bool cosigned = false;
    bool concerns = false;
    bool pseudonymous = false;
    std::string user;                                 // an account's name
    std::string role;                                 // of an account
    std::string successor;                            // of an account that goes
    std::vector<std::string> scope;                   // year=NAME or form=NAME
    std::optional<std::string> person, body, purpose; // of an auditor's engagement
    std::string by;                                   // who decided, as claimed
    std::string text;                                 // in a person's own words; "-": on standard input
    std::string outcome;                              // of a close or an action: one word
    std::string action;                               // the kind of action
    std::string owner;
    std::string adult;  // a parent, by the school's reference
    std::string rule;   // a rule's id; empty: all
    std::string letter; // a template's name
    std::string record; // of another system: P-N or SOURCE:ID
    std::optional<civil_day> on;
    std::optional<civil_day> due;
    std::optional<civil_day> review;
    std::optional<civil_day> until;
    std::string old_point;        // a size, or a file with a checkpoint
    std::string newer_point;      // empty: the newest
    std::vector<std::string> set; // STAGE=N: thresholds to try
    bool each = false;            // every pupil and day
};

} // namespace rollbook
