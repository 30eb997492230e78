#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace rollbook {

// A moment: UTC, whole milliseconds since 1970. What the ledger records and compares.
using instant = std::chrono::sys_time<std::chrono::milliseconds>;

// A school's calendar day, with no clock and no zone. Attendance belongs to these, never to instants.
using civil_day = std::chrono::local_days;

// A wall-clock reading at the school.
using local_instant = std::chrono::local_time<std::chrono::milliseconds>;

// "2026-09-01T08:50:00.000Z", always this form in the years 0 to 9999; outside them the year gets a sign and as many
// digits as it needs, which parse_instant() refuses.
std::string format_instant(instant at);
void append_instant(std::string& out, instant at);

// RFC 3339 with `Z` or an offset, with or without a fraction (cut to milliseconds). Nothing else: no leap second, and
// no moment outside the UTC years 0 to 9999.
std::optional<instant> parse_instant(std::string_view text);

// "2026-09-01" (ISO 8601).
std::string format_day(civil_day day);
void append_day(std::string& out, civil_day day);

// YYYY-MM-DD and a real day of the Gregorian calendar; nothing else.
std::optional<civil_day> parse_day(std::string_view text);

// "2h", "10m", "30s", "1d", "500ms": one whole number and one unit. Nothing beyond 100 years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// Parses `text` by strptime-like `format` (%Y %m %d %H %M %S %f, %z and literal text) into a wall-clock reading; an
// offset, where the format has one, is returned beside it. The whole text must match.
//
// %Y is four digits; %m %d %H %M %S are two, or one where literal text or the end follows; %f is one to nine digits of
// a second; %z is Z, +hh:mm, +hhmm or +hh; %% is a per cent sign. What the format leaves out is that of 1970-01-01
// 00:00. A format with any other specifier matches nothing.
struct parsed_time {
    local_instant local;
    std::optional<std::chrono::minutes> offset;
};
std::optional<parsed_time> parse_time(std::string_view text, std::string_view format);

// One zone of the system's tz database, such as Europe/London.
class time_zone {
public:
    // Fails with an empty optional when the database has no such zone.
    static std::optional<time_zone> named(std::string_view name);
    static time_zone utc();

    local_instant to_local(instant at) const;
    // In the hour that happens twice the earlier moment is meant; in the hour that does not happen, the moment the
    // clocks changed.
    instant to_instant(local_instant at) const;
    const std::string& name() const noexcept;

private:
    struct impl;
    explicit time_zone(std::shared_ptr<const impl> p) : impl_(std::move(p)) {}
    std::shared_ptr<const impl> impl_;
};

// The day a wall clock shows.
inline civil_day day_of(local_instant at)
{
    return std::chrono::floor<std::chrono::days>(at);
}

} // namespace rollbook
