#pragma once

#include "tests/simulation/expected.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

// Rules about a child's safety: what must hold of their alerts and messages, in the rules' own words and by what is
// held. Like the rest of what is expected it shares nothing with the daemon's own judging.
namespace rollbook::simulation {

// As a person reads it. `by_day`: a session of the day is N. `missing`: by the minute, nothing is known of the pupil
// (N, or no mark ten minutes after the register should have closed). `left`: the same of the afternoon, of a pupil who
// came in the morning, and only where the register was taken.
struct safety_rule {
    std::string id;
    enum class looks_at { by_day, missing, left } of = looks_at::by_day;
    std::vector<std::pair<std::string, int>> stages; // rising; sessions or minutes
    bool only_marked = false;                        // about those whom the lead has on the list
    bool by_clock() const { return of != looks_at::by_day; }
};
const std::vector<safety_rule>& safety_rules();
const safety_rule* find_safety_rule(const std::string& id);

// One version of an alert by such a rule, as it was written.
struct safety_version {
    std::uint64_t id = 0; // of the alert
    std::string rule;
    int pupil = 0;
    std::string state;
    std::string stage;
    std::vector<day_number> told; // by the day: those of which the alert told so far
    day_number last_day = 0;      // of its window
    bool is_decision = false;     // a person's: it tells nobody anything
};

// What the routes must be told of one alert in one word, its stage or how it ended.
struct safety_telling {
    std::uint64_t alert = 0;
    std::string word;
    int times = 0;    // each by a message of its own
    int optional = 0; // of them, what a newer one may have taken the place of
    std::set<day_number> days;
    moment newest{};
};

class safety_watch {
public:
    using marks_at = std::function<char(std::size_t day, int half, int pupil)>; // the code; 0: no mark

    // Both must outlive it. `held`: what is held by the last read.
    safety_watch(const school& of, const expectation& held, std::function<void(std::string)> wrong)
        : truth_(of), held_(held), wrong_(std::move(wrong)), marked_(of.pupils().size()), before_(of.pupils().size())
    {
    }

    // The lead puts the pupil on the list.
    void mark(int pupil) { marked_[static_cast<std::size_t>(pupil)] = true; }
    bool is_marked(int pupil) const { return marked_[static_cast<std::size_t>(pupil)]; }

    // A read of the marks that began at `started` was closed at `now`, with these versions. `local`: by the school's
    // clock.
    void read_closed(moment started, moment now, const std::vector<safety_version>& versions);
    // Versions that were written at `now`, by the rules of the clock; `code`: as it is held then.
    void judged_by_clock(moment now, const std::vector<safety_version>& versions, const marks_at& code);
    // The lead took note of an alert.
    void acknowledged(const safety_version& version);
    std::vector<std::uint64_t> open_alerts() const;
    // The rules of the clock were judged at `now`, and whatever they had to say is written.
    void must_stand(moment now);

    const std::map<std::pair<std::uint64_t, std::string>, safety_telling>& tellings() const { return tellings_; }

private:
    struct standing {
        std::uint64_t id = 0;
        int stage = -1; // -1: none stands
        bool is_acknowledged = false;
        std::set<day_number> told; // by the clock: those that it went on to
        day_number last_day = 0;
        day_number opened_on = 0;
    };
    // What met a rule by the day at the read before.
    struct known_before {
        bool in_cohort = false;
        std::vector<bool> met; // by place among the school days
    };
    std::vector<bool> days_met(int pupil, int as_of, moment local) const;
    void take_by_day(const safety_version& version, const std::vector<bool>& met, bool clock_is_back, moment now);
    void owe(const safety_version& version, const std::string& word, std::set<day_number> days, moment now);
    // The stage that is met at the minute; -1: none.
    int stage_at(const safety_rule& rule, int pupil, moment local, const marks_at& code);
    bool had_mark(int pupil, const marks_at& code);
    // The first day on which the child could be missed.
    day_number expected_from(const safety_rule& rule, int pupil, moment local, const marks_at& code);
    bool was_left_out(std::size_t day, int half, int pupil, const marks_at& code) const;
    bool may_open(moment local) const;
    bool is_of(const safety_rule& rule, int pupil) const;
    std::string about(const safety_rule& rule, int pupil) const;

    const school& truth_;
    const expectation& held_;
    std::function<void(std::string)> wrong_;
    std::vector<bool> marked_;
    std::set<int> had_mark_; // ever
    std::vector<known_before> before_;
    std::map<std::pair<std::string, int>, standing> now_;
    std::map<std::pair<int, day_number>, std::set<std::uint64_t>> told_by_; // alerts, but for those that were unsaid
    // Days of alerts that ended while the clock was put back: they may be told again.
    std::set<std::pair<int, day_number>> untold_by_clock_;
    moment newest_judged_{};          // by the school's clock
    std::optional<moment> last_read_; // by the school's clock
    std::map<std::pair<std::uint64_t, std::string>, safety_telling> tellings_;
};

} // namespace rollbook::simulation
