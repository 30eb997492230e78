#include "daemon/domain/calendar.hpp"

#include "daemon/domain/year_group.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <tuple>
#include <utility>

namespace rollbook {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 3> kind_names = {"inset", "holiday", "closure"};

bool is_weekday(civil_day day)
{
    const std::chrono::weekday name(day);
    return name != std::chrono::Saturday && name != std::chrono::Sunday;
}

bool holds_a_day(const day_range& range)
{
    return range.first <= range.last;
}

template <class T> void sort_once(std::vector<T>& values)
{
    std::ranges::sort(values);
    values.erase(std::ranges::unique(values).begin(), values.end());
}

void sort_terms(std::vector<term>& terms)
{
    for (term& each : terms)
        sort_once(each.half_terms);
    std::ranges::sort(terms, [](const term& a, const term& b) {
        return a.half_terms != b.half_terms ? a.half_terms < b.half_terms : a.name < b.name;
    });
}

std::pair<half_day, civil_day> by_half_and_day(const session_time& time)
{
    return {time.half, time.from};
}

auto by_whom(const session_time& time)
{
    return std::tuple(time.half, time.from, time.years, time.weekdays.to_ulong());
}

// Of two times for the same half, first day, years and weekdays, the last given stays.
void sort_sessions(std::vector<session_time>& sessions)
{
    for (session_time& each : sessions)
        sort_once(each.years);
    std::ranges::reverse(sessions);
    std::ranges::stable_sort(sessions, {}, by_whom);
    sessions.erase(std::ranges::unique(sessions, {}, by_whom).begin(), sessions.end());
}

bool holds_on(const session_time& time, civil_day day)
{
    const auto place = static_cast<std::size_t>((std::chrono::weekday(day) - std::chrono::Monday).count());
    return time.from <= day && (time.weekdays.none() || (place < time.weekdays.size() && time.weekdays.test(place)));
}

bool is_about(const session_time& time, std::string_view bare)
{
    return time.years.empty() || std::ranges::find(time.years, bare) != time.years.end();
}

// What goes before what, of two rows that both hold.
auto precedence(const session_time& time)
{
    return std::tuple(!time.years.empty(), time.weekdays.any(), time.from);
}

auto closing_time(const session_time& time)
{
    return std::tuple(time.closes + time.settle, time.closes);
}

std::vector<civil_day> open_days(const std::vector<day_range>& half_terms, const std::vector<closed_day>& closed)
{
    std::vector<civil_day> days;
    for (const day_range& range : half_terms) {
        for (civil_day day = range.first; day <= range.last; day += std::chrono::days(1)) {
            const bool is_closed = std::ranges::binary_search(closed, day, {}, &closed_day::day);
            if (is_weekday(day) && !is_closed) days.push_back(day);
        }
    }
    sort_once(days);
    return days;
}

// The range that begins last at or before `last`, cut there.
std::optional<day_range> latest_cut(const std::vector<day_range>& ranges, civil_day last)
{
    const auto after = std::ranges::upper_bound(ranges, last, {}, &day_range::first);
    if (after == ranges.begin()) return std::nullopt;
    const day_range& found = *std::prev(after);
    return day_range{found.first, std::min(found.last, last)};
}

// Of the Gregorian calendar, by the anonymous algorithm (Meeus, Astronomical Algorithms, chapter 8).
civil_day easter_sunday(std::chrono::year in)
{
    const int y = int(in);
    const int golden = y % 19;
    const int century = y / 100;
    const int epact = (19 * golden + century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 15) % 30;
    const int weekday = (32 + 2 * (century % 4) + 2 * (y % 100 / 4) - epact - y % 100 % 4) % 7;
    const int correction = (golden + 11 * epact + 22 * weekday) / 451;
    const int day_of_march = epact + weekday - 7 * correction + 22; // beyond 31: April
    return civil_day(in / std::chrono::March / 1) + std::chrono::days(day_of_march - 1);
}

} // namespace

std::string_view name_of(closed_kind kind)
{
    return kind_names[static_cast<std::size_t>(kind)];
}

std::optional<closed_kind> parse_closed_kind(std::string_view text)
{
    const auto* found = std::ranges::find(kind_names, text);
    if (found == kind_names.end()) return std::nullopt;
    return static_cast<closed_kind>(found - kind_names.begin());
}

school_calendar::school_calendar(
    std::vector<term> terms, std::vector<closed_day> closed, std::vector<session_time> sessions
)
    : terms_(std::move(terms)), closed_(std::move(closed)), sessions_(std::move(sessions))
{
    sort_terms(terms_);
    sort_once(closed_);
    sort_sessions(sessions_);
    for (const session_time& each : sessions_) {
        own_years_.insert(own_years_.end(), each.years.begin(), each.years.end());
        is_for_all_ = is_for_all_ && each.is_for_all();
    }
    sort_once(own_years_);

    for (const term& each : terms_) {
        const std::size_t first = half_terms_.size();
        std::ranges::copy_if(each.half_terms, std::back_inserter(half_terms_), holds_a_day);
        if (first == half_terms_.size()) continue;
        day_range whole = half_terms_[first];
        for (const day_range& half_term : each.half_terms)
            whole.last = std::max(whole.last, half_term.last);
        term_ranges_.push_back(whole);
    }
    sort_once(half_terms_);
    sort_once(term_ranges_);

    days_ = open_days(half_terms_, closed_);
    int week = 0;
    for (std::size_t i = 0; i < days_.size(); ++i) {
        if (i > 0 && monday_of(days_[i]) != monday_of(days_[i - 1])) ++week;
        week_ordinal_.push_back(week);
    }
}

