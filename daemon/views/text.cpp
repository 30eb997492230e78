#include "daemon/views/text.hpp"

#include "daemon/base/spoken.hpp"

#include <algorithm>

namespace rollbook {
namespace {

std::string two_digits(long number)
{
    std::string text = std::to_string(number);
    return text.size() < 2 ? "0" + text : text;
}

std::string time_of_day(local_instant at)
{
    const auto minutes = std::chrono::floor<std::chrono::minutes>(at - day_of(at)).count();
    return two_digits(minutes / 60) + ":" + two_digits(minutes % 60);
}

} // namespace

std::string grouped(std::int64_t number)
{
    std::string text = std::to_string(number);
    const std::size_t first = number < 0 ? 1 : 0;
    for (std::size_t at = text.size(); at > first + 3;) {
        at -= 3;
        text.insert(at, 1, ',');
    }
    return text;
}

std::string clock_text(instant at, const time_zone& zone)
{
    const local_instant local = zone.to_local(at);
    return format_day(day_of(local)) + " " + time_of_day(local);
}

std::string clock_text(const std::optional<instant>& at, const time_zone& zone)
{
    return at ? clock_text(*at, zone) : "-";
}

std::string long_clock_text(instant at, const time_zone& zone)
{
    const local_instant local = zone.to_local(at);
    return spoken_date(day_of(local)) + " at " + time_of_day(local);
}

std::string age_text(std::chrono::milliseconds age)
{
    using namespace std::chrono;
    // A source's clock may be ahead of ours.
    age = std::max(age, milliseconds(0));
    if (age < hours(1)) return std::to_string(duration_cast<minutes>(age).count()) + " min";
    if (age < days(2)) return std::to_string(duration_cast<hours>(age).count()) + " h";
    return std::to_string(duration_cast<days>(age).count()) + " days";
}

void write_instant(json_writer& out, std::string_view key, const std::optional<instant>& at)
{
    out.key(key);
    if (at)
        out.value(format_instant(*at));
    else
        out.null();
}

void write_day(json_writer& out, std::string_view key, const std::optional<civil_day>& day)
{
    out.key(key);
    if (day)
        out.value(format_day(*day));
    else
        out.null();
}

void write_text_or_null(json_writer& out, std::string_view key, std::string_view text)
{
    out.key(key);
    if (text.empty())
        out.null();
    else
        out.value(text);
}

} // namespace rollbook
