#pragma once

#include "daemon/ports/ledger.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// Person against person: which pupil record of another source is which pupil of the MIS.
//
// A link is an entry: its pupil is the MIS pupil's first entry, "other" the other record's. Matched by the MIS's own id
// that the other record names, then by UPN (check letter right), then by former UPN. Two different pupils found by
// these, or two candidates for one, make no link: never a silent pick.
struct person_link {
    entry_index pupil = no_entry; // in the MIS
    entry_index other = no_entry; // in the other source
    std::string by;               // "source-id", "upn" or "former-upn"
};

struct link_outcome {
    std::vector<person_link> links;
    std::vector<entry_index> unmatched; // no pupil of the MIS fits
    std::vector<entry_index> ambiguous; // more than one does
};

// Matches every pupil record of `other` that is not gone against those of `mis`, gone ones included: a leaver is still
// the same person, but is matched only when no pupil on roll is.
link_outcome match_people(const held_state& held, const std::string& mis, const std::string& other);

// The entries that make the held links equal to `outcome` for `other`: new ones, changed ones, ended ones.
std::vector<draft> link_entries(const held_state& held, const std::string& other, const link_outcome& outcome);

// The person a pupil record belongs to: the linked MIS pupil, or the record itself.
entry_index person_of(const held_state& held, entry_index pupil);
// True when the record is of the MIS, or is linked to one of it.
bool is_known_person(const held_state& held, const std::string& mis, entry_index pupil);

} // namespace rollbook
