#pragma once

#include "daemon/cases/pupil_facts.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/connector.hpp"
#include "daemon/ports/ledger.hpp"
#include "daemon/reconcile/finding_judge.hpp"
#include "daemon/reconcile/reading.hpp"
#include "daemon/rules/late_duty.hpp"
#include "daemon/service/messages.hpp"

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace rollbook {

// Whether the ledger says of itself that it is one.
bool is_simulated(const held_state& held);

// What came of the streams of one read.
struct read_outcome {
    std::vector<stream_state> closed;                 // streams read to their end, with their new windows
    std::vector<std::size_t> emptied;                 // of those, the ones without a row where there were rows before
    std::map<std::size_t, std::size_t> read_in_full;  // of those, the ones that may be asked for changes: their stream
    std::vector<failure> failures;                    // of streams that were not, or of the source as a whole
    std::vector<std::pair<std::string, errc>> unread; // the streams that were not, by name, and why
    bool marks_closed = false;                        // the stream of session marks is among the closed
    bool marks_first = false; // and it closed for the first time: what is crossed already is baseline
    bool any_first = false;   // no read of this source closed before
};

struct closing_report {
    std::vector<statement_row> statements;
    std::int64_t entries = 0;
    std::int64_t alerts_opened = 0;
    std::int64_t alerts_ended = 0;
    std::int64_t messages = 0;
    std::string over_budget; // the school day's alerts passed the budget in this closing: what to do, in words
};

// Ends a read: retirements, links, findings, alerts, messages, statement and bookmark in one transaction, then a signed
// checkpoint. Only what a closed stream supports is judged: rules read marks only when the stream of marks closed.
//
// Keeps from one closing to the next what need not be worked out again; all of it can be made anew from the ledger.
class read_closer {
public:
    read_closer(const configuration& settings, ledger& book);

    // Tells which streams of a source list what: who or what is missing can be said only once they were read to the
    // end.
    void know_streams(const connector& of);

    // Entries for settings that differ from the last ones: calendar, rules, and what the connector looked up.
    void record_settings(const std::vector<source_fact>& facts, const std::string& source, instant now);

    closing_report close(
        const source_configuration& source,
        const connector& from,
        source_reading& reading,
        const read_outcome& outcome,
        instant now
    );

    // The next closing judges everybody: a read changed what is held and broke off before it was closed.
    void judge_anew();

    // Judges the rules that go by the clock, at `now`, by what is held; commits and signs when an alert changed. While
    // marks are `half_read`, a mark that is not there opens no alert: half of a register would say of the other half
    // that they are missing. What the marks held say is told at its minute, and alerts that stand go on.
    closing_report judge_clock(instant now, bool half_read = false);

private:
    struct step; // one closing under way
    struct rule_in_force {
        const rule* by;
        const measure_kind* kind;
        std::string version;
    };

    message_setting messages_of(const step& now) const;
    bool is_read_in_full(const step& now, const std::string& source, what kind) const;
    bool is_read_first(const step& now, what kind) const;
    std::map<what, std::string_view> not_read(const step& now) const;
    std::optional<local_instant> last_read_of_marks() const;
    marks_read marks_of(const step& now) const;
    std::vector<full_list> full_lists(const step& now);
    std::vector<freshness> freshness_of(const step& now) const;
    std::vector<recorded_action> actions_to_find(const step& now) const;
    void relink(step& now);
    std::optional<possible_sums> possible_of(const step& now) const;
    void judge_findings(step& now);
    bool has_stood(const source_configuration& source, instant opened, instant now) const;
    void judge_sources(step& now);
    void judge_source(step& now, const rule_in_force& in_force, const source_configuration& source);
    std::string why_not_judged(const step& now, const rule_in_force& of) const;
    void judge_rules(step& now);
    void judge_rule(step& now, const rule_in_force& in_force, const rule_in_force& about);
    void judge_subject(step& now, const rule_in_force& in_force, const std::string& subject, verdict found);
    void record_watched(step& now);
    void judge_alerts(step& now);
    // The alert that a thing is, null where it is none. Each version is read once.
    const alert* read_alert(const step& now, const held_thing& thing);
    // The same as its value has become by now, in `followed` where that is another. `thing` is not gone.
    const alert* standing_alert(const step& now, const held_thing& thing, std::optional<alert>& followed);
    std::set<entry_index> pupils_waiting(const step& now);
    void find_changed(step& now) const;
    std::vector<alert> alerts_of(const step& now, const rule& by, entry_index pupil) const;
    std::vector<told_day> told_days_of(const step& now, const rule& by, entry_index pupil) const;
    std::vector<day_range> decided_episodes(const step& now, const rule& by, entry_index pupil) const;
    // What one version of an alert counts to a day's budget.
    struct weighed_alert {
        entry_index entry = no_entry; // the version
        civil_day opened_on{};
        const rule* by = nullptr; // null: to none
    };
    weighed_alert weigh(const held_thing& thing) const;
    void weigh_budget(step& now, const rule_facts& facts);
    std::optional<std::string> advice_for(
        step& now, const rule_facts& facts, const std::map<std::string, std::int64_t>& opened, std::int64_t in_all
    );
    void judge_pupils(step& now, const rule_facts& facts, std::span<const pupil_no> numbers);
    void judge_pupil(step& now, const pupil_history& history);
    void judge_by(step& now, const rule_in_force& in_force, const pupil_history& history, bool first, bool may_open);
    late_duty judge_late(
        const step& now,
        const rule_in_force& in_force,
        const pupil_history& history,
        const alert* last,
        const std::vector<entry_index>& used,
        verdict today
    ) const;
    // `replaced`: the newest version of the same alert, or null where there is none.
    void take_change(step& now, const rule& by, alert_change change, const held_thing* replaced);
    // `stage_before`: of a stage that rose, the place of the one it rose from.
    void tell(step& now, const rule& by, const alert& about, telling what_to_tell, int stage_before);
    bool has_flapped(const step& now, const rule& by, const alert& about) const;
    bool take_over_waiting(step& now, entry_index about, const std::string& route, const std::string& first);
    void tell_baseline(step& now);
    void state_sources(step& now);

    const configuration& settings_;
    ledger& book_;
    time_zone zone_;
    known_pupils pupils_;
    std::vector<rule_in_force> rules_; // enabled ones
    std::string mis_;
    std::vector<std::string> others_;
    std::map<std::pair<std::string, what>, std::vector<std::string>> streams_; // by source and what they make
    flags_said flags_;
    finding_judge findings_;
    std::string calendar_text_; // of the configuration
    std::string rules_text_;
    std::map<std::string, std::pair<entry_index, std::string>> recorded_; // by setting: an entry, and a value it says
    struct matched {
        link_outcome outcome;
        bool knew_all_of_mis = false;
        entry_index newest_link = 0; // a person may have decided since
    };
    std::map<std::string, matched> links_; // by source
    // What the last judging of every pupil rested on; the same again means that only touched pupils can differ.
    std::string judged_all_for_;
    struct known_alert {
        entry_index entry = no_entry; // the version
        std::optional<alert> read;
        bool is_value_asked = false;
        std::optional<alert_value> value; // that was kept of it
    };
    std::unordered_map<entry_index, known_alert> alerts_;  // by first entry
    std::uint64_t alerts_of_ = 0;                          // the held state's number
    std::vector<weighed_alert> weighed_;                   // by place among the held alerts
    std::uint64_t weighed_of_ = 0;                         // the held state's number
    std::map<std::string, std::set<entry_index>> failing_; // by rule: the pupils whom judging it broke off for
};

} // namespace rollbook
