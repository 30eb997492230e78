#pragma once

#include "daemon/ports/ledger.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// That an auditor's account sees one pupil's name and what a safeguarding system says of the pupil, from the moment the
// safeguarding lead says so until somebody ends it, or the engagement ends. Who it is about and why is for who may see
// safeguarding.
struct opened_pupil {
    std::string account;
    entry_index pupil = no_entry;
    std::string reason;
    std::string by;   // as claimed
    std::string user; // of the operating system, or the account
    instant at{};
    bool ended = false;
};

// How the names of such settings begin: "opened/ACCOUNT/PUPIL".
inline constexpr std::string_view opened_prefix = "opened/";
std::string opened_name(std::string_view account, entry_index pupil);

// A setting about the pupil; schemas/ledger/payloads.md. `last` is the version so far, or null.
draft opened_entry_of(const opened_pupil& value, const held_thing* last);
// Back; empty for any other setting.
std::optional<opened_pupil> parse_opened(std::string_view payload);

// What stands of an account, each with its newest version.
std::vector<std::pair<opened_pupil, const held_thing*>> opened_in(const held_state& held, std::string_view account);

} // namespace rollbook
