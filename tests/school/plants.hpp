#pragma once

#include "tests/school/dice.hpp"
#include "tests/school/safeguarding.hpp"
#include "tests/school/wonde.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace rollbook::school {

// One thing that somebody at the school got wrong: what, in words of our own, and the id of the record that says so.
struct plant {
    std::string_view fault;
    std::string subject;
};

// Mistakes, each about a pupil of their own on a day of theirs on which nothing else happened, in every kind in turn.
// The same seed and the same calls give the same mistakes. Throws std::runtime_error when the school has no such pupil
// or day left.
class planter {
public:
    planter(simulated_school& school, wonde_api& wonde, safeguarding_api& safeguarding);

    // Mistakes that a first look at the records shows.
    void at_rest(int count);
    // Changes that a look before and one after show.
    void in_motion(int count);
    // Incidents in which nothing is wrong, most in one system only: in school with who was there, and on the bus,
    // online or off site with anybody.
    void ordinary(int count);

    // Pupils who were present at both registrations of one of the last days and in no lesson of it; marked N there.
    void missed_lessons(int count);

    const std::vector<plant>& planted() const { return planted_; }

private:
    using mistake = void (planter::*)();
    int pick_pupil();
    struct choice {
        int pupil, day;
    };
    choice choose(int from, int to);
    bool is_plain(int pupil, int ordinal) const;
    std::uint32_t mark_at(int pupil, int ordinal, int session) const;
    void set(int pupil, int ordinal, int session, std::string_view code);
    void add(std::string_view fault, const std::string& subject) { planted_.push_back({fault, subject}); }
    pupil& person(int i) { return school_.change_pupil(i); }
    int first() const { return school_.calendar().first(); }
    int last() const { return school_.calendar().last(); }

    void extra_mark(int pupil, date day, int session, const std::string& code_id);
    std::string behaviour(int pupil, date day, std::string_view type, std::string_view location, std::string_view more);
    std::string concern_row(int pupil, date day, int minute, std::string_view category);
    void suspend(int pupil, int first_day, int sessions);
    void safeguarding_pupil(
        const std::string& id,
        const std::string& upn,
        const std::string& mis_id,
        const std::string& forename,
        const std::string& surname,
        date born
    );

    void code_that_no_law_lists();
    void code_of_another_year();
    void marked_before_joining();
    void marked_on_a_closed_day();
    void reason_never_entered();
    void reason_due_soon();
    void sign_of_the_other_half();
    void not_required_at_school_age();
    void long_suspension_without_provision();
    void suspended_and_ill();
    void suspended_nowhere();
    void left_out_of_the_register();
    void ill_and_in_the_canteen();
    void missing_from_a_lesson_they_were_at();
    void written_down_twice();
    void held_and_parents_not_told();
    void bullied_in_one_system();
    void unknown_to_safeguarding();
    void known_to_safeguarding_alone();
    void numbers_of_two_pupils();
    void number_of_another_person();
    void left_and_still_listed();
    void plan_known_to_safeguarding_alone();
    void marked_twice();

    void mark_taken_away();
    void incident_taken_away();
    void mark_changed_long_after();
    void id_given_to_another();
    void two_records_made_one();

    simulated_school& school_;
    wonde_api& wonde_;
    safeguarding_api& safeguarding_;
    dice dice_;
    std::vector<int> pupils_;           // not yet used, last first
    std::map<int, std::set<int>> busy_; // by pupil: days of natural incidents and concerns
    std::set<int> suspended_, concerned_;
    std::size_t next_at_rest_ = 0, next_in_motion_ = 0;
    unsigned number_ = 0; // of rows added
    bool has_old_code_ = false;
    std::vector<std::string> ordinary_; // ids of incidents that may be taken away
    std::vector<plant> planted_;
};

} // namespace rollbook::school
