#pragma once

#include "daemon/ports/ledger.hpp"
#include "daemon/rules/alert.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// What was done about an alert, or is to be done; or a contact about a pupil. Its id is the index of the entry that
// first told of it.
struct case_action {
    entry_index id = no_entry;
    entry_index latest = no_entry;
    entry_index alert = no_entry; // no_entry: a contact about the pupil, such as first-day calling makes
    entry_index pupil = no_entry;
    std::string rule; // the alert's; empty without one
    std::string kind; // one of action_kinds()
    bool is_done = false;
    std::string owner;
    std::string adult;
    civil_day on{}; // the day it was done or issued, or was decided on
    std::optional<civil_day> due;
    std::optional<civil_day> review;
    std::string text;                  // why, or what is to be done
    std::string outcome;               // one word
    std::string outcome_text;          // and how it came to it
    std::vector<entry_index> evidence; // of the alert, as it stood: what a letter, warning or notice rests on
    std::string user;                  // of this version
    std::string by;                    // as claimed, of this version
    instant at{};                      // of this version
};

// "note", "call", "letter", "visit", "meeting", "panel", "plan", "support", "warning", "penalty-notice", "referral" and
// "decision". A note is done as it is made.
std::span<const std::string_view> action_kinds();

// What a contact can come to: "reached-explained", "reached-not-explained", "no-answer", "message-left" and
// "wrong-number". Of each attempt one.
std::span<const std::string_view> contact_outcomes();
inline constexpr std::string_view reached_explained = "reached-explained";

// The moment, on the school's clock, at which a contact said where the pupil is: of a call or visit whose outcome is
// reached_explained. One that was written down on a later day counts as made when its own day began: nothing says that
// it came after that day's registers. Empty for any other action.
std::optional<local_instant> accounts_at(const case_action& action, const time_zone& zone);

// Whether an action of that kind sends the family a writing: a letter, a warning or a penalty notice.
bool goes_home(std::string_view kind);

// An outcome that says the action does not count: "withdrawn" or "cancelled".
bool is_called_off(const case_action& action);

// The entry of a version of an action: of its first when action.id is no_entry, else of one that replaces
// action.latest. Payload keys: schemas/ledger/payloads.md.
draft action_entry(const case_action& action);
// Back. Empty for what is no action of ours, such as one that a source recorded.
std::optional<case_action> parse_action_payload(std::string_view payload, entry_index own_index);

// What stands in memory of every action of ours, in order of id.
std::vector<case_action> actions_in(const held_state& held);

// The entry of a version of an alert, in the row that its payload stands for. `replaced` is the newest version so far,
// or null at its opening.
draft alert_entry(const alert& value, entry_index own_index, const held_thing* replaced);

} // namespace rollbook
