#include "daemon/rules/measures.hpp"

#include "daemon/base/error.hpp"
#include "daemon/domain/calendar.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace rollbook {
namespace {

using one = pupil_history::one;

bool is_unexplained(const statutory_code& row)
{
    return row.code == "N";
}

bool is_absence(const statutory_code& row)
{
    return row.klass == code_class::authorised || row.klass == code_class::unauthorised;
}

void take(measured& found, const one& mark)
{
    found.unexplained += is_unexplained(*mark.row) ? 1 : 0;
    found.evidence.push_back(mark.entry);
}

// Unit: sessions; two make a school day.
template <class Wanted> measured count_sessions(const reading& read, Wanted&& wanted)
{
    measured found;
    found.window = read.days;
    found.may_rise_by = std::ssize(read.held_back());
    for (const one& mark : read.marks()) {
        if (!wanted(*mark.row)) continue;
        ++found.value;
        take(found, mark);
    }
    return found;
}

measured late_sessions(const reading& read)
{
    return count_sessions(read, [](const statutory_code& row) { return row.late; });
}

// Unit: minutes. A session whose minutes the source does not give counts for none, and is no evidence.
measured late_minutes(const reading& read)
{
    constexpr std::uint8_t not_given = 255;
    measured found;
    found.window = read.days;
    found.may_rise_by = std::ssize(read.held_back()) * not_given;
    for (const one& mark : read.marks()) {
        if (!mark.row->late || mark.minutes == not_given || mark.minutes == 0) continue;
        found.value += mark.minutes;
        take(found, mark);
    }
    return found;
}

measured unauthorised_sessions(const reading& read)
{
    return count_sessions(read, [](const statutory_code& row) { return row.penalty_notice; });
}

measured unexplained_sessions(const reading& read)
{
    return count_sessions(read, is_unexplained);
}

measured absent_sessions(const reading& read)
{
    return count_sessions(read, is_absence);
}

// Unit: school days. Source: SI 2024/208 reg. 10(7)-(9): a reason is due within five school days of the session.
measured reason_age(const reading& read)
{
    measured found;
    const civil_day as_of = read.judged().as_of;
    found.window = {as_of, as_of};
    const auto first = read.history.facts().held.first_unexplained(read.history.pupil().number);
    if (!first) return found;
    for (const one& mark : read.marks_in({first->day, as_of})) {
        if (!is_unexplained(*mark.row)) continue;
        if (found.evidence.empty()) {
            found.value = read.calendar().school_days_between(mark.session.day, as_of);
            found.window.first = mark.session.day;
        }
        take(found, mark);
    }
    return found;
}

// Unit: whole school days, two sessions each. Any session of another kind ends the run, leave that was given too; what
// asks for no attendance (D, X, Y, Q, # and the like) neither counts nor ends it.
// Source: SI 2024/208 reg. 13: continuous absence for ten school days or more, recorded with G, N, O or U.
measured consecutive_absent_days(const reading& read)
{
    measured found;
    found.window = read.days;
    civil_day began = read.days.last;
    // A session held back may be of the run or end it: surely a run is what lies between two of them.
    const std::span<const session_id> unknown = read.held_back();
    std::size_t sure = 0, longest_sure = 0, passed = 0;
    for (const one& mark : read.marks()) {
        for (; passed < unknown.size() && unknown[passed] < mark.session; ++passed)
            sure = 0;
        if (mark.row->penalty_notice) {
            if (found.evidence.empty()) began = mark.session.day;
            longest_sure = std::max(longest_sure, ++sure);
            take(found, mark);
        } else if (mark.row->klass != code_class::not_required && mark.row->klass != code_class::administrative) {
            found.evidence.clear();
            found.unexplained = 0;
            sure = longest_sure = 0;
        }
    }
    found.value = static_cast<std::int64_t>(found.evidence.size()) / 2;
    found.may_fall_by = found.value - static_cast<std::int64_t>(longest_sure) / 2;
    found.may_rise_by = std::ssize(unknown);
    if (!found.evidence.empty()) found.window.first = began;
    return found;
}

// Unit: whole school days, two sessions each.
measured illness_days(const reading& read)
{
    measured found = count_sessions(read, [](const statutory_code& row) { return row.code == "I"; });
    found.value /= 2;
    return found;
}

// Unit: school weeks, which begin on Mondays.
measured broken_weeks(const reading& read)
{
    measured found;
    found.window = read.days;
    found.may_rise_by = std::ssize(read.held_back());
    civil_day week = civil_day::min();
    for (const one& mark : read.marks()) {
        if (!is_absence(*mark.row)) continue;
        const civil_day monday = monday_of(mark.session.day);
        found.value += monday != week ? 1 : 0;
        week = monday;
        take(found, mark);
    }
    return found;
}

// A source or a rule is judged after each read, and no pupil ever is.
measured of_no_pupil(const reading& read)
{
    measured found;
    found.window = read.days;
    return found;
}

// Of sessions of one pupil, as far as it can be known and is worth having.
std::size_t room_for(day_range days)
{
    constexpr std::int64_t sessions_of_a_year = 2 * 190;
    // Before it is subtracted: it may be the first day there is.
    if (days.first < days.last - std::chrono::days(sessions_of_a_year)) return sessions_of_a_year;
    return static_cast<std::size_t>(
        std::clamp<std::int64_t>(2 * (days.last - days.first).count(), 2, sessions_of_a_year)
    );
}

struct named_function {
    std::string_view name;
    measured (*take)(const reading&);
};
constexpr std::array functions = {
    named_function{"late_sessions", late_sessions},
    named_function{"late_minutes", late_minutes},
    named_function{"unauthorised_sessions", unauthorised_sessions},
    named_function{"unexplained_sessions", unexplained_sessions},
    named_function{"reason_age", reason_age},
    named_function{"absent_sessions", absent_sessions},
    named_function{"absence_percentage", absence_percentage},
    named_function{"projected_absence", projected_absence},
    named_function{"consecutive_absent_days", consecutive_absent_days},
    named_function{"illness_days", illness_days},
    named_function{"broken_weeks", broken_weeks},
    named_function{"weekday_pattern", weekday_pattern},
    named_function{"attendance_drop", attendance_drop},
    named_function{"incidents", incidents},
    named_function{"incident_points", incident_points},
    named_function{"absence_after_incident", absence_after_incident},
    named_function{"suspended_days", suspended_days},
    named_function{"suspension_duties", suspension_duties},
    named_function{"unexplained_minutes", unexplained_minutes},
    named_function{"left_unexplained_minutes", left_unexplained_minutes},
    named_function{"missed_lessons", missed_lessons},
    named_function{"stale_source", of_no_pupil},
    named_function{"failed_rule", of_no_pupil},
};

} // namespace

