#pragma once

#include "daemon/base/error.hpp"
#include "daemon/domain/alert_value.hpp"
#include "daemon/domain/case_facts.hpp"
#include "daemon/domain/register.hpp"
#include "daemon/domain/register_gate.hpp"
#include "daemon/domain/rule.hpp"
#include "daemon/domain/school_age.hpp"

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

class json_writer;

// What the pure rules need to know of one pupil.
struct judged_pupil {
    pupil_no number = 0;
    entry_index ref = 0;
    std::string_view year;                     // national curriculum year as the source names it; empty: not known
    std::optional<civil_day> date_of_birth;    // for compulsory school age
    std::string_view group;                    // registration group; empty: not known
    flag_set flags;                            // those the configuration asks for, as known today
    bool is_watched = false;                   // on the safeguarding lead's list
    std::optional<local_instant> accounted_at; // when a contact last said where the pupil is
    std::optional<civil_day> on_roll_from;     // the first day on roll; empty: not known
    std::optional<civil_day> on_roll_to;       // the last one; empty: on roll
};

// The moment of judging: rules see what a closed read at `read_at` (school time) could see, as of `as_of`, the last
// school day with a session that had closed and settled by then.
struct judged_day {
    civil_day as_of{};
    local_instant read_at{};
};

// The last school day on or before `read_at` that has a session closed and settled by then; empty when there is none.
std::optional<judged_day> judge_at(const school_calendar& calendar, local_instant read_at);

// The next minute after `after` at which a rule by the clock can come to another verdict though nothing is read: a
// register closes, is taken for untaken, or a stage of `rules` is reached. Empty when the calendar has none within its
// next school days, or no rule goes by the clock.
std::optional<local_instant>
next_clock_change(const school_calendar& calendar, std::span<const rule> rules, local_instant after);

// Sessions absent and possible, beside a percentage.
struct absence_parts {
    std::int64_t absent = 0;
    std::int64_t possible = 0;
    bool operator==(const absence_parts&) const = default;
};

// A measured value and the entries that make it, in order of time. Unit: the measure's.
struct measured {
    std::int64_t value = 0;
    std::vector<entry_index> evidence;
    day_range window{};
    std::int64_t unexplained = 0;       // of the evidence, how many sessions are still N
    std::optional<absence_parts> parts; // of percentages
    // By how much the value may turn out higher or lower once the sessions that are held back are known.
    std::int64_t may_rise_by = 0;
    std::int64_t may_fall_by = 0;
    bool is_enough = true; // false: too few possible sessions to say anything
    std::string detail;    // what a person has to know besides, in whole sentences; often empty
};

// How much is absent on each weekday in the whole school, Monday first; weekend marks count nowhere.
struct weekday_rates {
    std::array<absence_parts, 5> days;
};

// The school's own pattern, which one pupil's is held against. Made once for each range of days.
class school_rates {
public:
    school_rates(const attendance_register& held, const school_calendar& calendar, const judged_day& judged)
        : held_(held), calendar_(calendar), judged_(judged)
    {
    }
    const weekday_rates& over(day_range days) const;

private:
    const attendance_register& held_;
    const school_calendar& calendar_;
    judged_day judged_;
    mutable std::map<day_range, weekday_rates> made_;
};

// All that rules may read. A measure that needs more gets it here, and no signature changes.
struct rule_facts {
    const attendance_register& held; // of the MIS
    const school_calendar& calendar;
    const case_facts* cases = nullptr;      // null: no incidents, no suspensions
    const school_rates* school = nullptr;   // null: made where it is needed
    std::optional<local_instant> last_read; // when marks were last read to their end, for the clock's measures
    const register_gate* gate = nullptr;    // what is held back; null: nothing is
    bool is_half_read = false; // marks are just coming in: that one is not there yet is no news to the clock's measures
};

// One pupil's marks as rules may read them at one moment: those of codes that the law lists on their day, closed and
// settled by judged.read_at, up to judged.as_of, in order of time. They are gathered as far back as they are asked for,
// once for all rules.
class pupil_history {
public:
    struct one {
        session_id session{};
        const statutory_code* row = nullptr;
        std::uint32_t entry = 0;
        std::uint8_t minutes = 255; // as held_mark has them
    };

    // All of it must outlive the history.
    pupil_history(const rule_facts& facts, const judged_pupil& pupil, const judged_day& judged);
    // The histories of several pupils, in their order, gathered from the day `from` on: sooner than one by one, because
    // a register lies by days.
    static std::vector<pupil_history>
    of_several(const rule_facts& facts, std::span<const judged_pupil> pupils, const judged_day& judged, civil_day from);

