#pragma once

#include "daemon/cases/reminders.hpp"
#include "daemon/cases/silence.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/ledger.hpp"
#include "daemon/rules/alert.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// Who a message is about, as far as the route may say. Names are empty where the source gave none.
struct named_pupil {
    std::string reference; // P-123
    std::string forename;
    std::string surname;
};

// What every message of a school shares.
struct message_setting {
    std::string school;
    std::string domain;     // the right side of a Message-ID: the ledger origin's host
    std::string public_url; // without a slash at the end; empty: messages carry no link
    bool simulated = false;
};

// A text as a message's id may hold it: only what RFC 5322 lets an id hold without quoting.
std::string message_id_part(std::string_view text);

// How the subject of every message begins.
std::string subject_start(const message_setting& setting);

message_setting message_setting_of(const configuration& settings, bool simulated);

// The one message of (alert, stage, route). No name in the subject; in the body only what `route.disclose` allows; no
// flag, no concern, no mark text.
outbox_message alert_message(
    const message_setting& setting,
    const route_configuration& route,
    const rule& judged_by,
    const alert& about,
    telling tell,
    const named_pupil& pupil,
    std::string first_message_id,
    instant at
);

// How many pupils stand at each stage of each rule.
using baseline_counts = std::map<std::string, std::map<std::string, int>>; // rule id -> stage -> pupils

// The one message that tells a route what was already crossed when Rollbook began. `number` makes its id.
outbox_message baseline_message(
    const message_setting& setting,
    const route_configuration& route,
    const std::vector<rule>& rules,
    const baseline_counts& counts,
    entry_index number,
    instant at
);

// The newest name that the pupil's own record gives, if it gives one.
named_pupil pupil_named(const held_state& held, entry_index pupil);
// Whom or what an alert is about: its pupil, or its source's name as the reference.
named_pupil named_subject(const held_state& held, const alert& about);

// That nobody has acknowledged the alert; one message of (alert, stage, route, number).
outbox_message alert_reminder(
    const message_setting& setting,
    const route_configuration& route,
    const rule& judged_by,
    const alert& about,
    const due_reminder& due,
    const named_pupil& pupil,
    std::string first_message_id
);

// That an action's day has passed, or that of its review has come; one of (action, kind, route, number). Its words stay
// in the ledger.
outbox_message action_reminder(
    const message_setting& setting,
    const route_configuration& route,
    const rule& judged_by,
    const case_action& about,
    const due_reminder& due,
    const named_pupil& pupil,
    std::string first_message_id
);

// Messages of one route that go at one moment, as one; in order of their numbers.
message digest_message(const message_setting& setting, std::span<const outbox_message> gathered);

// That a silence has ended, with the alerts that stand; one of (silence, route). Its reason stays in the ledger.
outbox_message silence_message(
    const message_setting& setting,
    const route_configuration& route,
    const silence& ended,
    const std::vector<entry_index>& standing
);

// That the day has come to look again at what the safeguarding lead noted of the pupil `about`. Not why it was noted,
// nor what. `id`: makes the message one of its kind.
outbox_message review_message(
    const message_setting& setting,
    const route_configuration& route,
    const named_pupil& pupil,
    entry_index about,
    civil_day review,
    std::string_view id
);

} // namespace rollbook
