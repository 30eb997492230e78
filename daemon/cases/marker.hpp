#pragma once

#include "daemon/ports/ledger.hpp"

#include <array>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

enum class marker_kind {
    handle_with_care, // no letter, no digest and no list of rewards has the pupil
    priority,         // on the safeguarding lead's list: the cohort `watch_list` of a rule
};
inline constexpr std::array<std::string_view, 2> marker_kinds = {"handle-with-care", "priority"};

// What the safeguarding lead wants to be known of a pupil, from the moment it is said until somebody ends it. That it
// stands is for all who may see the pupil; why, who is told and when it is looked at again is for who may see
// safeguarding. Its id is the index of the entry that began it.
struct pupil_marker {
    entry_index id = no_entry;
    entry_index latest = no_entry;
    entry_index pupil = no_entry;
    entry_index person = no_entry; // whose the pupil's record is now; of markers_in() alone
    marker_kind kind = marker_kind::handle_with_care;
    std::string reason; // a class such as "police", in the ledger only; may be empty: the police need not say why
    std::string tell;   // who is to be told; may be empty
    std::optional<civil_day> review;
    std::string by;   // as claimed
    std::string user; // of the operating system, or the account
    instant begun_at{};
    instant at{}; // of this version
    bool ended = false;
};

// How the names of settings that are markers begin.
inline constexpr std::string_view marker_prefix = "marker/";

// The entry that begins it at `own_index` (id no_entry), or a later version. A setting of name `marker/ID`, about the
// pupil; schemas/ledger/payloads.md.
draft marker_entry(const pupil_marker& value, entry_index own_index);
// Back; empty for any other setting.
std::optional<pupil_marker> parse_marker(std::string_view payload, entry_index own_index);

// Every marker that was begun, ended ones included, in order of id.
std::vector<pupil_marker> markers_in(const held_state& held);

// Who stands marked so now.
std::set<entry_index> marked_in(const held_state& held, marker_kind kind);

// Why nothing is written home about a pupil who is to be handled with care, as a refusal.
failure refuses_letters(entry_index pupil);

bool is_marked(std::span<const pupil_marker> all, marker_kind kind, entry_index pupil);

} // namespace rollbook
