#pragma once

#include "tests/school/calendar.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook::school {

// One invented pupil, with what makes the pupil's marks: all of it fixed by the seed.
struct pupil {
    std::string id; // the MIS's id, as Wonde gives it
    std::string mis_id;
    std::string admission_number; // with leading zeros
    std::string upn;
    std::string safeguarding_id;
    std::string forename;
    std::string surname;
    bool girl = false;
    date born;
    int year = 7;                // national curriculum year
    int form = 0;                // position in the roll's forms
    double absence = 0;          // share of possible sessions missed, but for lateness after the register
    double lates_a_year = 0;     // expected marks of L and U
    double incidents_a_year = 0; // expected behaviour incidents
    double concerns_a_year = 0;  // expected safeguarding entries
    bool pupil_premium = false;
    std::string sen_status; // "" | "K" | "E"
    // On a child protection plan, as each of the two systems has it.
    bool plan_in_mis = false;
    bool plan_in_safeguarding = false;
    bool upn_missing_in_safeguarding = false;
    bool on_roll = true;
    long long created_at = 0; // UTC seconds
    long long updated_at = 0;
    long long restored_at = 0;    // 0 where the pupil was never deleted
    std::optional<date> admitted; // as the MIS has it; left out: in September of year 7
    std::optional<date> leaves;
    std::string former_upn;
};

struct form {
    std::string name; // "9B"
    int year;
    std::string id;
    std::string tutor_id;
};

// Somebody who left before the period, or whom only the safeguarding system knows.
struct former_pupil {
    std::string id;
    std::string mis_id;
    std::string upn;
    std::string safeguarding_id; // empty where the safeguarding system does not hold them
    std::string forename;
    std::string surname;
    date born;
    date left;
};

// Somebody with a place at the school whose first day is still to come.
struct coming_pupil {
    std::string id;
    std::string mis_id;
    std::string upn;
    std::string forename;
    std::string surname;
    date born;
    std::optional<date> joins; // left out: not agreed yet
};

struct roll {
    std::vector<pupil> pupils;
    std::vector<form> forms;
    std::vector<former_pupil> left;      // listed by the MIS as leavers
    std::vector<coming_pupil> coming;    // listed by the MIS before admission
    std::vector<former_pupil> strangers; // in the safeguarding system only
};

// The letter in front of the other twelve characters of a UPN. Source: statutory.md, "UPN".
char upn_check_letter(std::string_view rest);

// `academic_year` is the year in which the roll is as it is; `from` is the first day of marks.
roll make_roll(std::uint64_t seed, int pupils, int academic_year, date from);

} // namespace rollbook::school
