#pragma once

#include "tests/unit/reconcile/reads.hpp"

#include "daemon/reconcile/links.hpp"

#include <string>
#include <utility>
#include <vector>

namespace rollbook::support {

// An MIS and a safeguarding system, as entries of one ledger.
class two_systems {
public:
    entry_index pupil(const std::string& source, const std::string& id, const std::string& text)
    {
        const held_thing* known = std::as_const(held).things(what::pupil).find(source, id);
        thing_version row;
        row.kind = what::pupil;
        row.source = source;
        row.key = id;
        row.digest = plain_digest(text);
        if (known) {
            row.subject = row.pupil = known->subject;
            row.replaces = known->entry;
        }
        return add(record_entry(pupil_record(id, text), row, learned{}));
    }
    void leave(const std::string& source, const std::string& id)
    {
        const held_thing* known = std::as_const(held).things(what::pupil).find(source, id);
        thing_version row;
        row.kind = what::pupil;
        row.source = source;
        row.key = id;
        row.subject = row.pupil = known->subject;
        row.replaces = known->entry;
        add(record_gone_entry(row, learned{}, "vanished"));
    }
    link_outcome link(bool knows_all_of_mis = true)
    {
        link_outcome outcome = match_people(held, "mis", "cpoms", knows_all_of_mis);
        written = link_entries(held, "cpoms", outcome);
        for (const draft& d : written)
            add(d);
        return outcome;
    }

    void decide(entry_index record, entry_index pupil, bool is_one_person)
    {
        add(decision_entry(
                held, "mis", {record, pupil, is_one_person, "root", "A Teacher", "asked the family"}, instant{}
        )
                .value());
    }

    entry_index add(draft d)
    {
        held.apply(size_, d.row, d.payload);
        return size_++;
    }

    held_state held;
    std::vector<draft> written; // by the last link()

private:
    entry_index size_ = 0;
};

} // namespace rollbook::support
