#pragma once

#include "daemon/domain/session.hpp"

#include <array>
#include <bitset>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

enum class closed_kind { inset, holiday, closure };
std::string_view name_of(closed_kind kind);
std::optional<closed_kind> parse_closed_kind(std::string_view text);

struct day_range {
    civil_day first{};
    civil_day last{}; // inclusive
    bool contains(civil_day day) const { return first <= day && day <= last; }
    auto operator<=>(const day_range&) const = default;
};

struct term {
    std::string name; // UTF-8
    std::vector<day_range> half_terms;
    bool operator==(const term&) const = default;
};

struct closed_day {
    civil_day day{};
    closed_kind kind{};
    auto operator<=>(const closed_day&) const = default;
};

// Monday first, in the words of the configuration.
inline constexpr std::array<std::string_view, 5> weekday_names = {
    "monday", "tuesday", "wednesday", "thursday", "friday"};
using weekday_set = std::bitset<weekday_names.size()>;

// When the register of one half-day opens and closes, from a day on until a later row for the same years and weekdays
// replaces it. A row for the pupil's year goes before one for all years, then one for the weekday before one for all.
struct session_time {
    half_day half{};
    std::chrono::minutes opens{};  // after midnight, school time
    std::chrono::minutes closes{}; // after midnight, school time
    std::chrono::minutes settle{}; // a mark counts in rules only this long after closing
    civil_day from{};
    std::vector<std::string> years; // as bare_year() gives them, ascending; empty: every year
    weekday_set weekdays;           // none: every day
    bool is_for_all() const { return years.empty() && weekdays.none(); }
    bool operator==(const session_time&) const = default;
};

// The Monday of the day's week.
inline civil_day monday_of(civil_day day)
{
    return day - (std::chrono::weekday(day) - std::chrono::Monday);
}

// The school's year: which days are school days, and how they fall into weeks, half terms, terms and academic years.
//
// A school day is a weekday inside a half term that is not listed as closed. A school week is a Monday-to-Sunday week
// with at least one school day. The academic year runs from 1 August to 31 July (census cut).
// Immutable; copies are cheap enough to take (a few kilobytes). The order in which terms, half terms, closed days and
// times are given does not matter; of two times for the same half and first day the last given holds. Whether half
// terms overlap or end before they begin is for the reader of the file to refuse: here such days count once, or not at
// all.
class school_calendar {
public:
    school_calendar() = default;
    school_calendar(std::vector<term> terms, std::vector<closed_day> closed, std::vector<session_time> sessions);

    bool is_school_day(civil_day day) const;
    // All school days, ascending.
    const std::vector<civil_day>& school_days() const { return days_; }

    // The number of school days at or before `day`, minus one: the ordinal of the last school day up to it; -1 if none.
    int ordinal_at_or_before(civil_day day) const;
    // School days d with from < d <= to. The age of a mark in school days.
    int school_days_between(civil_day from, civil_day to) const;
    // The day `count` school days before the school day at or before `day` (0 is that day itself); the calendar's first
    // school day when it does not reach so far.
    std::optional<civil_day> school_day_back(civil_day day, int count) const;
    // The day `count` school days after `day`, not counting `day`; empty beyond the calendar's end.
    std::optional<civil_day> school_day_after(civil_day day, int count) const;

    // Windows that end at `last` and hold the last `count` school days or school weeks up to it; all of the calendar up
    // to `last` when it does not reach so far. Empty when no school day is at or before `last`, or `count` is not
    // positive. Weeks begin on Mondays. The week of `last` counts once one of its school days has come.
    std::optional<day_range> last_school_days(civil_day last, int count) const;
    std::optional<day_range> last_school_weeks(civil_day last, int count) const;
    // The half term or term that holds `last`, or the latest one before it; cut at `last`. Empty when no school day is
    // at or before `last`.
    std::optional<day_range> half_term_to(civil_day last) const;
    std::optional<day_range> term_to(civil_day last) const;
    day_range academic_year_to(civil_day last) const;
    static civil_day academic_year_start(civil_day day);
    // The days over which suspensions are totalled for the governors' duties: from the day after the last 31 December,
    // Easter Monday or 31 July to the next of them, both inclusive.
    // Source: School Discipline (Pupil Exclusions and Reviews) (England) Regulations 2012, SI 2012/1033 reg. 2,
    // "reference date"; in force 2012-09-01.
    static day_range suspension_term_of(civil_day day);

    // The times in force for `session` and pupils of `year`, or empty when the calendar names none. Of no year in
    // particular: those that close last. Does not ask whether it is a school day.
    std::optional<session_time> times_of(session_id session, std::string_view year = {}) const;
    // Those of every year, each once, in the order in which they close.
    std::vector<session_time> all_times_of(session_id session) const;
    // The wall-clock moment from which rules may read the session of pupils of `year`: its register closed and settled.
    // Of no year in particular: when all are. A calendar without times closes AM at 12:00 and PM at 16:00.
    local_instant counts_from(session_id session, std::string_view year = {}) const;
    // The moments from which the session counts for one year or another, ascending; at least one.
    std::vector<local_instant> counting_moments(session_id session) const;

    const std::vector<term>& terms() const { return terms_; }
    const std::vector<closed_day>& closed() const { return closed_; }
    const std::vector<session_time>& sessions() const { return sessions_; }
    bool empty() const { return days_.empty(); }
    // Canonical JSON (RFC 8785) of the whole calendar: the value of its settings entry. Equal calendars give equal
    // bytes.
    std::string to_json() const;
    // The calendar that to_json() wrote; empty when a part of it is missing or unreadable. Keys it does not know are
    // passed over.
    static std::optional<school_calendar> from_json(std::string_view json);

private:
    const session_time* row_for(session_id session, std::string_view bare) const;

    std::vector<term> terms_;            // by first day
    std::vector<closed_day> closed_;     // by day
    std::vector<session_time> sessions_; // by half, then by first day, years and weekdays
    std::vector<std::string> own_years_; // every year that a row names, ascending
    bool is_for_all_ = true;             // no row names a year or a weekday
    std::vector<day_range> half_terms_;  // of all terms, by first day
    std::vector<day_range> term_ranges_; // first to last day of each term, by first day
    std::vector<civil_day> days_;        // school days, ascending
    std::vector<int> week_ordinal_;      // per school day: ordinal of its school week
};

} // namespace rollbook
