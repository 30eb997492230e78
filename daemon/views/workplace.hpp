#pragma once

#include "daemon/domain/compact.hpp"
#include "daemon/domain/visibility.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/ledger_reader.hpp"
#include "daemon/rules/alert.hpp"

#include <optional>
#include <string>
#include <unordered_map>

namespace rollbook {

// What lists ask of one version of a finding.
struct finding_outline {
    few_text kind;
    compact_index pupil;              // no_entry: of none
    std::optional<visibility> labels; // empty: nobody asked yet
    bool is_erased = false;
};

// What rules ask of a pupil's record, as one version of it says.
struct pupil_outline {
    std::string year;
    std::string group;
    std::optional<civil_day> born;
};

// What was worked out about entries (views/labels, views/alerts, reports/school_facts), by index. An entry says the
// same for ever, and rests on entries before it alone: it holds at whatever size the ledger is asked about, until
// something is erased, and of one configuration and reader.
struct known_entries {
    std::unordered_map<entry_index, visibility> labels;
    std::unordered_map<entry_index, finding_outline> findings;
    std::unordered_map<entry_index, alert> alerts; // those that had not ended
    std::unordered_map<entry_index, pupil_outline> pupils;
    std::unordered_map<std::string, visibility> cohorts; // of rules, by "ID/VERSION"
};

// A ledger open for reading, as asked about.
struct workplace {
    const configuration& config;
    const ledger_reader& reader;
    const time_zone& zone;
    instant now;                    // the moment asked about: known-at, or now
    entry_index n;                  // known at this size
    known_entries* known = nullptr; // where it is kept; null: each is worked out anew
};

// The calendar that reads went by when the ledger had N entries, where that is another than `now`: what was a school
// day then decides what was due and what counted. Empty: the same, or none is told of.
std::optional<school_calendar>
other_calendar_at(const ledger_reader& reader, entry_index n, const school_calendar& now);

} // namespace rollbook