    const rule_facts& facts() const { return facts_; }
    const judged_pupil& pupil() const { return pupil_; }
    const judged_day& judged() const { return judged_; }
    std::span<const one> in(day_range days) const;
    // Sessions closed and settled of which nothing is known yet, in order of time.
    std::span<const session_id> held_back() const;

    // The same as of an earlier moment: what a history made for it would be, and sooner.
    pupil_history as_of(const judged_day& earlier) const;
    // The same as if the entries `left_out`, in ascending order, were not there. They must outlive it.
    pupil_history without(std::span<const entry_index> left_out) const;
    bool leaves_out(entry_index entry) const;

private:
    void reach_back_to(civil_day day) const;
    std::optional<one> read(session_id session, const held_mark& mark) const;
    bool has_settled(session_id session) const;
    std::vector<session_id> find_held_back() const;

    const rule_facts& facts_;
    const judged_pupil& pupil_;
    judged_day judged_;
    std::span<const entry_index> left_out_;
    mutable civil_day from_; // marks_ has those from here on
    mutable std::vector<one> marks_;
    mutable std::vector<std::vector<one>> outgrown_; // what in() gave of them stays good
    mutable std::optional<std::vector<session_id>> held_back_;
};

// The first day of the rule's windows that end at `as_of`; empty when the calendar gives none.
std::optional<civil_day> first_day_of_windows(const rule& by, const school_calendar& calendar, civil_day as_of);

// Measures one pupil over `window`, ending at judged.as_of; nothing when the calendar gives no such window. What a code
// means is the statutory table's word on the session's day; unmapped and not recorded count nowhere. A mark on a day
// that the calendar closes counts as held, as it does in the figures: the school may have been open to some, and a
// finding asks. `find_measure(measure)` must give one.
measured take_measure(std::string_view measure, const rule_window& window, const pupil_history& history);

// How a pupil stands to a rule's cohort on a day. Age follows the day that is asked about; of year, group, flags and
// watch list only today's are known.
enum class cohort_fit { inside, other_year, other_age };

// Earlier days on which a rule was met, and that in a sentence.
struct earlier_duty {
    day_range days{}; // from the day that met it best to the end of its episode
    std::string says;
    bool operator==(const earlier_duty&) const = default;
};

// A day of which an alert told, and the threshold that was reached.
struct told_day {
    civil_day day{};
    std::int64_t threshold = 0;
    bool operator==(const told_day&) const = default;
};

// What a rule says of one pupil on one day. What is held back decides nothing: a stage is met only when it is whatever
// comes of the sessions held back, and what they may yet change is `may_be_met` and `above_clearing`.
struct verdict {
    int stage = -1;             // index of the highest stage surely met; -1: none
    std::int64_t value = 0;     // measured in that stage's window; in the first stage's when none is met
    std::int64_t threshold = 0; // of that stage; of the first when none is met
    bool may_be_met = false;    // some stage is met, or would be by what is held back
    // A stage is met, or the value in the first stage's window may be at the clearing level.
    bool above_clearing = false;
    day_range window{};
    std::vector<entry_index> evidence;
    std::int64_t unexplained = 0; // of the evidence, how many sessions are still N
    std::optional<absence_parts> parts;
    std::string detail;
    std::vector<earlier_duty> met_before; // other episodes, which are known only now
    std::vector<told_day> told_besides;   // days that are told of with it, or were by an alert that is over
    // What is not known yet that may meet a stage or the clearing level, in words that follow "because"; empty where a
    // stage is met or all is known.
    std::string waits_for;
    bool is_predicted = false; // the stage is met by the pace, not yet by the value
    // Of a rule that does not reuse evidence, where earlier decisions were made on some (`left_out`, ascending): all of
    // the above is of what is left, and this of everything.
    struct whole_count {
        std::int64_t value = 0;
        bool above_clearing = false;
    };
    std::optional<whole_count> in_all;
    std::vector<entry_index> left_out;
    cohort_fit fit = cohort_fit::inside;
};

// A pupil who is in the cohort by nothing that is known today (year, group, flags, watch list) is `other_year`. The
// year is compared without "Year", "Yr" or "Y" and leading zeros; an unknown year is in no named year. Where the date
// of birth is unknown, only a year above 11 is outside compulsory school age: better asked about than missed.
cohort_fit fit_of(const rule_cohort& cohort, const judged_pupil& pupil, civil_day day);
// False when the pupil is outside the rule's cohort; such a pupil's verdict is "none met", value 0, without a window.
bool in_cohort(const rule_cohort& cohort, const judged_pupil& pupil, civil_day day);

