#include "tests/school/calendar.hpp"

#include <algorithm>
#include <cstdio>

namespace rollbook::school {

using namespace std::chrono;

namespace {

constexpr int days_in_a_school_year = 190;

date on(int y, unsigned m, unsigned d)
{
    return year(y) / month(m) / std::chrono::day(d);
}

bool is_weekend(date d)
{
    const weekday w(d);
    return w == Saturday || w == Sunday;
}

// The first `w` on or after `d`.
date next(weekday w, date d)
{
    return d + (w - weekday(d));
}

date last_of_month(int y, unsigned m, weekday w)
{
    return year(y) / month(m) / w[last];
}

// Source: the anonymous Gregorian algorithm (Meeus, Astronomical Algorithms, chapter 8).
date easter_sunday(int y)
{
    const int a = y % 19, b = y / 100, c = y % 100, d = b / 4, e = b % 4, f = (b + 8) / 25, g = (b - f + 1) / 3;
    const int h = (19 * a + b - d - g + 15) % 30, i = c / 4, k = c % 4, l = (32 + 2 * e + 2 * i - h - k) % 7;
    const int m = (a + 11 * h + 22 * l) / 451, n = h + l - 7 * m + 114;
    return on(y, n / 31, n % 31 + 1);
}

} // namespace

std::string format_date(date day)
{
    const year_month_day d(day);
    char text[24];
    std::snprintf(text, sizeof text, "%04d-%02u-%02u", int(d.year()), unsigned(d.month()), unsigned(d.day()));
    return text;
}

bool parse_date(std::string_view text, date& to)
{
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
    int n[3] = {0, 0, 0};
    for (int i = 0, part = 0; i < 10; ++i) {
        if (i == 4 || i == 7) {
            ++part;
            continue;
        }
        if (text[i] < '0' || text[i] > '9') return false;
        n[part] = n[part] * 10 + (text[i] - '0');
    }
    const year_month_day d{year(n[0]), month(n[1]), std::chrono::day(n[2])};
    if (!d.ok()) return false;
    to = d;
    return true;
}

long long utc_of_local(date day, int hour, int minute, int second)
{
    const int y = int(year_month_day(day).year());
    const long long local = day.time_since_epoch().count() * 86400LL + hour * 3600 + minute * 60 + second;
    // Summer time runs from 01:00 UTC on the last Sunday of March to 01:00 UTC on the last Sunday of October.
    // Source: Summer Time Act 1972, section 1 as amended by SI 2002/262.
    const long long from = last_of_month(y, 3, Sunday).time_since_epoch().count() * 86400LL + 3600;
    const long long to = last_of_month(y, 10, Sunday).time_since_epoch().count() * 86400LL + 3600;
    const long long as_summer = local - 3600;
    return as_summer >= from && as_summer < to ? as_summer : local;
}

academic_year make_academic_year(int begins)
{
    const int y = begins, z = begins + 1;
    academic_year made{begins, {}, {}, {}};

    date autumn = on(y, 9, 3);
    while (is_weekend(autumn))
        autumn -= days(1);
    const date october_break = last_of_month(y, 10, Monday);
    const date christmas = next(Friday, on(y, 12, 17));
    const date spring = next(Monday, on(z, 1, 4));
    const date february_break = next(Monday, on(z, 2, 12));
    const date easter = easter_sunday(z);
    const date summer = easter + days(8);
    const date may_break = last_of_month(z, 5, Monday);
    const date june = may_break + days(7);

    made.closed = {
        {last_of_month(y, 11, Friday), "inset"},
        {spring, "inset"},
        {february_break + days(7), "inset"},
        {summer, "inset"},
        {on(z, 5, 1), "holiday"},
        {last_of_month(z, 6, Friday), "inset"},
    };
    made.closed[4].day = next(Monday, on(z, 5, 1));
    if (made.closed[4].day == summer) made.closed[3].day = summer + days(1);

    const auto is_closed = [&](date d) {
        return std::any_of(made.closed.begin(), made.closed.end(), [&](const closed_day& c) { return c.day == d; });
    };
    const auto take = [&](date from, date to) {
        for (date d = from; d <= to && int(made.school_days.size()) < days_in_a_school_year; d += days(1)) {
            if (!is_weekend(d) && !is_closed(d)) made.school_days.push_back(d);
        }
    };
    const std::pair<date, date> halves[] = {
        {autumn, october_break - days(3)},
        {october_break + days(7), christmas},
        {spring, february_break - days(3)},
        {february_break + days(7), easter - days(9)},
        {summer, may_break - days(3)},
        {june, june + days(80)},
    };
    for (const auto& [from, to] : halves)
        take(from, to);
    // The last half of the summer term ends when the year has its 190 days.
    made.terms = {
        {"Autumn " + std::to_string(y), {halves[0], halves[1]}},
        {"Spring " + std::to_string(z), {halves[2], halves[3]}},
        {"Summer " + std::to_string(z), {halves[4], {june, made.school_days.back()}}},
    };
    return made;
}

school_calendar::school_calendar(date today, int school_days)
{
    const year_month_day d(today);
    int begins = int(d.year()) - (d.month() < September ? 1 : 0);
    years_ = {make_academic_year(begins)};
    const auto up_to_today = [&] {
        int n = 0;
        for (const academic_year& y : years_) {
            n += int(std::upper_bound(y.school_days.begin(), y.school_days.end(), today) - y.school_days.begin());
        }
        return n;
    };
    while (up_to_today() < school_days)
        years_.insert(years_.begin(), make_academic_year(--begins));
    for (const academic_year& y : years_)
        days_.insert(days_.end(), y.school_days.begin(), y.school_days.end());
    last_ = up_to_today() - 1;
    first_ = last_ - school_days + 1;
}

std::pair<int, int> school_calendar::place(int ordinal) const
{
    int which = 0;
    while (ordinal >= int(years_[which].school_days.size())) {
        ordinal -= int(years_[which].school_days.size());
        ++which;
    }
    return {which, ordinal};
}

void school_calendar::advance()
{
    if (++last_ < size()) return;
    years_.push_back(make_academic_year(years_.back().begins + 1));
    days_.insert(days_.end(), years_.back().school_days.begin(), years_.back().school_days.end());
}

int school_calendar::find(date day) const
{
    const auto at = std::lower_bound(days_.begin(), days_.end(), day);
    return at != days_.end() && *at == day ? int(at - days_.begin()) : -1;
}

} // namespace rollbook::school
