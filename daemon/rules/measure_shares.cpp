#include "daemon/rules/measures.hpp"

#include <algorithm>

namespace rollbook {
namespace {

using one = pupil_history::one;

void count(absence_parts& into, code_class klass)
{
    const bool is_absent = klass == code_class::authorised || klass == code_class::unauthorised;
    const bool is_present = klass == code_class::present || klass == code_class::approved_educational;
    into.absent += is_absent ? 1 : 0;
    into.possible += is_absent || is_present ? 1 : 0;
}

// Cut, never rounded: 9.999 % is 9.99 %.
std::int64_t hundredths(const absence_parts& parts)
{
    return parts.possible == 0 ? 0 : parts.absent * 10'000 / parts.possible;
}

// Monday is 0; weekends are 5 and 6.
unsigned place_of(civil_day day)
{
    return static_cast<unsigned>((std::chrono::weekday(day) - std::chrono::Monday).count());
}

bool is_edge(std::size_t weekday)
{
    return weekday == 0 || weekday == 4;
}

absence_parts sum_of(const weekday_rates& rates, bool of_edges)
{
    absence_parts sum;
    for (std::size_t i = 0; i < rates.days.size(); ++i) {
        if (is_edge(i) != of_edges) continue;
        sum.absent += rates.days[i].absent;
        sum.possible += rates.days[i].possible;
    }
    return sum;
}

// A difference between shares can go either way.
void wait_for_what_is_held_back(const reading& read, measured& found)
{
    constexpr std::int64_t whole = 10'000;
    const bool waits = !read.held_back().empty();
    found.may_fall_by = waits ? found.value : 0;
    found.may_rise_by = waits ? whole : 0;
}

// Of the half term, after those that count by now.
std::int64_t sessions_left(const reading& read)
{
    const civil_day today = read.judged().as_of;
    civil_day last = today;
    for (const term& each : read.calendar().terms())
        for (const day_range& half_term : each.half_terms)
            if (half_term.contains(today)) last = half_term.last;
    std::int64_t left = 2 * std::int64_t{read.calendar().school_days_between(today, last)};
    for (const half_day half : {half_day::am, half_day::pm})
        left += read.calendar().counts_from({today, half}, read.history.pupil().year) > read.judged().read_at ? 1 : 0;
    return left;
}

// By how much more is absent on Mondays and Fridays than from Tuesday to Thursday.
std::int64_t excess(const weekday_rates& rates)
{
    return hundredths(sum_of(rates, true)) - hundredths(sum_of(rates, false));
}

} // namespace

bool is_persistent(const absence_parts& parts)
{
    return parts.absent * 10 >= parts.possible && parts.possible > 0;
}

const weekday_rates& school_rates::over(day_range days) const
{
    const auto [at, is_new] = made_.try_emplace(days);
    if (!is_new) return at->second;
    const code_book& codes = held_.codes();
    held_.for_each_mark(days, [&](session_id session, pupil_no, const held_mark& mark) {
        const unsigned place = place_of(session.day);
        if (place >= at->second.days.size()) return;
        if (session.day == judged_.as_of && calendar_.counts_from(session) > judged_.read_at) return;
        count(at->second.days[place], codes.class_on(mark.code, session.day));
    });
    return at->second;
}

// Unit: hundredths of a per cent of the pupil's own possible sessions. Evidence: the sessions absent.
// Source: DfE pupil absence methodology; persistent at 10 % and severe at 50 % of own possible sessions.
measured absence_percentage(const reading& read)
{
    measured found;
    found.window = read.days;
    absence_parts parts;
    for (const one& mark : read.marks()) {
        const std::int64_t before = parts.absent;
        count(parts, mark.row->klass);
        if (parts.absent == before) continue;
        found.unexplained += mark.row->code == "N" ? 1 : 0;
        found.evidence.push_back(mark.entry);
    }
    found.value = hundredths(parts);
    found.parts = parts;
    const std::int64_t unknown = std::ssize(read.held_back());
    found.may_fall_by = found.value - hundredths({parts.absent, parts.possible + unknown});
    found.may_rise_by = hundredths({parts.absent + unknown, parts.possible + unknown}) - found.value;
    found.is_enough = parts.possible > 0 && parts.possible >= read.min_possible;
    return found;
}

// Unit: hundredths of a per cent. What the share absent would be at the end of the half term if as large a part of what
// is left of it were missed as of the last 20 school days; every session left is taken for a possible one. Nothing is
// said once a tenth is missed already: that is persistent absence itself.
// Source: customary ("will cross 10 % at current rate by half-term"); persistent absence as above.
measured projected_absence(const reading& read)
{
    measured found = absence_percentage(read);
    const absence_parts so_far = *found.parts;
    const civil_day today = read.judged().as_of;
    const std::optional<day_range> lately = read.calendar().last_school_days(today, 20);
    absence_parts pace;
    for (const one& mark : lately ? read.marks_in(*lately) : std::span<const one>())
        count(pace, mark.row->klass);
    const std::int64_t left = sessions_left(read);
    const auto projected = [&](std::int64_t more_absent, std::int64_t more_possible) {
        const absence_parts all{so_far.absent + more_absent, so_far.possible + more_possible};
        const absence_parts recent{pace.absent + more_absent, pace.possible + more_possible};
        if (recent.possible == 0) return hundredths(all);
        return hundredths({all.absent * recent.possible + recent.absent * left, (all.possible + left) * recent.possible}
        );
    };
    const std::int64_t unknown = std::ssize(read.held_back());
    found.value = projected(0, 0);
    found.may_fall_by = std::max<std::int64_t>(0, found.value - projected(0, unknown));
    found.may_rise_by = std::max<std::int64_t>(0, projected(unknown, unknown) - found.value);
    found.is_enough = found.is_enough && !is_persistent(so_far);
    return found;
}

// Unit: hundredths of a percentage point. Evidence: the sessions absent on Mondays and Fridays. The school's own
// difference is taken off, because Fridays are worse everywhere.
measured weekday_pattern(const reading& read)
{
    measured found;
    found.window = read.days;
    weekday_rates own;
    absence_parts all;
    for (const one& mark : read.marks()) {
        const unsigned place = place_of(mark.session.day);
        if (place >= own.days.size()) continue;
        const std::int64_t before = own.days[place].absent;
        count(own.days[place], mark.row->klass);
        count(all, mark.row->klass);
        if (own.days[place].absent != before && is_edge(place)) found.evidence.push_back(mark.entry);
    }
    const rule_facts& facts = read.history.facts();
    const school_rates made(facts.held, facts.calendar, read.judged());
    const school_rates& school = facts.school ? *facts.school : made;
    found.value = std::max<std::int64_t>(0, excess(own) - std::max<std::int64_t>(0, excess(school.over(read.days))));
    found.parts = all;
    wait_for_what_is_held_back(read, found);
    found.is_enough = all.possible > 0 && all.possible >= read.min_possible;
    return found;
}

// Unit: hundredths of a percentage point. Evidence: the sessions absent in the window.
measured attendance_drop(const reading& read)
{
    measured found = absence_percentage(read);
    const day_range before{
        school_calendar::academic_year_start(read.days.last), read.days.first - std::chrono::days(1)};
    absence_parts past;
    for (const one& mark : read.marks_in(before))
        count(past, mark.row->klass);
    found.value = std::max<std::int64_t>(0, found.value - hundredths(past));
    wait_for_what_is_held_back(read, found);
    found.is_enough = found.is_enough && past.possible > 0 && past.possible >= read.min_possible;
    return found;
}

} // namespace rollbook
