#pragma once

#include "daemon/domain/measure.hpp"

#include <array>
#include <bitset>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// A window of a rule, ending at the day it is judged.
//
// suspension_term: the period that suspended days are totalled over, which ends on 31 December, Easter Monday and 31
// July, whatever the school's own terms are. Source: SI 2012/1033 reg. 2, "reference date".
struct rule_window {
    enum class unit {
        school_days,
        school_weeks,
        half_term,
        term,
        academic_year,
        suspension_term,
    } of = unit::school_days;
    int count = 0; // for school_days and school_weeks
    auto operator<=>(const rule_window&) const = default;
};

struct rule_stage {
    std::string name;
    std::int64_t at_least = 0;         // in the measure's unit
    std::optional<rule_window> window; // its own, else the rule's
    // Met before its value as well: once the stage below is met and the pace so far, carried on to the end of the
    // academic year, reaches at_least.
    bool predict = false;
};

// Whom a rule is about: every condition that is named must hold; of flags and watch list, any one.
struct rule_cohort {
    std::vector<std::string> years;  // empty: every year
    std::vector<std::string> groups; // registration groups; empty: every group
    std::vector<std::string> flags;  // of known_flags
    bool watch_list = false;         // pupils on the safeguarding lead's list
    bool compulsory_school_age = false;

    bool asks_of_flags() const { return !flags.empty() || watch_list; }
    bool operator==(const rule_cohort&) const = default;
};

// When somebody is reminded of an alert that nobody has acknowledged, in school time since its stage was reached.
// No fact of what is judged: who is told when shows in the receipts.
struct reminding {
    std::chrono::milliseconds remind_after{};   // every so long; 0: never
    std::chrono::milliseconds escalate_after{}; // once, to that route; 0: never
    std::string escalate_to;
    bool is_set() const { return remind_after.count() > 0 || escalate_after.count() > 0; }
};

// What a cohort may ask of a pupil. Read from a source only where a rule names it.
inline constexpr std::array<std::string_view, 13> known_flags = {
    "social_worker",
    "child_protection",
    "child_in_need",
    "looked_after",
    "previously_looked_after",
    "youth_justice",
    "young_carer",
    "sen_support",
    "ehcp",
    "fsm",
    "pupil_premium",
    "eal",
    "part_time_timetable",
};

// Flags of one pupil, each at its place in known_flags.
using flag_set = std::bitset<known_flags.size()>;

// A rule is data: what is measured, over what, when it fires and who says so.
struct rule {
    std::string id;
    std::string title;
    std::string measure; // the name of one of measures()
    rule_window window;
    std::vector<rule_stage> stages; // ascending, at least one
    std::int64_t clear_below = 0;   // 0: the lowest stage's at_least
    bool needs_decision = false;    // closes by a person's decision or changed facts only
    enum class unknown { wait, tell } when_unknown = unknown::wait;
    rule_cohort cohort;
    reminding reminders;
    std::int64_t min_possible = 0;    // of a share: with fewer possible sessions nothing is said
    std::chrono::milliseconds hold{}; // how long the condition must last before an alert opens
    bool reuse_evidence = true;       // what one decision was made on counts for the next alert too
    bool safety = false;              // live from the first read on; never muted, gathered or held back
    bool enabled = true;
    std::string source; // instrument and date, or the school's own policy
    std::string pack;   // the pack it comes from; empty: the school's own

    const rule_window& window_of(const rule_stage& stage) const { return stage.window ? *stage.window : window; }
    std::int64_t clearing_level() const { return clear_below > 0 ? clear_below : stages.front().at_least; }
};

// The place of the stage of that name, from 0; -1 when the rule has none.
inline int place_of_stage(const rule& of, std::string_view name)
{
    for (std::size_t at = 0; at < of.stages.size(); ++at)
        if (of.stages[at].name == name) return static_cast<int>(at);
    return -1;
}

} // namespace rollbook
