#pragma once

#include "daemon/base/json.hpp"
#include "daemon/domain/figures.hpp"
#include "daemon/domain/rule.hpp"
#include "daemon/views/people.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace rollbook {

// Who a person is, as the newest record of each system says; the MIS's word comes first.
struct profile {
    entry_index person = no_entry;
    std::string name;
    std::string sort_name; // surname first
    std::string year;      // empty: not known
    std::string form;      // registration group; empty: not known
    flag_set flags;        // of the MIS, as far as a rule in force asks for them
    bool on_roll = true;   // of the MIS, at the moment asked about
};

// Whether `day` lies within the days on roll that the `fields` of a pupil's record give; one not given bounds nothing.
bool is_on_roll(json_view fields, civil_day day);

// Every person known at one size of the ledger. Strangers, whom no MIS pupil is linked to, are not on roll.
class roster {
public:
    roster(const workplace& at, const people& everyone);
    // Null for a person who is not known, or was erased.
    const profile* find(entry_index person) const;
    const std::map<entry_index, profile>& all() const { return all_; }

private:
    std::map<entry_index, profile> all_;
};

// The figures of every person over `days`.
std::map<entry_index, figures> figures_of_all(const workplace& at, const people& everyone, const day_range& days);

// "4.5": so many in a hundred, cut to one decimal place and never rounded up. "-" when nothing was possible.
std::string percent_text(std::int64_t part, std::int64_t whole);
// A part and its whole. One of nothing is less than any other.
struct share {
    std::int64_t part = 0;
    std::int64_t whole = 0;
};
bool is_larger_share(const share& a, const share& b);

// Figures of groups. A group of fewer than `suppress_below` pupils is not told, nor a count of pupils between 1 and
// that; and where one group alone is hidden, or several with fewer pupils than that in all, the smallest others are
// hidden with them, of forms those of the same year, or a subtraction would tell. Nor are the forms of a year that is
// hidden.
struct group_row {
    std::string name;
    int pupils = 0;
    int persistent = 0; // pupils whose absence is 10 % or more
    figures sums;
    bool is_hidden = false;
};
inline constexpr int suppress_below = 5;
std::vector<group_row>
group_rows(const roster& pupils, const std::map<entry_index, figures>& sums, std::string profile::*by);
// A count of pupils as told to who may not know single ones: a number, or "fewer than 5".
std::string count_told(std::int64_t pupils);
// A count of each group, as told beside that of all; of a hidden group empty. Where the count of all less what is told
// would tell a few, the smallest others are kept back too, and nobody is told which those are.
std::vector<std::string> counts_told(const std::vector<group_row>& rows, const std::vector<std::int64_t>& counts);
// Whether a row of flag_rows() counts the pupil.
bool is_in_flag_row(const profile& who, const group_row& row);
// Two rows for each flag that a pupil on roll has: with it and without. One of the two that is too small hides both.
std::vector<group_row> flag_rows(const roster& pupils, const std::map<entry_index, figures>& sums);

} // namespace rollbook
