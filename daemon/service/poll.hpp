#pragma once

#include "daemon/base/error.hpp"
#include "daemon/ports/ledger.hpp"
#include "daemon/ports/ledger_proofs.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rollbook {

struct poll_request {
    std::string source;         // empty: every source
    std::string allow_vanished; // lift the mass-change limit once for this source
};

// What one cycle did, for people.
struct poll_report {
    std::vector<statement_row> statements;
    std::vector<failure> failures; // sources or streams that could not be read
    std::int64_t entries = 0;      // appended by the cycle
    std::int64_t alerts_opened = 0;
    std::int64_t alerts_ended = 0;
    std::int64_t messages_delivered = 0;
    std::int64_t messages_waiting = 0;
    double seconds = 0;
};

// Somebody saw what is not shown by itself.
struct access_record {
    std::string user;             // the operating system's name
    entry_index pupil = no_entry; // about whom; no_entry: nobody by themselves
    std::string view;             // what was seen
    std::string reason;           // as the user gave it
};

// What is to become of a checkpoint.
struct checkpoint_request {
    std::optional<keep_reason> keep; // sign what is not signed yet, and keep the newest for this
    // Where it is not to be kept: witnesses' lines for the one of that size, verified by whoever asks.
    std::uint64_t size = 0;
    std::vector<cosignature> lines;
};

} // namespace rollbook