bool school_calendar::is_school_day(civil_day day) const
{
    return std::ranges::binary_search(days_, day);
}

int school_calendar::ordinal_at_or_before(civil_day day) const
{
    return static_cast<int>(std::ranges::upper_bound(days_, day) - days_.begin()) - 1;
}

int school_calendar::school_days_between(civil_day from, civil_day to) const
{
    return std::max(0, ordinal_at_or_before(to) - ordinal_at_or_before(from));
}

std::optional<civil_day> school_calendar::school_day_back(civil_day day, int count) const
{
    const int last = ordinal_at_or_before(day);
    if (last < 0) return std::nullopt;
    return days_[static_cast<std::size_t>(std::max(0, last - std::max(0, count)))];
}

std::optional<civil_day> school_calendar::school_day_after(civil_day day, int count) const
{
    const std::int64_t wanted = std::int64_t{ordinal_at_or_before(day)} + count;
    if (wanted < 0 || wanted >= std::ssize(days_)) return std::nullopt;
    return days_[static_cast<std::size_t>(wanted)];
}

std::optional<day_range> school_calendar::last_school_days(civil_day last, int count) const
{
    if (count <= 0) return std::nullopt;
    const std::optional<civil_day> first = school_day_back(last, count - 1);
    if (!first) return std::nullopt;
    return day_range{*first, last};
}

std::optional<day_range> school_calendar::last_school_weeks(civil_day last, int count) const
{
    const int newest = ordinal_at_or_before(last);
    if (newest < 0 || count <= 0) return std::nullopt;
    const int first_week = std::max(0, week_ordinal_[static_cast<std::size_t>(newest)] - (count - 1));
    const auto first_day = std::ranges::lower_bound(week_ordinal_, first_week) - week_ordinal_.begin();
    return day_range{monday_of(days_[static_cast<std::size_t>(first_day)]), last};
}

std::optional<day_range> school_calendar::half_term_to(civil_day last) const
{
    if (ordinal_at_or_before(last) < 0) return std::nullopt;
    return latest_cut(half_terms_, last);
}

std::optional<day_range> school_calendar::term_to(civil_day last) const
{
    if (ordinal_at_or_before(last) < 0) return std::nullopt;
    return latest_cut(term_ranges_, last);
}

day_range school_calendar::academic_year_to(civil_day last) const
{
    return {academic_year_start(last), last};
}

civil_day school_calendar::academic_year_start(civil_day day)
{
    const std::chrono::year_month_day date(day);
    const bool is_from_august = date.month() >= std::chrono::August;
    return civil_day((is_from_august ? date.year() : date.year() - std::chrono::years(1)) / std::chrono::August / 1);
}

day_range school_calendar::suspension_term_of(civil_day day)
{
    using namespace std::chrono;
    const year in = year_month_day(day).year();
    const civil_day new_year(in / January / 1);
    const civil_day easter_monday = easter_sunday(in) + days(1);
    const civil_day end_of_july(in / July / 31);
    if (day <= easter_monday) return {new_year, easter_monday};
    if (day <= end_of_july) return {easter_monday + days(1), end_of_july};
    return {end_of_july + days(1), civil_day(in / December / 31)};
}

const session_time* school_calendar::row_for(session_id session, std::string_view bare) const
{
    if (is_for_all_) {
        const auto after =
            std::ranges::upper_bound(sessions_, std::pair(session.half, session.day), {}, by_half_and_day);
        if (after == sessions_.begin() || std::prev(after)->half != session.half) return nullptr;
        return &*std::prev(after);
    }
    const session_time* best = nullptr;
    for (const session_time& each : sessions_) {
        if (each.half != session.half || !holds_on(each, session.day) || !is_about(each, bare)) continue;
        if (best == nullptr || precedence(*best) < precedence(each)) best = &each;
    }
    return best;
}

std::optional<session_time> school_calendar::times_of(session_id session, std::string_view year) const
{
    if (is_for_all_ || !year.empty()) {
        const session_time* row = row_for(session, bare_year(year));
        return row ? std::optional(*row) : std::nullopt;
    }
    const std::vector<session_time> all = all_times_of(session);
    return all.empty() ? std::nullopt : std::optional(all.back());
}

std::vector<session_time> school_calendar::all_times_of(session_id session) const
{
    std::vector<const session_time*> rows{row_for(session, {})};
    for (const std::string& year : own_years_)
        rows.push_back(row_for(session, year));
    std::erase(rows, nullptr);
    sort_once(rows);
    std::vector<session_time> found;
    for (const session_time* row : rows)
        found.push_back(*row);
    std::ranges::stable_sort(found, {}, closing_time);
    return found;
}

namespace {

local_instant counts_by(session_id session, const session_time* row)
{
    if (row) return session.day + row->closes + row->settle;
    return session.day + (session.half == half_day::am ? 12h : 16h);
}

} // namespace

local_instant school_calendar::counts_from(session_id session, std::string_view year) const
{
    if (is_for_all_ || !year.empty()) return counts_by(session, row_for(session, bare_year(year)));
    return counting_moments(session).back();
}

std::vector<local_instant> school_calendar::counting_moments(session_id session) const
{
    std::vector<local_instant> moments;
    for (const session_time& each : all_times_of(session))
        moments.push_back(counts_by(session, &each));
    if (row_for(session, {}) == nullptr) moments.push_back(counts_by(session, nullptr));
    sort_once(moments);
    return moments;
}

} // namespace rollbook
