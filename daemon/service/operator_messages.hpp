#pragma once

#include "daemon/service/messages.hpp"
#include "daemon/service/troubles.hpp"

#include <span>
#include <string>
#include <vector>

// Messages about Rollbook itself. None of them says anything of a pupil.
namespace rollbook {

// A trouble: an error once a day while it lasts, a warning at once and then once a month.
outbox_message trouble_message(
    const message_setting& setting, const std::string& route, const trouble& about, civil_day today, instant at
);

// Once a week, that Rollbook is alive, and how things stand: `lines` and every trouble.
outbox_message alive_message(
    const message_setting& setting,
    const std::string& route,
    const std::vector<std::string>& lines,
    const std::vector<trouble>& troubles,
    civil_day today,
    instant at
);

// Once a month and route: that the route works. `id` makes it one of its kind.
message test_message(const message_setting& setting, const std::string& route, std::string_view id, instant at);

// Why a mail came back: its error begins so.
inline constexpr std::string_view came_back = "the mail came back";

// That another route did not take messages: once a day and route, so that it says that there may be more. `day`: on
// which they were made, so that trying them again tells nothing twice. `not_taken`: those that were sent at once; at
// least one.
outbox_message dead_route_message(
    const message_setting& setting,
    const std::string& route,
    std::span<const outbox_message> not_taken,
    const failure& why,
    civil_day day,
    instant at
);

// The route that is told when another takes no messages: the operator's, or the first other one that reaches a person.
// Empty: there is none.
std::string route_instead_of(const configuration& settings, std::string_view dead);

// What is due by now of all this, however often it is asked: the outbox takes each id once.
std::vector<outbox_message> operator_messages_due(
    const configuration& settings,
    const message_setting& setting,
    const std::vector<trouble>& troubles,
    const std::vector<std::string>& standing,
    const time_zone& zone,
    instant now
);

} // namespace rollbook
