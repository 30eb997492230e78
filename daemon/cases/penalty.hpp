#pragma once

#include "daemon/cases/action.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// Kinds of action that rest on the alert's evidence and use it up: a letter, a warning (Notice to Improve), a penalty
// notice and a referral.
bool rests_on_evidence(std::string_view kind);

// How much of an alert's evidence counts for its next letter.
struct evidence_count {
    std::int64_t all = 0;
    std::int64_t fresh = 0; // not the evidence of a completed action of the same kind, rule and pupil
};
// `keys` says what each entry of `now` tells of ("2026-11-20 AM"), in the same order, and `used` the same of the
// evidence of completed actions: a mark that was written again under another entry is still the same session.
evidence_count count_fresh(const std::vector<std::string>& keys, const std::vector<std::string>& used);
// Whether the action used up evidence for the next of `kind`: done, and not called off.
bool has_used_evidence(const case_action& action, std::string_view rule, std::string_view kind);

struct penalty_notice {
    civil_day issued{};
    bool withdrawn = false;
};

// Penalty notices to one adult about one child, by day of issue. One that is not done counts as well: two could
// otherwise be on their way at once.
std::vector<penalty_notice> notices_in(const std::vector<case_action>& all, entry_index pupil, std::string_view adult);

struct notice_answer {
    int counted = 0; // the most that stand in three years with that day among them
    bool allowed = true;
    std::string reason; // why not
    std::string to_do;
};

// At most two notices to a parent for a child in three years from the issue of the first, whichever was recorded first;
// unpaid ones count, withdrawn ones do not, and instead of a third another action is taken. The period of three years
// ends with the day before its anniversary, from which on the first no longer counts.
//
// Source: Education (Penalty Notices) (England) (Amendment) Regulations 2024, SI 2024/210, in force 19 August 2024;
// national framework in "Working together to improve school attendance" (DfE, August 2024).
notice_answer may_issue(const std::vector<penalty_notice>& notices, civil_day on);

// What a school makes sure of before it refers an absence to the local authority for a notice: no session is still
// without a reason (N), the parents were warned (Notice to Improve), and support was given or is said not to fit.
// Source: as above; "support first, except where it is not appropriate".
struct referral_check {
    std::int64_t unexplained = 0; // sessions of the evidence that are still N
    bool warned = false;
    bool supported = false; // or the words why not: an outcome "not-appropriate" with text
    bool is_ready() const { return unexplained == 0 && warned && supported; }
    std::vector<std::string> lacking() const; // one line each
};
referral_check check_referral(const std::vector<case_action>& of_the_alert, std::int64_t unexplained);

} // namespace rollbook
