#include "daemon/base/time.hpp"

#include "daemon/base/ascii.hpp"

#include <date/tz.h>

#include <array>
#include <charconv>
#include <stdexcept>

namespace rollbook {

namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Takes exactly `count` digits from the front of `text`.
std::optional<int> take_digits(std::string_view& text, std::size_t count)
{
    if (text.size() < count) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (!is_digit(text[i])) return std::nullopt;
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(count);
    return value;
}

bool take(std::string_view& text, char c)
{
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

// One or more digits after the point of a second, cut to milliseconds. `digits_max` 0 is no limit.
std::optional<milliseconds> take_fraction(std::string_view& text, std::size_t digits_max)
{
    int value = 0;
    std::size_t count = 0;
    while (!text.empty() && is_digit(text.front())) {
        if (count < 3) value = value * 10 + (text.front() - '0');
        text.remove_prefix(1);
        ++count;
        if (count == digits_max) break;
    }
    if (count == 0) return std::nullopt;
    for (std::size_t i = count; i < 3; ++i)
        value *= 10;
    return milliseconds(value);
}

std::optional<std::chrono::year_month_day> real_day(int year, int month, int day)
{
    const std::chrono::year_month_day date{
        std::chrono::year(year),
        std::chrono::month(static_cast<unsigned>(month)),
        std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) return std::nullopt;
    return date;
}

std::optional<std::chrono::year_month_day> take_date(std::string_view& text)
{
    const auto year = take_digits(text, 4);
    if (!year || !take(text, '-')) return std::nullopt;
    const auto month = take_digits(text, 2);
    if (!month || !take(text, '-')) return std::nullopt;
    const auto day = take_digits(text, 2);
    if (!day) return std::nullopt;
    return real_day(*year, *month, *day);
}

std::optional<milliseconds> clock_reading(int hour, int minute, int second, milliseconds fraction)
{
    if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
    return hours(hour) + minutes(minute) + seconds(second) + fraction;
}

bool in_four_digit_years(instant at)
{
    using namespace std::chrono;
    constexpr instant first = sys_days(year(0) / January / 1);
    constexpr instant end = sys_days(year(10000) / January / 1);
    return at >= first && at < end;
}

void put_two(char* to, unsigned value)
{
    to[0] = static_cast<char>('0' + value / 10);
    to[1] = static_cast<char>('0' + value % 10);
}

void append_date(std::string& out, std::chrono::sys_days day)
{
    const std::chrono::year_month_day date(day);
    const int year = static_cast<int>(date.year());
    char text[] = "0000-00-00";
    put_two(text + 5, static_cast<unsigned>(date.month()));
    put_two(text + 8, static_cast<unsigned>(date.day()));
    if (year >= 0 && year <= 9999) {
        put_two(text, static_cast<unsigned>(year) / 100);
        put_two(text + 2, static_cast<unsigned>(year) % 100);
        out.append(text, 10);
        return;
    }
    const unsigned magnitude = static_cast<unsigned>(year < 0 ? -year : year);
    out += year < 0 ? '-' : '+';
    const std::string digits = std::to_string(magnitude);
    out.append(digits.size() < 4 ? 4 - digits.size() : 0, '0');
    out += digits;
    out.append(text + 4, 6);
}

} // namespace

void append_instant(std::string& out, instant at)
{
    const auto day = std::chrono::floor<days>(at);
    const auto of_day = static_cast<unsigned>((at - day).count());
    append_date(out, day);
    char text[] = "T00:00:00.000Z";
    put_two(text + 1, of_day / 3'600'000);
    put_two(text + 4, of_day / 60'000 % 60);
    put_two(text + 7, of_day / 1000 % 60);
    text[10] = static_cast<char>('0' + of_day / 100 % 10);
    put_two(text + 11, of_day % 100);
    out.append(text, 14);
}

std::string format_instant(instant at)
{
    std::string out;
    append_instant(out, at);
    return out;
}

std::optional<instant> parse_instant(std::string_view text)
{
    const auto date = take_date(text);
    if (!date || !(take(text, 'T') || take(text, 't'))) return std::nullopt;
    const auto hour = take_digits(text, 2);
    if (!hour || !take(text, ':')) return std::nullopt;
    const auto minute = take_digits(text, 2);
    if (!minute || !take(text, ':')) return std::nullopt;
    const auto second = take_digits(text, 2);
    if (!second) return std::nullopt;
    milliseconds fraction{0};
    if (take(text, '.')) {
        const auto digits = take_fraction(text, 0);
        if (!digits) return std::nullopt;
        fraction = *digits;
    }
    const auto of_day = clock_reading(*hour, *minute, *second, fraction);
    if (!of_day) return std::nullopt;

    minutes offset{0};
    if (!(take(text, 'Z') || take(text, 'z'))) {
        const bool west = take(text, '-');
        if (!west && !take(text, '+')) return std::nullopt;
        const auto offset_hours = take_digits(text, 2);
        if (!offset_hours || !take(text, ':')) return std::nullopt;
        const auto offset_minutes = take_digits(text, 2);
        if (!offset_minutes || *offset_hours > 23 || *offset_minutes > 59) return std::nullopt;
        offset = hours(*offset_hours) + minutes(*offset_minutes);
        if (west) offset = -offset;
    }
    if (!text.empty()) return std::nullopt;
    const instant at = std::chrono::sys_days(*date) + *of_day - offset;
    if (!in_four_digit_years(at)) return std::nullopt;
    return at;
}

void append_day(std::string& out, civil_day day)
{
    append_date(out, std::chrono::sys_days(day.time_since_epoch()));
}

std::string format_day(civil_day day)
{
    std::string out;
    append_day(out, day);
    return out;
}

std::optional<civil_day> parse_day(std::string_view text)
{
    const auto date = take_date(text);
    if (!date || !text.empty()) return std::nullopt;
    return civil_day(*date);
}

std::optional<milliseconds> parse_duration(std::string_view text)
{
    struct unit {
        std::string_view name;
        milliseconds length;
    };
    static constexpr std::array<unit, 5> units = {
        {{"ms", milliseconds(1)}, {"s", seconds(1)}, {"m", minutes(1)}, {"h", hours(1)}, {"d", days(1)}}};
    constexpr milliseconds longest = days(36525);

    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || !is_digit(text.front())) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    for (const unit& u : units) {
        if (text != u.name) continue;
        if (count > longest / u.length) return std::nullopt;
        return count * u.length;
    }
    return std::nullopt;
}

namespace {

std::optional<minutes> take_offset(std::string_view& text)
{
    if (take(text, 'Z')) return minutes(0);
    const bool west = take(text, '-');
    if (!west && !take(text, '+')) return std::nullopt;
    const auto h = take_digits(text, 2);
    if (!h || *h > 23) return std::nullopt;
    int m = 0;
    const bool colon = take(text, ':');
    if (colon || (!text.empty() && is_digit(text.front()))) {
        const auto digits = take_digits(text, 2);
        if (!digits || *digits > 59) return std::nullopt;
        m = *digits;
    }
    const minutes offset = hours(*h) + minutes(m);
    return west ? -offset : offset;
}

} // namespace

std::optional<parsed_time> parse_time(std::string_view text, std::string_view format)
{
    int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;
    milliseconds fraction{0};
    std::optional<minutes> offset;

    while (!format.empty()) {
        const char c = format.front();
        format.remove_prefix(1);
        if (c != '%') {
            if (!take(text, c)) return std::nullopt;
            continue;
        }
        if (format.empty()) return std::nullopt;
        const char specifier = format.front();
        format.remove_prefix(1);
        // One digit will do only where the next character cannot be taken for the second.
        const bool may_be_short = format.empty() || format.front() != '%' || format.starts_with("%%");
        const auto take_two = [&](int& into) {
            const bool two = text.size() >= 2 && is_digit(text[1]);
            const auto value = take_digits(text, two || !may_be_short ? 2 : 1);
            if (value) into = *value;
            return value.has_value();
        };
        bool took = false;
        switch (specifier) {
        case 'Y':
            if (const auto value = take_digits(text, 4)) {
                year = *value;
                took = true;
            }
            break;
        case 'm': took = take_two(month); break;
        case 'd': took = take_two(day); break;
        case 'H': took = take_two(hour); break;
        case 'M': took = take_two(minute); break;
        case 'S': took = take_two(second); break;
        case 'f':
            if (const auto value = take_fraction(text, 9)) {
                fraction = *value;
                took = true;
            }
            break;
        case 'z':
            offset = take_offset(text);
            took = offset.has_value();
            break;
        case '%': took = take(text, '%'); break;
        default: break;
        }
        if (!took) return std::nullopt;
    }
    if (!text.empty()) return std::nullopt;
    const auto date = real_day(year, month, day);
    const auto of_day = clock_reading(hour, minute, second, fraction);
    if (!date || !of_day) return std::nullopt;
    return parsed_time{civil_day(*date) + *of_day, offset};
}

struct time_zone::impl {
    std::string name;
    const date::time_zone* zone; // none for UTC, which needs no database
};

std::optional<time_zone> time_zone::named(std::string_view name)
{
    try {
        return time_zone(std::make_shared<const impl>(impl{std::string(name), date::locate_zone(std::string(name))}));
    } catch (const std::runtime_error&) {
        return std::nullopt; // how the library says that there is no such zone, or no database
    }
}

time_zone time_zone::utc()
{
    return time_zone(std::make_shared<const impl>(impl{"UTC", nullptr}));
}

local_instant time_zone::to_local(instant at) const
{
    seconds offset{0};
    if (impl_->zone != nullptr) offset = impl_->zone->get_info(at).offset;
    return local_instant(at.time_since_epoch() + offset);
}

instant time_zone::to_instant(local_instant at) const
{
    if (impl_->zone == nullptr) return instant(at.time_since_epoch());
    const auto info = impl_->zone->get_info(date::local_time<milliseconds>(at.time_since_epoch()));
    if (info.result == date::local_info::nonexistent) return info.first.end;
    return instant(at.time_since_epoch() - info.first.offset);
}

const std::string& time_zone::name() const noexcept
{
    return impl_->name;
}

} // namespace rollbook
