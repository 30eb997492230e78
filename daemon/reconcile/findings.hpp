#pragma once

#include "daemon/domain/calendar.hpp"
#include "daemon/ports/ledger.hpp"
#include "daemon/reconcile/links.hpp"
#include "daemon/reconcile/reading.hpp"

#include <optional>
#include <string>
#include <vector>

namespace rollbook {

// Something that does not agree: across systems, within one, or with the law. Explained in one sentence that a teacher
// understands, with the entries it rests on.
struct finding {
    std::string kind;
    std::string key;              // what makes it one of its kind; the same fault gives the same key on every read
    entry_index pupil = no_entry; // the person; no_entry: none or a stranger
    std::string subject_source;
    std::string subject_id;
    std::vector<std::string> sources;
    std::string explanation;
    std::vector<entry_index> evidence;
};

// What the findings are judged from.
struct finding_context {
    const held_state& held;
    const school_calendar& calendar;
    std::string mis;                 // the source with role mis
    std::vector<std::string> others; // the other sources
    civil_day today{};               // at the school
};

// Everything wrong now of the kinds that the held state alone shows: mark-unmapped, reason-overdue, record-vanished,
// pupil-only-in-safeguarding, pupil-ambiguous, pupil-conflict. Pure. The last three are judged only for sources whose
// pupils were read in full, as were the MIS's: those in `links`.
std::vector<finding>
standing_findings(const finding_context& context, const std::vector<std::pair<std::string, link_outcome>>& links);

// The kinds that come of comparing people. Their keys begin with kind and source.
bool is_about_people(std::string_view kind);

// Sessions for which one read met two marks.
std::vector<finding> duplicate_findings(const finding_context& context, const source_reading& reading);

// A source whose own data is old: no successful read for longer than `stale_after`; its own "data as of" older than
// that and more than one school day back, so that a weekend alone makes nothing stale; or, for the MIS, no mark for the
// last school day that has ended.
struct freshness {
    std::string source;
    bool is_mis = false;
    std::optional<instant> last_success;
    std::optional<civil_day> newest_day;
    std::optional<instant> data_as_of; // the source's own word
    std::chrono::milliseconds stale_after{};
};
std::optional<finding> stale_finding(
    const freshness& state, const school_calendar& calendar, local_instant now_local, instant now, const time_zone& zone
);

// The entries that make the open findings of the judged kinds equal to `wanted`: new ones open, those no longer wanted
// close, changed explanations or evidence are new versions. `judged(kind, key)` says whether this run looked.
std::vector<draft> finding_entries(
    const held_state& held,
    const std::vector<finding>& wanted,
    const std::function<bool(std::string_view kind, std::string_view key)>& judged,
    instant at,
    entry_index base
);

} // namespace rollbook
