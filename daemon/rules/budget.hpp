#pragma once

#include "daemon/rules/alert.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace rollbook {

// One pupil's value by a rule on the evening of the school day before, and now.
struct value_pair {
    std::int64_t before = 0;
    std::int64_t now = 0;
};

// The lowest threshold above `at_least`, a whole number of `step`s, that at most `allowed` of the pupils crossed today:
// below it before, at or above it now. There always is one.
struct lower_flood {
    std::int64_t at_least = 0;
    std::int64_t would_open = 0;
};
lower_flood
threshold_within(std::span<const value_pair> values, std::int64_t at_least, std::int64_t step, std::int64_t allowed);

// Whether a school may set the rule's thresholds as it likes: not where the law sets them (a decision is needed), nor
// where a child's safety rests on them.
bool may_be_raised(const rule& judged_by);

// The values of one pupil by the first stage of `judged_by`, now and on the evening of the school day before; both by
// what is known now. Empty for a pupil outside the cohort.
std::optional<value_pair> values_of(const rule& judged_by, const pupil_history& now);

} // namespace rollbook
