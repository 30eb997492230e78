#include "daemon/rules/measures.hpp"

#include "daemon/base/error.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

// Calls use(session_id, const held_mark&, const statutory_code&) for each mark within `days` that `wanted` and that has
// closed and settled. The code is asked first: it is cheap, and few marks pass it.
template <class Wanted, class Use> void for_each_wanted(const reading& read, day_range days, Wanted&& wanted, Use&& use)
{
    if (read.not_before) days.first = std::max(days.first, *read.not_before);
    const code_book& codes = read.held.codes();
    read.held.for_each(read.pupil, days, [&](session_id session, const held_mark& mark) {
        const statutory_code* row = codes.row_on(mark.code, session.day);
        if (row == nullptr || !wanted(*row)) return;
        if (read.calendar.counts_from(session) > read.judged.read_at) return;
        use(session, mark, *row);
    });
}

bool is_unexplained(const statutory_code& row)
{
    return row.code == "N";
}

// Unit: sessions; two make a school day.
template <class Wanted> measured count_sessions(const reading& read, Wanted&& wanted)
{
    measured found;
    found.window = read.days;
    const auto count = [&](session_id, const held_mark& mark, const statutory_code& row) {
        ++found.value;
        found.unexplained += is_unexplained(row) ? 1 : 0;
        found.evidence.push_back(mark.entry);
    };
    for_each_wanted(read, read.days, wanted, count);
    return found;
}

measured late_sessions(const reading& read)
{
    return count_sessions(read, [](const statutory_code& row) { return row.late; });
}

measured unauthorised_sessions(const reading& read)
{
    return count_sessions(read, [](const statutory_code& row) { return row.penalty_notice; });
}

// Unit: school days. Source: SI 2024/208 reg. 10(7)-(9): a reason is due within five school days of the session.
measured reason_age(const reading& read)
{
    measured found;
    const civil_day as_of = read.judged.as_of;
    found.window = {as_of, as_of};
    const std::optional<day_range> extent = read.held.extent();
    if (!extent) return found;

    const auto take = [&](session_id session, const held_mark& mark, const statutory_code&) {
        if (found.evidence.empty()) {
            found.value = read.calendar.school_days_between(session.day, as_of);
            found.window.first = session.day;
        }
        ++found.unexplained;
        found.evidence.push_back(mark.entry);
    };
    for_each_wanted(read, {extent->first, as_of}, is_unexplained, take);
    return found;
}

constexpr std::array<std::string_view, 3> names = {"late_sessions", "unauthorised_sessions", "reason_age"};
constexpr std::array<measured (*)(const reading&), 3> functions = {late_sessions, unauthorised_sessions, reason_age};

} // namespace

std::span<const std::string_view> measure_names()
{
    return names;
}

bool is_measure(std::string_view name)
{
    return std::ranges::find(names, name) != names.end();
}

std::optional<judged_day> judge_at(const school_calendar& calendar, local_instant read_at)
{
    for (int at = calendar.ordinal_at_or_before(day_of(read_at)); at >= 0; --at) {
        const civil_day day = calendar.school_days()[static_cast<std::size_t>(at)];
        for (const half_day half : {half_day::am, half_day::pm})
            if (calendar.counts_from({day, half}) <= read_at) return judged_day{day, read_at};
    }
    return std::nullopt;
}

std::optional<day_range> days_of(const rule_window& window, const school_calendar& calendar, civil_day last)
{
    switch (window.of) {
    case rule_window::unit::school_days: return calendar.last_school_days(last, window.count);
    case rule_window::unit::school_weeks: return calendar.last_school_weeks(last, window.count);
    case rule_window::unit::half_term: return calendar.half_term_to(last);
    case rule_window::unit::term: return calendar.term_to(last);
    case rule_window::unit::academic_year: return calendar.academic_year_to(last);
    }
    return std::nullopt;
}

measured measure_over(std::string_view measure, const reading& read)
{
    const auto* const found = std::ranges::find(names, measure);
    ROLLBOOK_ENSURE(found != names.end());
    return functions[static_cast<std::size_t>(found - names.begin())](read);
}

measured take_measure(
    std::string_view measure,
    const rule_window& window,
    const attendance_register& held,
    pupil_no pupil,
    const school_calendar& calendar,
    const judged_day& judged
)
{
    const std::optional<day_range> days = days_of(window, calendar, judged.as_of);
    if (!days) return {};
    return measure_over(measure, {held, pupil, calendar, judged, *days, std::nullopt});
}

} // namespace rollbook
