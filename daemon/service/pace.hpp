#pragma once

#include "daemon/base/error.hpp"
#include "daemon/ports/configuration.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace rollbook {

// How often and how long one page is tried again.
struct retry_pace {
    int tries_max = 4;
    std::chrono::milliseconds first{500};
    std::chrono::milliseconds longest{30'000}; // a source that asks for more is left until the next poll
};

// How long to wait before trying again after the `failed`th failure (from 1) of one page, or empty to give up: what
// trying again cannot mend, too many tries, or a wait that is too long. Doubles each time, with jitter of a fifth
// either way from `dice` (any number); a wait that the source asked for is kept as asked.
std::optional<std::chrono::milliseconds>
next_wait(const retry_pace& pace, const failure& why, int failed, std::uint64_t dice);

// How long after the `attempt`th failed delivery a message is tried again, after a refusal an hour at least; empty to
// give it up: it is older than three days.
std::optional<std::chrono::milliseconds>
next_delivery(const failure& why, int attempt, std::chrono::milliseconds age, std::uint64_t dice);

// Whether what was done at `last` and is done every so often is to be done again: then, or when the clock went back.
bool is_due_again(instant last, instant now, std::chrono::milliseconds every);
// Whether a read that goes on is to have a checkpoint: 30 s after the last one.
bool checkpoint_is_due(instant last, instant now);

// From which day on a poll reads a stream of days: the widest tier that is due, given when each start day was last read
// to its end. Empty optional inside: everything. `everything`: a person asked for a complete read.
//
// In school hours the wider tiers that are due once a day or less often wait for the evening, a day at most: they take
// long, and today's marks often come last.
std::optional<civil_day> read_from(
    const source_configuration& source,
    const school_calendar& calendar,
    civil_day today,
    bool in_school_hours,
    const std::vector<std::pair<std::optional<civil_day>, std::chrono::milliseconds>>& window_ages,
    bool everything
);

} // namespace rollbook
