#pragma once

#include "daemon/domain/retention.hpp"
#include "daemon/domain/what.hpp"
#include "daemon/ledger/erase_rows.hpp"
#include "daemon/ports/upkeep.hpp"

#include <set>

// What an erasure takes, and whether it may. Private to this layer.
namespace rollbook {

// Words shorter than that are a part of much else: they tell of a pupil where they are the whole of a value.
inline constexpr std::size_t telling_word_min = 4;

// Why an erasure is refused. A minimum can be overridden by a person; the others never.
struct erasure_refusal {
    bool is_minimum = false;
    failure why;
};

struct erasure_plan {
    std::vector<entry_index> entries;            // in order, each with its opening still there
    std::set<entry_index> records;               // the pupil records erased as a whole: a person's, in every source
    std::map<std::string, std::int64_t> by_kind; // entries by what they are about
    std::vector<std::string> words;              // UPNs, source ids and names that must not be left anywhere
    std::vector<std::pair<what, std::pair<std::string, std::string>>> source_records; // kind, source, the source's id
    std::set<std::int64_t> quarantined;  // ids of rows that could not be read and may tell of it, or are too old
    std::optional<civil_day> kept_until; // the last minimum clock among the entries; empty: none of them has one
    std::vector<erasure_refusal> refusals;
};

// Everything about one person: marks, records, involvements, links, findings, alerts, receipts, accesses, in every
// source that is linked; and incidents and concerns that nobody else took part in. Fails with not_found when `person`
// is no pupil's first entry.
result<erasure_plan>
plan_person(SQLite::Database& database, entry_index person, const retention_clocks& clocks, civil_day today);

// Everything whose maximum clock has passed by `today`, of pupils without a hold; and persons of whom nothing but their
// name is left.
erasure_plan plan_retention(SQLite::Database& database, const retention_clocks& clocks, civil_day today);

// The same, of what was read already.
erasure_plan plan_person_of(
    SQLite::Database& database,
    const std::vector<thing_row>& things,
    const participation& involved,
    const std::set<entry_index>& held,
    entry_index person,
    const retention_clocks& clocks,
    civil_day today
);
// Adds the rows in quarantine that hold one of the plan's words; where a person goes, also those that cannot be read
// through or are sealed, which may be theirs.
void take_quarantined(SQLite::Database& database, erasure_plan& plan);
// Adds a row to what goes; puts the plan in order once all are there.
void take(erasure_plan& plan, const thing_row& row);
void finish(erasure_plan& plan);

// Sorted indexes as ranges.
std::vector<entry_range> ranges_of(const std::vector<entry_index>& sorted);

} // namespace rollbook
