#pragma once

#include "daemon/cases/pupil_facts.hpp"
#include "daemon/domain/visibility.hpp"
#include "daemon/views/backtest.hpp"
#include "daemon/views/people.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace rollbook {

// How one pupil stands to one rule: what it asks, what is so, and what is missing.
struct rule_standing {
    struct condition {
        std::string what;
        std::string expected;
        std::string actual;
        bool holds = false;
    };

    rule by;
    civil_day as_of{}; // the last school day judged
    verdict found;
    std::vector<condition> conditions;
    std::string held_back;             // what is not known yet, in words; mostly empty
    const rule_stage* next = nullptr;  // of `by`; null: the highest is met, or the pupil is outside the cohort
    std::int64_t needed = 0;           // until `next`, in the measure's unit
    std::optional<civil_day> falls_on; // the school day on which the value is lower though nothing new happens

    explicit rule_standing(rule judged_by) : by(std::move(judged_by)) {}
    rule_standing(rule_standing&&) = delete; // `next` points into it
};

// A pupil among the others as rules see them at the moment asked about. Reads of the others' register what the rules
// ask for, a term or somewhat more than a year, and of the pupil all that is held. `at` and `rules` must outlive it.
class judged_school {
public:
    // Calls `pause` now and then; what it throws ends the reading.
    judged_school(
        const workplace& at, entry_index pupil, std::span<const rule> rules, std::function<void()> pause = {}
    );

    // Calls `use` with the pupil's standing to each of the rules; those about sources or rules are passed over. False
    // when there is no register of the pupil to judge.
    bool standings(const std::function<void(const rule_standing&)>& use);

private:
    void look_up();
    void take_marks(entry_index pupil, const day_range& days);
    bool take(const thing_view& each);
    void take_incidents();

    const workplace& at_;
    entry_index pupil_;
    std::span<const rule> rules_;
    std::string mis_;
    std::function<void()> pause_;
    std::uint64_t taken_ = 0;
    held_state held_;
    known_pupils pupils_;
};

// What somebody must be allowed to see in order to see how any pupil stands to the rule, met or not: of its measure,
// and of what puts a pupil into its cohort.
// `cases`: labels_of_cases(), read once for all rules.
visibility labels_of(const rule& by, visibility cases);
// Of what it counts beside marks.
visibility labels_of_measure(const rule& by, visibility cases);
// Of the incidents and suspensions that rules count, whatever system they are from.
visibility labels_of_cases(const workplace& at);

// The members of `rules why-not --json`. `write_pupil` writes the value of the member "pupil"; empty: there is none.
void write_standing(
    json_writer& out, const rule_standing& of, const std::function<void(json_writer&)>& write_pupil = {}
);

// The MIS whose register rules judge. Fails with not_found.
result<std::string> judged_source(const configuration& config);

// "at_least=4" or "letter=6" each: the threshold of the lowest, or of the named stage. Fails with usage: no such stage,
// or the stages are out of order then.
result<void> change_thresholds(rule& by, std::span<const std::string> changes);

} // namespace rollbook
