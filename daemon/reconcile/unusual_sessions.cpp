#include "daemon/reconcile/unusual_sessions.hpp"

#include <algorithm>

namespace rollbook {
namespace {

// Of one pupil; with more of them it is sooner to look at everything.
constexpr std::size_t touched_max = 64;

std::int32_t packed(session_id session)
{
    return static_cast<std::int32_t>(session.day.time_since_epoch().count()) * 2 + static_cast<int>(session.half);
}

session_id unpacked(std::int32_t at)
{
    return {civil_day(std::chrono::days(at >> 1)), static_cast<half_day>(at & 1)};
}

// Rising numbers as what lies between them, seven bits a byte, the lower first: the next session is days away, mostly.
std::vector<std::uint8_t> steps(const std::vector<std::int32_t>& numbers)
{
    std::vector<std::uint8_t> all;
    std::int32_t before = 0;
    for (const std::int32_t number : numbers) {
        auto step = static_cast<std::uint32_t>(number) - static_cast<std::uint32_t>(before);
        for (; step > 0x7f; step >>= 7)
            all.push_back(static_cast<std::uint8_t>(step | 0x80));
        all.push_back(static_cast<std::uint8_t>(step));
        before = number;
    }
    all.shrink_to_fit();
    return all;
}

std::vector<std::int32_t> numbers_of(const std::vector<std::uint8_t>& steps)
{
    std::vector<std::int32_t> numbers;
    std::uint32_t number = 0, step = 0;
    int shift = 0;
    for (const std::uint8_t byte : steps) {
        step |= static_cast<std::uint32_t>(byte & 0x7f) << shift;
        shift += 7;
        if (byte > 0x7f) continue;
        numbers.push_back(static_cast<std::int32_t>(number += step));
        step = 0;
        shift = 0;
    }
    return numbers;
}

bool is_on_roll(civil_day day, const pupil_record_facts& facts)
{
    return (!facts.on_roll_from || day >= *facts.on_roll_from) && (!facts.on_roll_to || day <= *facts.on_roll_to);
}

} // namespace

void unusual_sessions::forget()
{
    pupils_.clear();
    changes_ = 0;
}

bool unusual_sessions::follow(
    const attendance_register& marks, const source_reading& read, std::string_view mis, std::optional<civil_day> through
)
{
    through_ = through.value_or(civil_day::min());
    const civil_day first = marks.extent() ? marks.extent()->first : civil_day{};
    const bool is_by_this_read = read.source() == mis && read.marks_changed_before() == changes_;
    const bool is_anew = first != first_ || (marks.changes() != changes_ && !is_by_this_read);
    if (is_anew) forget();
    first_ = first;
    if (marks.changes() == changes_) return is_anew;
    changes_ = marks.changes();
    for (const entry_index ref : read.touched_pupils()) {
        const auto number = marks.find_pupil(ref);
        if (!number || *number >= pupils_.size() || !pupils_[*number].is_made) continue;
        kept& of = pupils_[*number];
        if (of.touched.size() + read.touched_sessions().size() > touched_max) {
            of = {};
            continue;
        }
        for (const session_id session : read.touched_sessions())
            of.touched.push_back(packed(session));
    }
    return is_anew;
}

// Present in its own half of a school day, without more, is nothing that any kind has to do with while the pupil is on
// roll: nine marks in ten.
bool unusual_sessions::is_ordinary(
    const attendance_register& marks, const held_mark& mark, session_id session, const pupil_record_facts& facts
) const
{
    const statutory_code* row = marks.codes().row_on(mark.code, session.day);
    return !mark.gone && row && days_.of(session.day) == day_kind::school && row->klass == code_class::present &&
           !row->late && (row->code == "/") == (session.half == half_day::am) && is_on_roll(session.day, facts) &&
           !settings_.ask_evidence.contains(row->code);
}

// The days on which a mark may be missing, as far as the register goes back.
day_range unusual_sessions::marked_days(const pupil_record_facts& facts, const kept& of) const
{
    const std::optional<civil_day> from = facts.on_roll_from ? facts.on_roll_from : of.marked_from;
    if (facts.gone || !from) return {civil_day::max(), civil_day::min()};
    return {std::max(*from, first_), std::min(facts.on_roll_to.value_or(through_), through_)};
}

bool unusual_sessions::is_unusual(
    const attendance_register& marks,
    pupil_no pupil,
    session_id session,
    const pupil_record_facts& facts,
    const kept& of
) const
{
    const held_mark mark = marks.find_but_digest(session, pupil);
    if (mark.met()) return !is_ordinary(marks, mark, session, facts);
    const day_range days = marked_days(facts, of);
    return days.first <= session.day && session.day <= days.last && calendar_.is_school_day(session.day);
}

// Calls use(session) for both halves of each school day of `days`.
template <class F> void unusual_sessions::for_each_session(const day_range& days, F&& use) const
{
    const auto& all = calendar_.school_days();
    for (auto at = std::ranges::lower_bound(all, days.first); at != all.end() && *at <= days.last; ++at)
        for (const half_day half : {half_day::am, half_day::pm})
            use(session_id{*at, half});
}

void unusual_sessions::make(const attendance_register& marks, pupil_no pupil, const pupil_record_facts& facts, kept& of)
    const
{
    of = {facts.entry, true, {}, through_, {}, {}};
    const auto extent = marks.extent();
    if (!extent) return;
    std::vector<std::int32_t> found;
    marks.for_each_met(pupil, *extent, [&](session_id session, const held_mark& mark) {
        if (!of.marked_from && mark.is_held()) of.marked_from = session.day;
        if (!is_ordinary(marks, mark, session, facts)) found.push_back(packed(session));
    });
    for_each_session(marked_days(facts, of), [&](session_id session) {
        if (!marks.find_but_digest(session, pupil).met()) found.push_back(packed(session));
    });
    std::ranges::sort(found);
    of.at = steps(found);
}

void unusual_sessions::look_again(
    const attendance_register& marks, pupil_no pupil, const pupil_record_facts& facts, kept& of
) const
{
    if (of.touched.empty() && through_ <= of.through) return;
    std::vector<std::int32_t> found = numbers_of(of.at);
    const auto look_at = [&](session_id session) {
        const std::int32_t number = packed(session);
        const auto place = std::ranges::lower_bound(found, number);
        const bool was = place != found.end() && *place == number;
        const bool is = is_unusual(marks, pupil, session, facts, of);
        if (is && !was) found.insert(place, number);
        if (was && !is) found.erase(place);
    };
    for (const std::int32_t at : of.touched)
        look_at(unpacked(at));
    of.touched = {};
    if (through_ > of.through) {
        day_range days = marked_days(facts, of);
        days.first = std::max(days.first, of.through);
        for_each_session(days, look_at);
        of.through = through_;
    }
    of.at = steps(found);
}

unusual_sessions::of_pupil
unusual_sessions::of(const attendance_register& marks, pupil_no pupil, const pupil_record_facts& facts)
{
    if (pupil >= pupils_.size()) pupils_.resize(std::max<std::size_t>(pupil + 1, marks.pupils()));
    kept& of = pupils_[pupil];
    of_pupil given;
    if (!of.touched.empty()) given.touched_from = unpacked(std::ranges::min(of.touched)).day;
    // Where the first mark moves, so do the days on which one may be missing.
    const bool begins_anew = given.touched_from && (!of.marked_from || *given.touched_from <= *of.marked_from);
    given.is_made_anew = !of.is_made || of.facts != facts.entry || begins_anew;
    if (given.is_made_anew)
        make(marks, pupil, facts, of);
    else
        look_again(marks, pupil, facts, of);
    given_.clear();
    for (const std::int32_t at : numbers_of(of.at))
        given_.push_back(unpacked(at));
    given.marked_from = of.marked_from;
    given.sessions = given_;
    return given;
}

} // namespace rollbook
