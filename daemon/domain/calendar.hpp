#pragma once

#include "daemon/domain/session.hpp"

#include <optional>
#include <string>
#include <vector>

namespace rollbook {

enum class closed_kind { inset, holiday, closure };
std::string_view name_of(closed_kind kind);

struct day_range {
    civil_day first{};
    civil_day last{}; // inclusive
    bool contains(civil_day day) const { return first <= day && day <= last; }
    auto operator<=>(const day_range&) const = default;
};

struct term {
    std::string name;
    std::vector<day_range> half_terms;
};

struct closed_day {
    civil_day day{};
    closed_kind kind{};
};

// When the register of one half-day opens and closes, from a day on until a later row replaces it.
struct session_time {
    half_day half{};
    std::chrono::minutes opens{};  // after midnight, school time
    std::chrono::minutes closes{}; // after midnight, school time
    std::chrono::minutes settle{}; // a mark counts in rules only this long after closing
    civil_day from{};
};

// The school's year: which days are school days, and how they fall into weeks, half terms, terms and academic years.
//
// A school day is a weekday inside a half term that is not listed as closed. A school week is a Monday-to-Sunday week
// with at least one school day. The academic year runs from 1 August to 31 July (census cut).
// Immutable; copies are cheap enough to take (a few kilobytes).
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

    // Windows that end at `last`. Empty when `last` has no school day at or before it, or lies in no half term or term.
    std::optional<day_range> last_school_days(civil_day last, int count) const;
    std::optional<day_range> last_school_weeks(civil_day last, int count) const;
    // The half term or term that holds `last`, or the latest one before it; cut at `last`.
    std::optional<day_range> half_term_to(civil_day last) const;
    std::optional<day_range> term_to(civil_day last) const;
    day_range academic_year_to(civil_day last) const;
    static civil_day academic_year_start(civil_day day);

    // The times in force for `session`, or empty when the calendar names none.
    std::optional<session_time> times_of(session_id session) const;
    // The wall-clock moment from which rules may read the session: its register closed and settled. A calendar without
    // times closes AM at 12:00 and PM at 16:00.
    local_instant counts_from(session_id session) const;

    const std::vector<term>& terms() const { return terms_; }
    const std::vector<closed_day>& closed() const { return closed_; }
    const std::vector<session_time>& sessions() const { return sessions_; }
    bool empty() const { return days_.empty(); }
    // Canonical JSON (RFC 8785) of the whole calendar: the value of its settings entry.
    std::string to_json() const;
    static std::optional<school_calendar> from_json(std::string_view json);

private:
    std::vector<term> terms_;
    std::vector<closed_day> closed_;
    std::vector<session_time> sessions_;
    std::vector<civil_day> days_;       // school days, ascending
    std::vector<int> week_ordinal_;     // per school day: ordinal of its school week
};

} // namespace rollbook
