#pragma once

#include "daemon/ports/configuration.hpp"
#include "daemon/ports/ledger.hpp"

namespace rollbook {

// Makes the messages that are due without any read: reminders of alerts that nobody has acknowledged, of actions whose
// day has passed, and the ends of silences, which are entries as well. All in one transaction, each message once: it
// is known by its id. Gives how many it made.
std::size_t remind(const configuration& settings, ledger& book, instant now);

// When a message on this route may go: now, once school hours begin, or with the route's next digest. Never later than
// now for a safety rule.
instant may_go_at(const configuration& settings, const route_configuration& route, const rule& of, instant now);

bool is_in_school_hours(const configuration& settings, local_instant at);

// When the next school day's school hours begin.
instant next_morning(const configuration& settings, instant now);

} // namespace rollbook
