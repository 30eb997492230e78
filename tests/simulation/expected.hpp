#pragma once

#include "tests/simulation/school.hpp"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

// What the ledger must hold and whom the lead must hear of, worked out from what the source said and from the words of
// the rules alone. It shares nothing with the daemon's own judging.
namespace rollbook::simulation {

// A rule as a person reads it: so many of these in such a window.
struct plain_rule {
    std::string id;
    enum class counts { late, unauthorised, incidents } of = counts::late;
    int school_days = 0;                             // or, where 0, ten school weeks
    std::vector<std::pair<std::string, int>> stages; // rising; cleared below the first
    bool needs_decision = false;
};
const std::vector<plain_rule>& plain_rules();

// One change of one alert that must be an entry.
struct alert_step {
    std::size_t rule = 0;
    int pupil = 0;
    std::string state;
    std::string stage;
    enum class kind { opened, baseline, raised, ended } of = kind::opened;
    bool flapped = false;      // it is told the next school morning, if it still stands then
    bool was_baseline = false; // nobody heard of its opening
    auto key() const { return std::tie(rule, pupil, state, stage); }
};

class expectation {
public:
    explicit expectation(const school& of);

    // What must be held.
    std::vector<std::string> pupils; // fields by pupil; empty: never met
    std::vector<bool> listed;        // or known from marks alone
    std::vector<cell> marks;
    std::vector<bool> met; // a mark was ever held there
    std::vector<school::incident> incidents;
    std::vector<std::vector<bool>> parts_held; // by incident and place in everyone_in()

    // What a closed read must change of alerts. `started`: the clock when it began, `now`: when it closed.
    std::vector<alert_step>
    judge(moment started, moment now, bool marks_closed, bool first_of_marks, bool first_of_incidents);
    // By a rule that needs a decision a duty is told of though its window has moved on since, where marks of that day
    // came late. Whether this is one: not met now, and met by that earlier day. It stands from then on.
    std::optional<alert_step>
    take_late(const std::string& rule, int pupil, const std::string& stage, day_number opened_for, moment started);
    // An alert tells of earlier `days` besides. Whether the last of them is one on which the rule was met, and there
    // were more than one such time, by what is held now. It stands for them, too, from then on.
    bool also_stands_for(const std::string& rule, int pupil, const std::vector<day_number>& days, moment started);

private:
    struct state {
        bool open = false;
        bool baseline = false;
        int stage = -1;
        int opened_as_of = 0;      // among the school days
        moment opened_read_at{};   // by the school's clock
        std::vector<int> besides;  // further days that it stands for
        std::vector<moment> ended; // by the closing's clock
    };
    // Of every pupil, or of one alone (the others have 0), as far as counted then.
    static constexpr int everybody = -1;
    std::vector<int> values(const plain_rule& rule, int as_of, moment read_at, int pupil = everybody) const;
    // How many settled sessions of the window's last five school days nobody knows of yet: the pupil has no mark, nor
    // has half of the pupil's form, or it had settled `then` and by a clock put back it has not. `today`: the day
    // judged now.
    int unknown(const plain_rule& rule, int as_of, moment then, moment read_at, int today, int pupil) const;
    int stage_of(const plain_rule& rule, int value) const;
    // Whether the rule was met on a day that an open alert stands for; empty where that is not known yet.
    std::optional<bool> was_met(const plain_rule& rule, const state& open, int pupil, int today, moment read_at) const;
    bool counts_at(int day, int half, moment local) const;
    std::optional<int> day_judged(moment local) const;
    int first_day(const plain_rule& rule, int as_of) const;

    const school& truth_;
    std::vector<std::vector<std::size_t>> incidents_of_; // by pupil: all that the pupil is ever in
    std::vector<int> week_;                              // of each school day, counted in school weeks
    std::map<std::pair<std::size_t, int>, state> alerts_;
};

} // namespace rollbook::simulation
