#pragma once

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"
#include "daemon/domain/register.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace rollbook {

// What a person may decide. The words are those of the socket's requests.
enum class decision_kind {
    acknowledge,
    take_up,
    park,
    close,
    note,
    act,
    finish,
    silence,
    end_silence,
    marker,
    end_marker,
    open_pupil,
    close_pupil,
    confirm_link,
    split_link,
    retry_quarantine,
    hold_meeting,
    send_again,
    settle_route
};
inline constexpr std::array<std::string_view, 19> decision_words = {
    "acknowledge",
    "take-up",
    "park",
    "close",
    "note",
    "act",
    "finish",
    "silence",
    "end-silence",
    "marker",
    "end-marker",
    "open-pupil",
    "close-pupil",
    "confirm-link",
    "split-link",
    "retry-quarantine",
    "hold-meeting",
    "send-again",
    "settle-route"};

// One decision of one person, from a command or a page. What a kind does not use stays empty.
struct decision_request {
    decision_kind kind = decision_kind::note;
    // An alert (acknowledge, take_up, park, close, note, act), an action (finish), a silence (end_silence), a marker
    // (end_marker) or another system's pupil record (links): its id.
    entry_index about = no_entry;
    entry_index alert = no_entry; // of an action that ends: the alert it must belong to; no_entry: any
    // Of a silence or marker: whom it is about; of a link: the pupil of the MIS; of a call (act, `about` no_entry) and
    // of what is opened to an auditor: the pupil.
    entry_index pupil = no_entry;
    std::string rule;    // of a silence; empty: every rule
    std::string action;  // the kind of action or marker
    std::string owner;   // who is to do it: a route's name where reminders are to reach them; of a marker,
                         // who is to be told; of a pupil that is opened, the auditor's account
    std::string outcome; // one word
    std::string source;  // of a quarantined row, with its stream; of what a route did not take, the route
    std::string stream;
    std::string adult;           // of a warning or penalty notice: the parent, by a reference of the school's
    std::string text;            // in the person's own words; shown from the ledger, and nowhere else
    std::optional<civil_day> on; // of an action: the day it was done or issued, of a meeting: the day it took place;
                                 // where that is not today
    std::optional<civil_day> due;
    std::optional<civil_day> review;
    std::optional<civil_day> until; // of a silence: its last day
    std::string by;                 // who decided, as claimed
    std::string user;               // the operating system's, or the account of the pages

    bool operator==(const decision_request&) const = default;
};

// Fails with usage where a text is too long, no UTF-8, or holds control characters other than line ends: such a
// request cannot become an entry.
result<void> check_texts(const decision_request& request);

} // namespace rollbook
