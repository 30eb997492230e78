#pragma once

#include "daemon/domain/rule.hpp"

// Three rules of the pack "england" as values, for tests that judge without reading a file.
namespace rollbook::support {

inline rule repeated_lateness()
{
    rule made;
    made.id = "repeated-lateness";
    made.title = "Repeated lateness";
    made.measure = "late_sessions";
    made.window = {rule_window::unit::school_days, 10};
    made.stages = {
        {"tutor", 3, std::nullopt},
        {"letter", 5, std::nullopt},
        {"panel", 10, rule_window{rule_window::unit::half_term, 0}},
    };
    made.clear_below = 3;
    made.source = "school policy";
    return made;
}

inline rule penalty_notice()
{
    rule made;
    made.id = "penalty-notice";
    made.title = "Penalty-notice threshold";
    made.measure = "unauthorised_sessions";
    made.window = {rule_window::unit::school_weeks, 10};
    made.stages = {{"met", 10, std::nullopt}};
    made.needs_decision = true;
    made.cohort.compulsory_school_age = true;
    made.source = "national framework for penalty notices, in force 2024-08-19";
    return made;
}

inline rule reason_overdue()
{
    rule made;
    made.id = "reason-overdue";
    made.title = "Reason for absence overdue";
    made.measure = "reason_age";
    made.window = {rule_window::unit::academic_year, 0};
    made.stages = {{"amber", 3, std::nullopt}, {"red", 5, std::nullopt}, {"overdue", 6, std::nullopt}};
    made.source = "SI 2024/208 reg. 10(7)-(9)";
    return made;
}

} // namespace rollbook::support