// Judges one pupil by one rule. A cohort of compulsory school age leaves out the sessions before it began.
verdict evaluate(const rule& judged_by, const pupil_history& history);
verdict evaluate(const rule& judged_by, const judged_pupil& pupil, const rule_facts& facts, const judged_day& judged);
// The same of what no decision was made on yet: without `used`, in ascending order.
verdict evaluate_fresh(const rule& judged_by, const pupil_history& history, std::vector<entry_index> used);

enum class alert_state { baseline, pending, open, acknowledged, resolved, withdrawn };
std::string_view name_of(alert_state state);
std::optional<alert_state> parse_alert_state(std::string_view text);
inline bool is_ended(alert_state state)
{
    return state == alert_state::resolved || state == alert_state::withdrawn;
}

// What a person decides of an alert.
enum class alert_verb { acknowledge, take_up, park, close };
std::string_view name_of(alert_verb verb);
std::optional<alert_verb> parse_alert_verb(std::string_view text);

struct alert_decision {
    alert_verb verb = alert_verb::acknowledge;
    std::string user;    // of the operating system
    std::string by;      // as claimed; empty: nobody named
    std::string outcome; // of a close: a word
    std::string text;
    bool operator==(const alert_decision&) const = default;
};

// One alert as it stands. Its id is the index of the entry that opened it.
struct alert {
    entry_index id = no_entry;
    entry_index latest = no_entry; // the entry of this version
    entry_index pupil = no_entry;  // no_entry: about a source
    std::string source;            // or a rule, by rule_subject; empty: about a pupil
    std::string rule;
    std::string rule_version;
    std::string stage;
    alert_state state = alert_state::open;
    std::int64_t value = 0;
    std::int64_t threshold = 0;
    day_range window{};
    judged_day opened_for{}; // the moment of judging that opened it: "withdrawn" is decided by it
    instant opened_at{};
    instant changed_at{};
    instant staged_at{}; // when its stage was reached, or it was taken up; not known of older entries
    std::vector<entry_index> evidence;
    std::optional<absence_parts> parts; // of percentages: value and threshold are in hundredths of a per cent
    // By a rule that does not reuse evidence: what earlier decisions were made on, ascending, which counts in neither
    // value nor evidence, and the value with it.
    std::vector<entry_index> used;
    std::optional<std::int64_t> value_in_all;
    std::string reason;                   // plain English, mostly one sentence
    std::vector<earlier_duty> also_met;   // what else is to be decided with it; mostly empty
    std::string kept_open;                // why it stands though its condition is not met for sure; mostly empty
    std::optional<instant> told_again_at; // when it was last told of another day that meets it too
    // By a rule that does not reuse evidence: what met it, since it is met no more; empty while it is.
    std::vector<entry_index> was_met_by;
    // By a rule about a child's safety that reads marks: the days of which it told. Not known of older entries.
    std::vector<told_day> told;
    // By a rule that needs a decision: the day on which no stage was met any more; empty while one is.
    std::optional<civil_day> met_until;
    bool parked = false;                   // a baseline alert that a person put aside until its stage rises
    std::optional<alert_decision> decided; // where this version is a person's
};

inline bool is_about_source(const alert& value)
{
    return !value.source.empty();
}

// An alert about a rule that cannot be judged is about the source "rule/ID".
inline constexpr std::string_view rule_subject = "rule/";

// What an alert about no pupil is about, for people: "Source" and "mis", or "Rule" and "illness".
struct alert_subject {
    std::string_view kind;
    std::string_view name;
};
inline alert_subject subject_without_pupil(const alert& value)
{
    const std::string_view name = value.source;
    if (!name.starts_with(rule_subject)) return {"Source", name};
    return {"Rule", name.substr(rule_subject.size())};
}

// Whether some of the evidence is not among what is `known`.
bool is_more_than(const std::vector<entry_index>& evidence, const std::vector<entry_index>& known);

// The days of which an alert by a rule about a child's safety that reads marks told.
std::vector<told_day> days_told(const alert& by);

// What reminders count from.
inline instant counts_since(const alert& value)
{
    return value.staged_at == instant{} ? value.opened_at : value.staged_at;
}

// A value or threshold as people read it: "3", or, of hundredths, "10.52" and "8".
std::string shown_value(std::int64_t value, bool in_hundredths);
// The same as a JSON number.
void write_value(json_writer& out, std::int64_t value, bool in_hundredths);

