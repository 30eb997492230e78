#pragma once

#include "daemon/domain/rule.hpp"
#include "daemon/ports/ledger.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// While it stands, nobody is sent a message about the pupil or the rule that it names; alerts come and go as ever. Its
// id is the index of the entry that began it.
struct silence {
    entry_index id = no_entry;
    entry_index latest = no_entry;
    entry_index pupil = no_entry; // no_entry: every pupil
    std::string rule;             // empty: every rule but safety rules
    civil_day until{};            // its last day
    std::string reason;           // in the ledger only
    std::string by;               // as claimed
    std::string user;             // of the operating system
    instant begun_at{};
    instant at{}; // of this version
    enum class end { none, by_person, by_time } ended = end::none;

    bool stands_on(civil_day day) const { return ended == end::none && day <= until; }
};

inline constexpr std::string_view silence_prefix = "silence/";
// The entry that begins it at `own_index` (id no_entry), or a later version. A setting of name `silence/ID`, about the
// pupil; schemas/ledger/payloads.md.
draft silence_entry(const silence& value, entry_index own_index);
// Back; empty for any other setting.
std::optional<silence> parse_silence(std::string_view payload, entry_index own_index);

// Every silence that was begun, ended ones included, in order of id.
std::vector<silence> silences_in(const held_state& held);

// Whether messages about this pupil under this rule are held back on the day. A safety rule never is.
bool is_silenced(const std::vector<silence>& all, const rule& of, entry_index pupil, civil_day day);

} // namespace rollbook
