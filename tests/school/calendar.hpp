#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rollbook::school {

// A calendar day at the school, with no clock.
using date = std::chrono::sys_days;

std::string format_date(date day);           // "2026-09-03"
bool parse_date(std::string_view, date& to); // false when the text is not a real day in that form

// Seconds since 1970 UTC of a wall-clock time at the school (GMT or BST; the hour that October repeats counts as BST).
long long utc_of_local(date day, int hour, int minute, int second = 0);

struct term {
    std::string name;                              // "Autumn 2026"
    std::vector<std::pair<date, date>> half_terms; // first and last day, weekends and closed days inside not taken out
};

struct closed_day {
    date day;
    std::string kind; // inset | holiday
};

// One academic year of 190 school days in three terms of two halves, with five INSET days and the May bank holiday.
struct academic_year {
    int begins; // 2026 for 2026/27
    std::vector<term> terms;
    std::vector<closed_day> closed;
    std::vector<date> school_days;
};
academic_year make_academic_year(int begins);

// The academic years that a period of school days touches, in order, and their school days as one list.
class school_calendar {
public:
    // Reaches `school_days` back from the last school day not after `today`, and to the end of its academic year.
    school_calendar(date today, int school_days);

    const std::vector<academic_year>& years() const { return years_; }
    // Positions in days() of the first and the last day of the period.
    int first() const { return first_; }
    int last() const { return last_; }
    date day(int ordinal) const { return days_[ordinal]; }
    int size() const { return static_cast<int>(days_.size()); }
    // Which of years(), and which of its school days.
    std::pair<int, int> place(int ordinal) const;
    // Moves the last day on by one; a new academic year is added when the last one is used up.
    void advance();
    // The position of a school day, or -1.
    int find(date day) const;

private:
    std::vector<academic_year> years_;
    std::vector<date> days_;
    int first_ = 0;
    int last_ = 0;
};

} // namespace rollbook::school
