#pragma once

#include "daemon/base/json.hpp"
#include "daemon/base/time.hpp"
#include "daemon/domain/register.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// What two systems may both know of a person, besides numbers that name one pupil. Names are comparable (domain/
// person_name.hpp); a person may have a legal and a preferred one.
struct person_facts {
    entry_index pupil = no_entry;
    std::vector<std::string> surnames;
    std::vector<std::string> forenames;
    std::optional<civil_day> date_of_birth;
    std::string year;
    std::string form;
};
// From a pupil record's payload, or the fields in it; nothing when it has none (a leaver's last entry).
std::optional<person_facts> person_facts_of(entry_index pupil, std::string_view payload);
std::optional<person_facts> person_facts_of(entry_index pupil, json_view fields);

// One thing compared: "surname", "forename", "date-of-birth", "year" or "form"; what came of it, and what it adds.
struct match_part {
    std::string_view field;
    std::string_view
        verdict; // equal, part, short-form, close, swapped, day-and-month-swapped, one-figure, differs, unknown
    int points = 0;
};

// How likely two records are of one person: the sum of its parts, at most points_max. The parts are kept, so that "why
// were these two not linked?" has an answer.
struct match_score {
    int points = 0;
    std::vector<match_part> parts;
};
match_score score_match(const person_facts& a, const person_facts& b);
// Whether forename or date of birth differ. Surnames change; these are only mistyped.
bool are_two(const match_score& score);
// What alone differs where all else that both know is the same: "date-of-birth" by a slip (day and month swapped, one
// figure), in the same year or form; or "surname", in the same form. Empty: nothing does, or more does.
std::string_view one_slip(const match_score& score);

// From `linked_from` up, and `lead_min` ahead of whoever comes next, two records are one person; from `review_from` up
// a person decides; below they are two. All names and the date of birth the same are 100; another surname, as after a
// change of name, is for review, and so is a forename that is only near.
inline constexpr int points_max = 106;
inline constexpr int linked_from = 90;
inline constexpr int lead_min = 15;
inline constexpr int review_from = 60;

// Finds who a record may be among many, without comparing with each: only those who share a date of birth (also with
// day and month swapped), a surname or a forename are scored.
class person_finder {
public:
    explicit person_finder(std::vector<person_facts> people);

    struct candidate {
        entry_index pupil = no_entry;
        match_score score;
    };
    // Everyone with at least `review_from` points, best first, then by entry.
    std::vector<candidate> candidates(const person_facts& who) const;
    // The facts of one of the people; nullptr: not among them.
    const person_facts* find(entry_index pupil) const;

private:
    std::vector<person_facts> people_;
    std::map<civil_day, std::vector<std::size_t>> by_birth_;
    std::map<std::string, std::vector<std::size_t>, std::less<>> by_name_;
};

} // namespace rollbook
