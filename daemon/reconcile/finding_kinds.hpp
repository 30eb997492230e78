#pragma once

#include "daemon/domain/calendar.hpp"
#include "daemon/domain/finding_settings.hpp"
#include "daemon/domain/register_gate.hpp"
#include "daemon/reconcile/finding.hpp"
#include "daemon/reconcile/links.hpp"
#include "daemon/reconcile/reading.hpp"

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace rollbook {

// What a calendar says of a day. Between two half terms more than 60 days apart nothing is known: the calendar may lack
// what lies between.
enum class day_kind : std::uint8_t { unknown, school, weekend, holiday, inset, closure };

class day_kinds {
public:
    explicit day_kinds(const school_calendar& calendar);
    day_kind of(civil_day day) const
    {
        const auto at = (day - first_).count();
        return at < 0 || at >= static_cast<long>(kinds_.size()) ? day_kind::unknown : kinds_[std::size_t(at)];
    }

private:
    civil_day first_{};
    std::vector<day_kind> kinds_;
};

// What the newest record of a pupil says; nothing of one who is gone.
struct pupil_record_facts {
    entry_index entry = no_entry;
    bool gone = false;
    // Day (UTC) on which it was first missed; none of one that is out of scope or was made one with another: the person
    // did not leave.
    std::optional<civil_day> gone_on;
    std::string form; // registration group; the year where the source names no group
    std::string year;
    std::optional<civil_day> date_of_birth;
    std::optional<civil_day> on_roll_from;
    std::optional<civil_day> on_roll_to;
    std::optional<std::set<std::string, std::less<>>> flags; // empty optional: the source does not say
};
pupil_record_facts facts_of(const held_thing& pupil);

// A list of people in another source that was read to its end, as were the MIS's.
struct full_list {
    std::string source;
    const link_outcome* links = nullptr;
    bool covers_roll = false; // it has at least four in five of the MIS's pupils: who is missing there is missing
};

// The flags of pupils that each source can say at all. One that is not among them may say any.
using flags_said = std::map<std::string, std::set<std::string, std::less<>>, std::less<>>;

// What findings are judged from. All of it outlives the judging.
struct finding_context {
    const held_state& held;
    const school_calendar& calendar;
    const day_kinds& days;
    const finding_settings& settings;
    const register_gate* gate = nullptr; // null: there is no register
    std::string mis;
    civil_day today{};                      // at the school
    std::optional<civil_day> marks_through; // day of the newest complete read of marks
    bool knows_suspensions = false;         // the MIS's list of suspensions was read to its end
    bool uses_pm_sign = false;              // the MIS writes "\" for present in the afternoon
    std::vector<full_list> lists;
    // Records of other sources by the MIS pupil they are linked to, and MIS pupils who may be one of several.
    const std::unordered_map<entry_index, std::vector<entry_index>>* elsewhere = nullptr;
    const std::unordered_set<entry_index>* in_review = nullptr;
    const flags_said* flags = nullptr;
    // Records of one pupil of one source by day, in order once somebody asked for them, by their places: nothing that
    // is held changes while findings are judged, and a pupil may have a thousand.
    mutable std::unordered_map<entry_index, std::vector<std::pair<civil_day, std::uint32_t>>> by_day;

    bool can_say(std::string_view source, std::string_view flag) const
    {
        if (!flags) return true;
        const auto at = flags->find(source);
        return at == flags->end() || at->second.contains(flag);
    }
    // Whether enough school days have gone by since `day` for this kind.
    bool is_settled(std::string_view kind, civil_day day) const
    {
        return calendar.school_days_between(day, today) >= settings.settle_days(kind);
    }
    std::span<const entry_index> elsewhere_of(entry_index pupil) const
    {
        if (!elsewhere) return {};
        const auto at = elsewhere->find(pupil);
        return at == elsewhere->end() ? std::span<const entry_index>() : std::span<const entry_index>(at->second);
    }
    std::string_view text(text_id id) const { return held.cases().text(id); }
};

// A suspension as sessions of the school's calendar.
struct suspended {
    const suspension_fact* fact = nullptr;
    session_id from{};
    session_id to{};      // last session of it that is sure
    bool is_open = false; // without an end: covers what comes after `to`, too
    int days_before = 0;  // school days of suspensions that it follows without a gap
    bool covers(session_id session) const { return from <= session && (is_open || session <= to); }
};

// One pupil of the MIS.
struct pupil_case {
    const finding_context& in;
    entry_index ref = no_entry;
    std::optional<pupil_no> number;
    const attendance_register* marks = nullptr;
    const pupil_record_facts& facts;
    std::vector<suspended> suspensions;   // by first session
    std::optional<civil_day> marked_from; // day of the first mark that is held
    // Sessions to be judged of which a kind may speak, in order, those without a mark among them.
    std::span<const session_id> unusual;
    // Of records up to this day all was said before, and nothing moved since; none: of all is to be judged.
    std::optional<civil_day> settled;
};

// One mark of that pupil, held now or gone.
struct mark_case {
    const pupil_case& of;
    session_id session{};
    const held_mark& mark;
    const statutory_code* row = nullptr; // null: unmapped, or nothing recorded
    code_class klass = code_class::none;
    day_kind day = day_kind::unknown;

    std::string_view raw() const { return of.marks->codes().raw(mark.code); }
    std::string_view code() const { return row ? row->code : of.marks->codes().statutory(mark.code); }
};

using findings = std::vector<finding>;

// The kinds of finding. Whoever adds one adds a row to finding_kinds() and the function that it names.
struct finding_kind {
    enum class judged { by_mark, by_pupil, by_record, by_list, by_source, by_read };

    std::string_view name;
    judged how = judged::by_source;
    bool only_when_asked = false;
    void (*of_mark)(const mark_case&, findings&) = nullptr;
    void (*of_pupil)(const pupil_case&, findings&) = nullptr;
    void (*of_record)(const finding_context&, const case_record&, findings&) = nullptr;

    bool is_wanted(const finding_settings& settings) const
    {
        return only_when_asked ? settings.on.contains(name) : !settings.off.contains(name);
    }
};
std::span<const finding_kind> finding_kinds();
// The names of those that need records of this kind: what cannot be said while none are read.
std::vector<std::string_view> findings_resting_on(what kind);
const finding_kind* find_finding_kind(std::string_view name);

// Marks, each asked of every mark that is not an ordinary one.
void mark_unmapped(const mark_case& c, findings& all);
void code_withdrawn(const mark_case& c, findings& all);
void mark_off_roll(const mark_case& c, findings& all);
void mark_on_closed_day(const mark_case& c, findings& all);
void mark_vanished(const mark_case& c, findings& all);
void reason_overdue(const mark_case& c, findings& all);
void reason_due(const mark_case& c, findings& all);
void code_wrong_for_time(const mark_case& c, findings& all);
void code_wrong_for_pupil(const mark_case& c, findings& all);
void code_needs_evidence(const mark_case& c, findings& all);
void e_without_suspension(const mark_case& c, findings& all);

// Pupils.
void mark_missing(const pupil_case& c, findings& all);
void suspension_without_e(const pupil_case& c, findings& all);
void incident_contradicts_mark(const pupil_case& c, findings& all);
void leaver_still_active(const pupil_case& c, findings& all);
void flag_differs(const pupil_case& c, findings& all);
void pupil_only_in_mis(const pupil_case& c, findings& all);

// Incidents and concerns.
void restraint_not_reported(const finding_context& in, const case_record& record, findings& all);
void incident_duplicate(const finding_context& in, const case_record& record, findings& all);
void incident_in_one_system(const finding_context& in, const case_record& record, findings& all);
// Records of the pupils of `record` within a day of it: what a change of it may concern.
std::vector<const case_record*> records_beside(const finding_context& in, const case_record& record);
// Those of one person within a day of `day`, and one record twice where two of their parts are in it.
std::vector<const case_record*> records_near(const finding_context& in, entry_index person, civil_day day);

// A record that its source no longer has.
void record_vanished(const finding_context& in, what kind, const held_thing& thing, findings& all);
// Pupil records of another system that are not, or not surely, a pupil of the MIS: pupil-only-in-safeguarding,
// pupil-ambiguous, pupil-conflict.
void strangers(const finding_context& in, const full_list& list, findings& all);

// What one read saw: sessions with two marks; marks changed long after their session.
findings duplicate_marks(const finding_context& in, const source_reading& reading);
findings late_amendments(const finding_context& in, const source_reading& reading);
// Ids that changed hands, and pupils who became one with another: id-reissued, pupil-merged.
findings identity_changes(const finding_context& in, const source_reading& reading);

// An action recorded in Rollbook about a pupil, to be found in the safeguarding system too; and one that is there.
struct recorded_action {
    entry_index entry = no_entry;
    entry_index pupil = no_entry; // in the MIS
    civil_day on{};
    std::string kind; // in words
};
struct reported_action {
    entry_index pupil = no_entry; // in the MIS
    civil_day on{};
};
// What `source` holds of actions about the pupils of `ours`.
std::vector<reported_action>
reported_actions(const finding_context& in, std::string_view source, std::span<const recorded_action> ours);
// Actions of ours that `source`, read in full, does not hold for that pupil within a day, once settled.
findings actions_not_held(
    const finding_context& in,
    const std::string& source,
    std::span<const recorded_action> ours,
    std::span<const reported_action> theirs
);

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
// A read of which a part failed: what rests on that part is as of an earlier read.
std::optional<finding> incomplete_finding(const std::string& source, std::span<const failure> failures);
// The source's own totals against what is held.
findings differing_totals(std::span<const statement_row> statement);
// Possible sessions of the academic year to date, of those pupils for whom the source counts them itself.
struct possible_sums {
    std::int64_t stated = 0;   // by the source
    std::int64_t held = 0;     // of the same pupils
    std::size_t differing = 0; // pupils for whom the two are not equal
};
std::optional<finding> differing_possible(const std::string& source, const possible_sums& sums);

// Helpers for those that make them.
std::string spoken(session_id session);
// A finding about one mark: pupil, subject, sources and evidence filled in.
finding about_mark(
    std::string_view kind,
    const finding_context& in,
    const attendance_register& held,
    session_id session,
    pupil_no pupil
);
finding about_pupil(std::string_view kind, const finding_context& in, entry_index pupil);

} // namespace rollbook
