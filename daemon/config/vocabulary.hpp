#pragma once

#include <array>
#include <string_view>

namespace rollbook {

// The rule ids that the pack "england" is published with. A route may name each of them from the start, so that a
// school's file does not change when the pack grows; load_configuration() warns of one that is not in force.
inline constexpr std::array<std::string_view, 15> published_rules = {
    "repeated-lateness",
    "penalty-notice",
    "persistent-absence",
    "reason-overdue",
    "continuous-absence",
    "illness",
    "suspension-days",
    "suspension-duties",
    "missing-child",
    "priority-child-absent",
    "broken-weeks",
    "friday-monday",
    "absence-after-incident",
    "incidents",
    "source-stale",
};

inline constexpr std::array<std::string_view, 5> channels = {"email", "teams", "webhook", "file", "note"};

// What of an alert a route may be held to, beside the rule and the pupil as `disclose` allows.
inline constexpr std::array<std::string_view, 6> alert_fields = {
    "stage", "state", "value", "threshold", "reason", "source"};

} // namespace rollbook
