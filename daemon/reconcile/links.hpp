#pragma once

#include "daemon/ports/ledger.hpp"
#include "daemon/reconcile/person_match.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// Person against person: which pupil record of another source is which pupil of the MIS.
//
// A link is an entry: its pupil is the MIS pupil's first entry, "other" the other record's. What a person decided comes
// first. Then numbers: the MIS's own id that the other record names, UPN (check letter right), former UPN, admission
// number. Two different pupils found by these make no link, and neither does a number whose pupil hardly agrees in
// names and date of birth, or far less than another. Where no number fits, names and date of birth are scored
// (person_match.hpp), and those who are left to a person are looked at once more by who is left. Never a silent pick
// between two.
struct person_link {
    entry_index pupil = no_entry; // in the MIS
    entry_index other = no_entry; // in the other source
    std::string by;               // "source-id", "upn", "former-upn", "admission-number", "name" or "person"
    match_score score;            // by name only
};

// A record for which a person has to decide.
struct person_review {
    entry_index other = no_entry;
    std::vector<person_finder::candidate> candidates; // by name, best first; by numbers, without a score
};

struct link_outcome {
    std::vector<person_link> links;
    std::vector<entry_index> unmatched;   // no pupil of the MIS fits
    std::vector<person_review> ambiguous; // more than one does, by numbers
    std::vector<person_review> likely;    // by names and date of birth: near, but not surely the same or not alone
    std::vector<person_review> conflicts; // a number fits a pupil of other names or birth; then who is near
    // Linked by name although a number is another pupil's, who has a record that fits: that pupil, then who is near.
    std::vector<person_review> misnumbered;
};

// Matches every pupil record of `other` that is not gone against those of `mis`, gone ones included: a leaver is still
// the same person, but is matched only when no pupil on roll is. While not all of the MIS's pupils are known nobody is
// linked anew by name: the right one may be still to come.
link_outcome
match_people(const held_state& held, const std::string& mis, const std::string& other, bool knows_all_of_mis);

// The entries that make the held links equal to `outcome` for `other`: new ones, changed ones, ended ones.
std::vector<draft> link_entries(const held_state& held, const std::string& other, const link_outcome& outcome);

// What a person decides of one record: that it is this pupil, or that it is not. Later reads keep it.
struct link_decision {
    entry_index other = no_entry;
    entry_index pupil = no_entry;
    bool is_one_person = true;
    std::string user; // of the operating system
    std::string by;   // as claimed
    std::string text;
};
// Fails with not_found when there is no such record of another source or no such pupil of the MIS.
result<draft> decision_entry(const held_state& held, const std::string& mis, const link_decision& decided, instant at);

// Why a record is linked as it is, and how near pupils of the MIS come to it.
struct link_answer {
    struct near_pupil {
        entry_index pupil = no_entry;
        std::vector<std::string_view> numbers; // that name it: "source-id", "upn", "former-upn", "admission-number"
        match_score score;                     // without parts where one of the two gives no names
        bool refused = false;                  // a person said that it is not this one
    };
    std::string_view state;       // "linked", "review" or "not-linked"
    std::string by;               // of a link
    std::string why;              // a sentence or two, for people
    std::vector<near_pupil> near; // by numbers and points, best first; `asked` is always among them
};
// `record` is a pupil record of another source, and `asked`, unless it is no_entry, the MIS pupil who it might be.
// Fails with not_found when either is something else.
result<link_answer>
why_linked(const held_state& held, const std::string& mis, entry_index record, entry_index asked = no_entry);

// The key of the link of a pupil record of the source `other`, by the record's first entry.
std::string link_key(std::string_view other, entry_index record);

// The person a pupil record belongs to: the linked MIS pupil, or the record itself.
entry_index person_of(const held_state& held, entry_index pupil);
// The same, and of a record that was made one with another that one.
entry_index standing_person_of(const held_state& held, entry_index pupil);
// True when the record is of the MIS, or is linked to one of it.
bool is_known_person(const held_state& held, const std::string& mis, entry_index pupil);

} // namespace rollbook
