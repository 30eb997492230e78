#pragma once

#include "daemon/reconcile/finding_kinds.hpp"
#include "daemon/reconcile/unusual_sessions.hpp"

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace rollbook {

// What one closing read knows beside what is held.
struct closing_read {
    const source_reading& reading;
    local_instant now{};            // at the school
    instant at{};                   // the same moment
    marks_read marks;               // how the reading of the MIS's marks stands
    bool marks_closed = false;      // the MIS's marks were read to their end in this read
    bool knows_suspensions = false; // the MIS's suspensions were, in this read or before
    bool links_changed = false;
    std::vector<full_list> lists;
    std::span<const freshness> sources;
    std::span<const failure> failures; // of this read
    std::span<const statement_row> statement;
    const time_zone& zone;
    std::span<const recorded_action> actions = {}; // of ours, that this source should have too
    bool lists_actions = false; // it is no MIS, and its actions were read to their end, in this read or before
    // None: the source counts none, or not all its marks of the year were read.
    std::optional<possible_sums> possible = std::nullopt;
    const flags_said* flags = nullptr;
};

// Judges findings so that a closing costs what changed: after the first time only the pupils and records that a read
// touched are looked at, and the pupils of a form whose register was handed in after its time or taken back. When time
// moved on (the day, a register's closing), everybody is, but of each no more than marks and records that are young
// enough for time to matter. When something moved that all rest on (a pupil's record, a link, what is read in full),
// everybody is wholly. What it keeps between closings can be made anew from what is held.
class finding_judge {
public:
    finding_judge(const finding_settings& settings, const school_calendar& calendar, std::string mis);
    finding_judge(const finding_judge&) = delete; // parts of it look into others
    finding_judge& operator=(const finding_judge&) = delete;

    // The entries that make the open findings right.
    std::vector<draft> judge(const held_state& held, const closing_read& read);

    // The gate as of the last judging of this held state; null before it and without a register.
    const register_gate* gate(const held_state& held) const
    {
        return gate_ && held_number_ == held.number() ? &*gate_ : nullptr;
    }
    // The pupils of forms whose register the last read handed in after its time, or took back, by their first entries:
    // the gate's answer changed for each of them.
    const std::vector<entry_index>& pupils_of_changed_registers() const { return concerned_; }
    // The next judging is of everybody, wholly: a read changed what is held and broke off before it was judged.
    void judge_anew() { is_broken_off_ = true; }

private:
    struct run; // one judging under way

    void look_at(const held_state& held);
    const pupil_record_facts& facts_of_pupil(const held_thing& pupil);
    bool know_people(run& now);
    std::optional<civil_day> settled_day() const;
    std::set<std::string> forms_changed(const closing_read& read);
    void find_concerned(const held_state& held, const std::set<std::string>& forms);
    void judge_pupil(run& now, const held_thing& pupil);
    void judge_marks(run& now, const pupil_case& pupil);
    void judge_record(run& now, what kind, const held_thing& thing);
    template <class P, class R> void for_each_touched(run& now, P&& on_person, R&& on_record);
    void judge_touched(run& now);
    void judge_touched_and_concerned(run& now);
    bool moves(const run& now, const held_thing& record) const;
    std::optional<civil_day> day_before(const run& now, const case_record& record) const;
    void know_days(const run& now, bool all);
    void judge_everybody(run& now);
    void judge_rest(run& now);

    const finding_settings& settings_;
    const school_calendar& calendar_;
    day_kinds days_;
    unusual_sessions unusual_;
    std::string mis_;
    // Those of each that the school wants, and the names of all, so that what is switched off closes.
    std::vector<const finding_kind*> of_mark_;
    std::vector<const finding_kind*> of_pupil_;
    std::vector<const finding_kind*> of_record_;
    std::vector<std::string_view> about_marks_; // by session: of each of them a key names it
    std::vector<std::string_view> about_pupils_;
    std::vector<std::string_view> about_records_;

    std::uint64_t held_number_ = 0;          // which held state the rest is about
    bool is_broken_off_ = false;             // and it is as of before a read that broke off
    std::string judged_for_;                 // what everybody was last judged for, but for the time
    std::string judged_at_;                  // and that: the day, closings of it, and the day of the newest marks
    std::optional<civil_day> judged_to_;     // the earlier of these two days; none: never, or never wholly
    std::vector<rough_day> days_of_records_; // by place, as of the last judging
    std::optional<register_gate> gate_;
    std::vector<entry_index> concerned_;
    std::unordered_map<entry_index, pupil_record_facts> facts_;
    std::unordered_map<entry_index, std::vector<entry_index>> elsewhere_;
    std::unordered_set<entry_index> in_review_;
};

} // namespace rollbook