pupil_history::pupil_history(const rule_facts& facts, const judged_pupil& pupil, const judged_day& judged)
    : facts_(facts), pupil_(pupil), judged_(judged), from_(judged.as_of + std::chrono::days(1))
{
}

std::vector<pupil_history> pupil_history::of_several(
    const rule_facts& facts, std::span<const judged_pupil> pupils, const judged_day& judged, civil_day from
)
{
    std::vector<pupil_history> all;
    all.reserve(pupils.size());
    std::vector<pupil_no> numbers;
    numbers.reserve(pupils.size());
    for (const judged_pupil& pupil : pupils) {
        numbers.push_back(pupil.number);
        pupil_history& made = all.emplace_back(facts, pupil, judged);
        made.marks_.reserve(room_for({from, judged.as_of}));
        made.from_ = std::min(made.from_, from);
    }
    const auto take = [&](std::size_t i, session_id session, const held_mark& mark) {
        if (const auto read = all[i].read(session, mark)) all[i].marks_.push_back(*read);
    };
    facts.held.for_each_of(numbers, {from, judged.as_of}, take);
    return all;
}

// Gathers what lies between `day` and what was gathered so far.
void pupil_history::reach_back_to(civil_day day) const
{
    const day_range missing{day, std::min(from_ - std::chrono::days(1), judged_.as_of)};
    std::vector<one> longer;
    longer.reserve(room_for(missing) + marks_.size());
    facts_.held.for_each(pupil_.number, missing, [&](session_id session, const held_mark& mark) {
        if (const auto read_mark = read(session, mark)) longer.push_back(*read_mark);
    });
    from_ = day;
    longer.insert(longer.end(), marks_.begin(), marks_.end());
    marks_.swap(longer);
    if (!longer.empty()) outgrown_.push_back(std::move(longer));
}

// A mark that is held, if rules may read it.
std::optional<pupil_history::one> pupil_history::read(session_id session, const held_mark& mark) const
{
    const statutory_code* row = facts_.held.codes().row_on(mark.code, session.day);
    if (row == nullptr || !has_settled(session) || leaves_out(mark.entry)) return std::nullopt;
    return one{session, row, mark.entry, mark.minutes};
}

