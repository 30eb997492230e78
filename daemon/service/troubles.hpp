#pragma once

#include "daemon/base/events.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/upkeep.hpp"
#include "daemon/service/housekeeping.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rollbook {

// What the machine says of itself. What cannot be learned is empty, and no trouble.
struct machine_facts {
    instant now{};
    std::optional<instant> newest_entry; // when the ledger's newest entry was recorded
    std::optional<bool> clock_kept;      // whether the system keeps its clock right by NTP
    std::optional<instant> clock_set;    // when systemd-timesyncd last did, or began to try
    // By how much the clock is wrong, as others say it: more than they say; negative: less.
    std::optional<std::chrono::milliseconds> clock_ahead;
    std::optional<std::uint64_t> disk_free; // bytes, of the ledger's disk
    std::optional<std::uint64_t> disk_size; // bytes
    std::optional<bool> disk_encrypted;
    std::optional<instant> certificate_ends; // of [web.tls]
    std::string pages_failed;                // why no pages are served; empty: they are, or none are wanted
    backup_standing backups;
    witness_standing witnesses;
    std::map<std::string, std::int64_t> undelivered; // messages, by route
};

// What only a running daemon knows of them.
struct running_facts {
    std::optional<instant> certificate_ends;              // of the one that is served
    std::optional<std::chrono::milliseconds> clock_ahead; // of the clocks of what answered
};

// One thing about Rollbook or its machine that a person should see to.
struct trouble {
    event what{};
    std::string text;
    // What tells it from others of its kind, such as an earlier one that passed: each is told for itself.
    std::string which;

    std::string_view to_do() const { return describe(what).to_do; }
};

// Everything that is wrong or soon will be, worst first. Pure.
//
// A disk is nearly full below 1 GiB or a twentieth of it, whichever is less; a certificate or secret is told 30 days
// ahead; a pack 14 months after it was last checked.
std::vector<trouble> troubles_of(const configuration& settings, const machine_facts& facts);

} // namespace rollbook