// What is to be told of a change. `later_day`: that a rule about a child's safety is met by a later day too;
// `earlier_day`: that one is by a day from before that became known now.
enum class telling { nothing, opened, stage_up, baseline, ended, later_day, earlier_day };

struct alert_change {
    alert next;
    telling tell = telling::nothing;
    int stage_before = -1; // of stage_up: the place of the stage that it rose from
    // Nothing that counts is another: only the value, and with it window and reason. No version is to be made.
    bool only_value = false;
};

// What is kept of such a change, and the alert as it stands by what was kept; that of an older version is passed over.
alert_value value_to_keep(const alert& next);
void follow_value(alert& version, const alert_value& kept);

// Whether a person closed the alert while its condition was met: resolved, with a value that meets a stage. Its episode
// goes on, and next_alert() wants it as `current`, so that a decided matter is not opened again at the next read.
bool is_decided(const rule& judged_by, const alert& value);

// What the next verdict of the rule and pupil must leave out, in ascending order: nothing by a rule that reuses
// evidence, else what decisions up to `last` were made on. `last`: their newest alert, ended or not; or null.
std::vector<entry_index> used_before(const rule& judged_by, const alert* last);

// The next state of one (rule, pupil), or empty when nothing changes.
//
// `current` is the alert not yet ended, or the last one when it is_decided(), or null. `now` is today's verdict; `then`
// is the verdict by today's knowledge at current->opened_for (ignored when current is null). Opens at the highest stage
// met; as `baseline` when `first_read`; as `pending`, told to nobody, where the rule has a `hold`, and open once the
// condition has lasted that long. A pending alert whose condition goes is resolved, and told to nobody either.
//
// While not ended, the stage only goes up, and a baseline alert whose stage rises becomes open. By a rule about a
// child's safety a later day that meets it is told `again`, and the alert is open once more, whoever took note of the
// day before; and so is a day from before (`now.met_before`). Value, window and evidence follow the highest stage met
// now (the first stage's window when none is met); stage and threshold stay those reached, so that a value may stand
// below its threshold, and the reason says so.
//
// When no stage is met: withdrawn if by today's knowledge none was met at the opening either; else resolved when the
// value is below the clearing level, unless the rule needs a decision: then it stays. A pupil whose year left the
// cohort never withdraws an alert, because the year of then is not known.
//
// After a person's decision: a new alert opens when a higher stage is met; by a rule that does not reuse evidence, when
// any stage is met by evidence that no decision was made on; by a rule about a child's safety, when a later day meets
// it. When the value falls below the clearing level the closed alert takes that value, told to nobody, and is decided
// no more; else nothing changes.
//
// An alert that would end if what is held back were nothing says in its reason and in `kept_open` what it waits for.
//
// State, stage, threshold, value, evidence and what it waits for that did not change make no change; a window that only
// moved on makes none, but for a rule about a child's safety, whose last day a decision speaks of. A value that changed
// alone makes one that is `only_value`. The end of a baseline alert is not told: its opening was not told by itself
// either.
std::optional<alert_change> next_alert(
    const rule& judged_by,
    const std::string& rule_version,
    const judged_pupil& pupil,
    const alert* current,
    const verdict& now,
    const verdict* then,
    const judged_day& judged,
    bool first_read,
    instant at
);

// The version of an alert that a person's decision makes.
//
// | verb        | baseline         | open         | acknowledged | pending, resolved, withdrawn |
// | acknowledge | acknowledged     | acknowledged | stands       | refused                      |
// | take_up     | open             | stands       | stands       | refused                      |
// | park        | baseline, parked | refused      | refused      | refused                      |
// | close       | resolved         | resolved     | resolved     | refused                      |
//
// Empty where the alert stands so already, which is no failure: a command that is given again does nothing. That holds
// also of parking again, and of a close that equals the one which made the newest version. Value, stage and evidence
// stay: an alert closed while its condition is met is_decided(). Fails with forbidden where refused, and with usage
// when a close has no outcome, or no words though the rule `needs_words`.
result<std::optional<alert>>
decide_alert(const alert& current, const alert_decision& decided, bool needs_words, instant at);

// Canonical JSON payload of an alert's entry, and back. Payload keys: schemas/ledger/payloads.md.
//
// `own_index` is the place of the entry itself. An alert whose id is no_entry or `own_index` is at its opening; any
// other payload names its alert and, as what it replaces, value.latest. Reading back gives latest = own_index. Keys
// that are not known are passed over; an entry that is no alert, or misses a key, gives nothing.
std::string alert_payload(const alert& value, entry_index own_index);
std::optional<alert> parse_alert_payload(std::string_view payload, entry_index own_index);

} // namespace rollbook
