#include "daemon/domain/suspension.hpp"

#include "daemon/domain/finding_settings.hpp"

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

} // namespace rollbook
