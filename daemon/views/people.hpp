#pragma once

#include "daemon/base/canonical_json.hpp"
#include "daemon/views/workplace.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// Every pupil known at one size of the ledger, and which records of different systems are one person. A person's
// reference is that of the MIS pupil; a record that is linked to none stands for itself.
class people {
public:
    explicit people(const workplace& at);

    // The person that pupil record `record` belongs to; itself when it is linked to none.
    entry_index person_of(entry_index record) const;
    // True of a pupil record from outside the MIS that is linked to no MIS pupil.
    bool is_stranger(entry_index record) const;
    // The person's pupil records, the person's own first.
    std::vector<entry_index> records_of(entry_index person) const;

    // {"ref":"P-12","source_ids":{...}} of the person that `record` belongs to.
    void write(json_writer& out, entry_index record) const;
    // Just the object of source ids.
    void write_source_ids(json_writer& out, entry_index person) const;

    // The person a REF names: "P-12", a UPN, or SOURCE:ID. Fails with not_found or, when it names more than one, with
    // usage.
    result<entry_index> find(std::string_view ref) const;
    // The pupil record that a REF of the first or last form names, whomever it is linked to. Fails with not_found.
    result<entry_index> find_record(std::string_view ref) const;
    // The person's name as the sources give it; empty when none does.
    std::string name_of(entry_index person) const;

private:
    struct record {
        std::string source;
        std::string key;
        entry_index person = no_entry;
        std::vector<entry_index> linked; // records of other systems, where this is the person's own
    };
    result<entry_index> find_upn(std::string_view text) const;
    failure erased_or_nobody(entry_index reference) const;

    const workplace& at_;
    std::map<entry_index, record> records_;
};

// "P-12"
std::string reference_of(entry_index person);

} // namespace rollbook
