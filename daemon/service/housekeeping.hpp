#pragma once

#include "daemon/ports/configuration.hpp"
#include "daemon/ports/ledger.hpp"
#include "daemon/ports/upkeep.hpp"
#include "daemon/service/poll.hpp"

namespace rollbook {

// Fails with not_found when no such checkpoint is stored.
result<void> change_checkpoint(ledger& book, const checkpoint_request& asked, instant now);

// The route that the newest checkpoint is mailed by; no name that a configuration can give.
inline constexpr std::string_view checkpoint_route = "[witness]";

// How long ago a witness signed.
struct witness_standing {
    std::optional<instant> signed_at; // by whichever witness signed last; empty: none ever did
    std::uint64_t size = 0;
    bool overdue = false; // for longer than [witness] max_age, counted from the ledger's beginning if none ever did
};
witness_standing standing_of(const configuration& settings, const ledger_proofs& proofs, instant now);
// What the operator is told of one that is overdue.
std::string witness_overdue_text(const configuration& settings, const witness_standing& standing);

// What a day's housekeeping has to do at `now`. It is done in the evening, when the day's entries are in.
struct evening_work {
    bool heartbeat = false; // nothing was recorded today: an entry says that we were there
    bool mail = false;      // today's checkpoint was not mailed yet
};
inline constexpr std::chrono::hours evening_begins{20}; // at the school
evening_work due_this_evening(
    const time_zone& zone,
    instant now,
    const std::optional<instant>& last_recorded,
    bool mails,
    const std::optional<instant>& last_mailed
);
// The first evening after `now`.
instant next_evening(const time_zone& zone, instant now);

// Whether a backup is to be restored on trial, as every 30 days and after a failure, and whether none was for 45 days,
// counted from the first backup if none ever was. A trial that was stopped, and may have had Rollbook stopped, waits
// those 30 days. A time that has not come is of a clock that was ahead, and counts as none: else nothing would be due
// until it has.
bool drill_is_due(const backup_standing& standing, instant now);
bool drill_is_overdue(const backup_standing& standing, instant now);

// Does what is due: the heartbeat, a checkpoint, and the message that mails it, which delivery sends like any other.
void keep_house(const configuration& settings, ledger& book, instant now);

// Appends a `clock` setting when the clock went back behind what the ledger recorded by more than two seconds: recorded
// times stand still until it has caught up, and an auditor must be able to see why. One entry a jump.
void note_clock(ledger& book, instant now);

// Writes to the log when no witness has signed for too long, for a poll that no daemon does.
void log_missing_witness(const configuration& settings, ledger& book, instant now);

} // namespace rollbook