bool pupil_history::has_settled(session_id session) const
{
    // No register settles later than half a day after it closed, so that only the newest days have to be asked.
    const civil_day surely_settled = day_of(judged_.read_at) - std::chrono::days(1);
    return session.day < surely_settled || facts_.calendar.counts_from(session, pupil_.year) <= judged_.read_at;
}

std::span<const session_id> pupil_history::held_back() const
{
    if (!held_back_) held_back_ = find_held_back();
    return *held_back_;
}

std::vector<session_id> pupil_history::find_held_back() const
{
    std::vector<session_id> found;
    const std::optional<day_range> extent = facts_.held.extent();
    if (!facts_.gate || !extent) return found;
    const int newest = facts_.calendar.ordinal_at_or_before(judged_.as_of);
    for (int at = std::max(0, newest - held_back_days); at <= newest; ++at)
        for (const half_day half : {half_day::am, half_day::pm}) {
            const session_id session{facts_.calendar.school_days()[static_cast<std::size_t>(at)], half};
            if (session.day < extent->first || facts_.calendar.counts_from(session, pupil_.year) > judged_.read_at)
                continue;
            if (facts_.gate->holds_back(session, pupil_.number)) found.push_back(session);
        }
    return found;
}

pupil_history pupil_history::as_of(const judged_day& earlier) const
{
    pupil_history then(facts_, pupil_, earlier);
    then.left_out_ = left_out_;
    then.from_ = std::min(from_, then.from_);
    const auto end = std::ranges::upper_bound(marks_, earlier.as_of, {}, [](const one& m) { return m.session.day; });
    then.marks_.reserve(static_cast<std::size_t>(end - marks_.begin()));
    std::copy_if(marks_.begin(), end, std::back_inserter(then.marks_), [&](const one& mark) {
        return then.has_settled(mark.session);
    });
    return then;
}

pupil_history pupil_history::without(std::span<const entry_index> left_out) const
{
    ROLLBOOK_ENSURE(left_out_.empty());
    pupil_history rest(facts_, pupil_, judged_);
    rest.left_out_ = left_out;
    rest.from_ = from_;
    rest.held_back_ = held_back_;
    rest.marks_.reserve(marks_.size());
    std::ranges::copy_if(marks_, std::back_inserter(rest.marks_), [&](const one& mark) {
        return !rest.leaves_out(mark.entry);
    });
    return rest;
}

bool pupil_history::leaves_out(entry_index entry) const
{
    return std::ranges::binary_search(left_out_, entry);
}

std::span<const pupil_history::one> pupil_history::in(day_range days) const
{
    if (days.first < from_ && days.first <= days.last) reach_back_to(days.first);
    const auto day_of_mark = [](const one& mark) { return mark.session.day; };
    const auto first = std::ranges::lower_bound(marks_, days.first, {}, day_of_mark);
    const auto end = std::ranges::upper_bound(first, marks_.end(), days.last, {}, day_of_mark);
    return {first, end};
}

std::span<const pupil_history::one> reading::marks_in(day_range within) const
{
    if (not_before) within.first = std::max(within.first, *not_before);
    return history.in(within);
}

std::span<const session_id> reading::held_back() const
{
    const std::span<const session_id> all = history.held_back();
    const civil_day from = std::max(days.first, not_before.value_or(days.first));
    const auto first = std::ranges::lower_bound(all, from, {}, &session_id::day);
    return {first, std::ranges::upper_bound(first, all.end(), days.last, {}, &session_id::day)};
}

std::optional<judged_day> judge_at(const school_calendar& calendar, local_instant read_at)
{
    for (int at = calendar.ordinal_at_or_before(day_of(read_at)); at >= 0; --at) {
        const civil_day day = calendar.school_days()[static_cast<std::size_t>(at)];
        for (const half_day half : {half_day::am, half_day::pm})
            if (calendar.counting_moments({day, half}).front() <= read_at) return judged_day{day, read_at};
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
    case rule_window::unit::suspension_term: return day_range{calendar.suspension_term_of(last).first, last};
    }
    return std::nullopt;
}

measured measure_over(std::string_view measure, const reading& read)
{
    const auto* const found = std::ranges::find(functions, measure, &named_function::name);
    ROLLBOOK_ENSURE(found != functions.end());
    return found->take(read);
}

bool compares_with_the_school(std::string_view measure)
{
    return measure == "weekday_pattern";
}

measured take_measure(std::string_view measure, const rule_window& window, const pupil_history& history)
{
    const std::optional<day_range> days = days_of(window, history.facts().calendar, history.judged().as_of);
    if (!days) return {};
    return measure_over(measure, {history, *days, window, std::nullopt});
}

} // namespace rollbook
