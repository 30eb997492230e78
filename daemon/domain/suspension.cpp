#include "daemon/domain/suspension.hpp"

#include "daemon/domain/finding_settings.hpp"

#include <algorithm>
#include <functional>

namespace rollbook {

suspension_nature nature_of(const case_facts& cases, const suspension_fact& fact)
{
    using words = std::vector<std::string>;
    static const words cancelled = {"cancel", "withdrawn", "rescinded"};
    static const words cancelled_code = {"canc", "withdr", "resc"};
    static const words permanent = {"permanent"};
    static const words permanent_code = {"perm"};
    static const words lunch = {"lunch"};
    static const words lunch_code = {"lunch", "lnch"};
    const std::string_view kind = cases.text(fact.kind);
    const std::string_view code = cases.text(fact.kind_code);
    return {
        has_part(kind, cancelled) || has_part(code, cancelled_code),
        has_part(kind, permanent) || has_part(code, permanent_code),
        has_part(kind, lunch) || has_part(code, lunch_code)};
}

session_id session_after(const school_calendar& calendar, session_id from, int count)
{
    const int half = static_cast<int>(from.half) + count;
    const auto day = half < 2 ? std::optional(from.day) : calendar.school_day_after(from.day, half / 2);
    return {day.value_or(from.day + std::chrono::days(half / 2)), half % 2 == 0 ? half_day::am : half_day::pm};
}

std::optional<session_id>
last_session_of(const school_calendar& calendar, const suspension_fact& fact, bool is_from_lunch)
{
    if (fact.to) return session_id{*fact.to, fact.to_half};
    if (fact.sessions <= 0) return std::nullopt;
    return session_after(calendar, {*fact.from, fact.from_half}, (fact.sessions - 1) * (is_from_lunch ? 2 : 1));
}

civil_day first_day_in_a_row(const school_calendar& calendar, const case_facts& cases, const suspension_fact& fact)
{
    std::vector<day_range> others;
    for (const std::uint32_t place : cases.suspensions_of(fact.pupil)) {
        const suspension_fact& other = cases.suspensions()[place];
        if (other.gone || !other.from) continue;
        const suspension_nature nature = nature_of(cases, other);
        if (nature.is_cancelled || nature.is_from_lunch) continue;
        if (const auto last = last_session_of(calendar, other, false)) others.push_back({*other.from, last->day});
    }
    std::ranges::sort(others, std::greater());
    civil_day first = *fact.from;
    for (const day_range& other : others)
        if (other.first < first && calendar.school_days_between(other.last, first) <= 1) first = other.first;
    return first;
}

} // namespace rollbook
