#pragma once

#include "daemon/reports/report.hpp"
#include "daemon/rules/alert.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_set>

namespace rollbook {

// What a report needs to know of the school: the less it asks for, the sooner it is there.
struct facts_needed {
    civil_day earliest{};                                  // of the marks; they go up to today
    std::optional<std::unordered_set<entry_index>> pupils; // whose marks; empty: everybody's
    bool (*wanted)(const mark_view&) = nullptr;            // which of them; null: all
    std::shared_ptr<const case_facts> cases = nullptr;     // null: no incidents and no suspensions
};

// As much as any rule looks back: somewhat more than a year before the days asked about.
civil_day looked_back_to(const report_question& asked);

// The register of the MIS as known at the question's size, in the form that rules read: a report and an alert measure
// with the same functions, and cannot differ.
class school_facts {
public:
    school_facts(const report_question& asked, facts_needed needed);

    // The end of the last day asked about, or now where that is today; empty where no session had closed by then.
    std::optional<judged_day> judged(civil_day last) const;
    // What the rule says of a person as of `when`; nothing of one who is no pupil.
    std::optional<verdict> judge(const rule& by, entry_index person, const judged_day& when) const;
    // A measure over the window that ends at `when`; 0 of one who is no pupil.
    measured
    measure(std::string_view name, const rule_window& window, entry_index person, const judged_day& when) const;

    // The day of birth in the MIS, where it is read.
    std::optional<civil_day> born(entry_index person) const;
    // The last day up to `last` on which the person is of the age that the rule asks for: what was done up to then is
    // judged after it as well. `last` itself where the rule asks for none, or the person is not of it yet.
    civil_day last_day_of_age(const rule& by, entry_index person, civil_day last) const;

    struct mark {
        session_id session{};
        const statutory_code* row = nullptr; // null: the law lists no such code, or nothing is recorded
        std::uint32_t entry = 0;
        int minutes = -1;
        std::string_view raw;
    };
    // The person's marks of sessions that have closed and settled, in order of time.
    void each_mark(entry_index person, const day_range& days, const std::function<void(const mark&)>& use) const;

private:
    judged_pupil who(entry_index person, pupil_no number) const;
    bool has_settled(session_id session) const;

    const report_question& asked_;
    attendance_register marks_;
    std::shared_ptr<const case_facts> cases_;
    std::map<entry_index, pupil_outline> pupils_;
    local_instant now_;
    mutable std::map<session_id, bool> settled_; // asked of each session once, not of each mark
};

// The rule of that id, or null where the school has none or switched it off.
const rule* rule_in_force(const configuration& config, std::string_view id);

} // namespace rollbook
