#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rollbook {

// A window of a rule, ending at the day it is judged.
struct rule_window {
    enum class unit { school_days, school_weeks, half_term, term, academic_year } of = unit::school_days;
    int count = 0; // for school_days and school_weeks
    auto operator<=>(const rule_window&) const = default;
};

struct rule_stage {
    std::string name;
    std::int64_t at_least = 0;
    std::optional<rule_window> window; // its own, else the rule's
};

struct rule_cohort {
    std::vector<std::string> years; // empty: every year
    bool compulsory_school_age = false;
};

// When somebody is reminded of an alert that nobody has acknowledged, in school time since its stage was reached.
// No fact of what is judged: who is told when shows in the receipts.
struct reminding {
    std::chrono::milliseconds remind_after{};   // every so long; 0: never
    std::chrono::milliseconds escalate_after{}; // once, to that route; 0: never
    std::string escalate_to;
    bool is_set() const { return remind_after.count() > 0 || escalate_after.count() > 0; }
};

// A rule is data: what is measured, over what, when it fires and who says so.
struct rule {
    std::string id;
    std::string title;
    std::string measure; // one of measure_names()
    rule_window window;
    std::vector<rule_stage> stages; // ascending, at least one
    std::int64_t clear_below = 0;   // 0: the lowest stage's at_least
    bool needs_decision = false;    // closes by a person's decision or changed facts only
    bool safety = false;            // about a child's safety: never silenced, held back or gathered
    enum class unknown { wait, tell } when_unknown = unknown::wait;
    rule_cohort cohort;
    reminding reminders;
    bool enabled = true;
    std::string source; // instrument and date, or the school's own policy
    std::string pack;   // the pack it comes from; empty: the school's own

    std::int64_t clearing_level() const { return clear_below > 0 ? clear_below : stages.front().at_least; }
};

} // namespace rollbook
