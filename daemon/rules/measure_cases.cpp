#include "daemon/rules/measures.hpp"

#include "daemon/base/spoken.hpp"
#include "daemon/domain/finding_settings.hpp"
#include "daemon/domain/suspension.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rollbook {
namespace {

using one = pupil_history::one;

// Sources have words of their own for what a pupil did in an incident. These say that it was done to them or before
// their eyes; every other, and none, counts.
bool is_on_the_receiving_end(std::string_view role)
{
    static const std::vector<std::string> words = {"victim", "target", "witness", "bystander"};
    return has_part(role, words);
}

// Calls use(const case_part&, const case_record&) for each incident in the window that counts against the pupil, in
// order of day and then of meeting.
template <class Use> void for_each_incident(const reading& read, Use&& use)
{
    const case_facts* cases = read.history.facts().cases;
    if (cases == nullptr) return;
    std::vector<std::pair<civil_day, const case_part*>> found;
    for (const std::uint32_t place : cases->parts_of(read.history.pupil().ref)) {
        const case_part& part = cases->parts()[place];
        if (part.gone || part.record == case_part::nothing) continue;
        const case_record& record = cases->records()[part.record];
        if (record.gone || record.is->kind != what::incident || record.is->is_achievement || !record.day) continue;
        if (read.history.leaves_out(part.entry)) continue;
        if (!read.days.contains(*record.day) || (read.not_before && *record.day < *read.not_before)) continue;
        if (is_on_the_receiving_end(cases->text(part.role))) continue;
        found.emplace_back(*record.day, &part);
    }
    std::ranges::stable_sort(found, {}, [](const auto& each) { return each.first; });
    for (const auto& [day, part] : found)
        use(*part, cases->records()[part->record]);
}

// Suspensions that began by the day of judging, in order of day.
std::vector<const suspension_fact*> suspensions_until(const reading& read)
{
    std::vector<const suspension_fact*> found;
    const case_facts* cases = read.history.facts().cases;
    if (cases == nullptr) return found;
    for (const std::uint32_t place : cases->suspensions_of(read.history.pupil().ref)) {
        const suspension_fact& fact = cases->suspensions()[place];
        const bool has_begun = !fact.gone && fact.from && *fact.from <= read.judged().as_of;
        if (has_begun && !read.history.leaves_out(fact.entry)) found.push_back(&fact);
    }
    std::ranges::stable_sort(found, {}, [](const suspension_fact* each) { return *each->from; });
    return found;
}

// The last day of the term or year that the window is the beginning of: days still to be served count already.
civil_day end_of_period(const reading& read)
{
    const civil_day last = read.days.last;
    if (read.over.of == rule_window::unit::suspension_term) return school_calendar::suspension_term_of(last).last;
    if (read.over.of != rule_window::unit::academic_year) return last;
    const std::chrono::year_month_day start(school_calendar::academic_year_start(last));
    return civil_day((start.year() + std::chrono::years(1)) / std::chrono::July / 31);
}

// The half-days from the first session of `fact` to `last` on school days within `within`; of lunchtimes one a day.
std::int64_t sessions_by_calendar(
    const school_calendar& calendar,
    const suspension_fact& fact,
    const std::optional<session_id>& last,
    bool is_from_lunch,
    day_range within
)
{
    const civil_day end = last ? std::min(last->day, within.last) : within.last;
    std::int64_t sessions = 0;
    for (civil_day day = std::max(*fact.from, within.first); day <= end; day += std::chrono::days(1)) {
        if (!calendar.is_school_day(day)) continue;
        const bool morning = day != *fact.from || fact.from_half == half_day::am;
        const bool afternoon = !last || day != last->day || last->half == half_day::pm;
        sessions += is_from_lunch ? 1 : (morning ? 1 : 0) + (afternoon ? 1 : 0);
    }
    return sessions;
}

// What was served of a cancelled suspension: sessions that the register still holds as E.
std::int64_t sessions_served(
    const reading& read, const suspension_fact& fact, const std::optional<session_id>& last, day_range within
)
{
    const day_range days{
        std::max(*fact.from, within.first),
        std::min({last ? last->day : within.last, within.last, read.judged().as_of})};
    return std::ranges::count_if(read.history.in(days), [](const one& mark) { return mark.row->code == "E"; });
}

// That education is owed from the sixth consecutive school day, where the suspension lasts so long; nothing where the
// calendar ends before, and of lunchtimes. Of an exclusion that day is counted from its own first.
std::string education_of(
    const school_calendar& calendar,
    const case_facts& cases,
    const suspension_fact& fact,
    const suspension_nature& nature
)
{
    constexpr int days_after_the_first = 5;
    if (nature.is_from_lunch) return {};
    const civil_day first = nature.is_permanent ? *fact.from : first_day_in_a_row(calendar, cases, fact);
    const auto sixth = calendar.school_day_after(first, days_after_the_first);
    if (!sixth) return {};
    const civil_day from = std::max(*fact.from, *sixth);
    const auto last = last_session_of(calendar, fact, false);
    if (!nature.is_permanent && last && last->day < from) return {};
    if (first == *fact.from)
        return fmt::format(" Suitable full-time education from {}, the sixth school day.", spoken_date(from));
    return fmt::format(
        " Suitable full-time education from {}; the sixth school day is counted from {}, because this follows another "
        "suspension.",
        spoken_date(from),
        spoken_date(first)
    );
}

// Who has to be told of one suspension, and by when.
// Sources: SI 2012/1033 Sch. 2 para 8 (notice in writing by the end of the afternoon session of the first day);
// statutory guidance on suspensions, 26 July 2026 (local authority, social worker and virtual school head without
// delay; education from the sixth school day, Education and Inspections Act 2006 s.100). A message may hold this text,
// so that it names nobody's status: it says the same of every pupil.
std::string duties_of(
    const school_calendar& calendar,
    const case_facts& cases,
    const suspension_fact& fact,
    const suspension_nature& nature
)
{
    std::string said = fmt::format(
        "Suspended from {}{}. To do: parents told, with reason and length, without delay, and the notice in writing by "
        "the end of the afternoon session of {}; the local authority told without delay, and with it the named worker "
        "and "
        "the virtual school head, where there are any.",
        spoken_date(*fact.from),
        fact.to ? " to " + spoken_date(*fact.to) : std::string(),
        spoken_date(*fact.from)
    );
    said += education_of(calendar, cases, fact, nature);
    if (nature.is_permanent) said += " The governors told without delay.";
    return said;
}

} // namespace

// Unit: incidents. Evidence: the pupil's part in each.
measured incidents(const reading& read)
{
    measured found;
    found.window = read.days;
    for_each_incident(read, [&](const case_part& part, const case_record&) {
        ++found.value;
        found.evidence.push_back(part.entry);
    });
    return found;
}

// Unit: points, the pupil's own where the source gives them, else the incident's.
measured incident_points(const reading& read)
{
    measured found;
    found.window = read.days;
    for_each_incident(read, [&](const case_part& part, const case_record& record) {
        const std::int64_t points = part.points != 0 ? part.points : record.is->points;
        if (points <= 0) return;
        found.value += points;
        found.evidence.push_back(part.entry);
    });
    return found;
}

// Unit: incidents after which the pupil was absent, in the afternoon of that day or on the next school day. E is the
// school's own answer to an incident and is none; U is on site.
measured absence_after_incident(const reading& read)
{
    measured found;
    found.window = read.days;
    found.may_rise_by = std::ssize(read.held_back());
    for_each_incident(read, [&](const case_part& part, const case_record& record) {
        const auto next = read.calendar().school_day_after(*record.day, 1);
        const std::span<const one> after = read.history.in({*record.day, next.value_or(*record.day)});
        const auto is_away = [&](const one& mark) {
            const bool is_later = mark.session > session_id{*record.day, half_day::am};
            const bool is_absent =
                mark.row->klass == code_class::authorised || mark.row->klass == code_class::unauthorised;
            return is_later && is_absent && mark.row->code != "E" && mark.row->code != "U";
        };
        const auto away = std::ranges::find_if(after, is_away);
        if (away == after.end()) return;
        ++found.value;
        found.evidence.push_back(part.entry);
        found.evidence.push_back(away->entry);
    });
    return found;
}

// Unit: sessions, two a day; a lunchtime is one. Days still to come of a suspension that has begun count, up to the end
// of the term or year. A source that says 0 sessions has not said how many; one that says how many and no last day has
// said where it ends. Of a cancelled one only what was served counts. A permanent exclusion is in no total: its duties
// are its own, whatever was before. Sources: SI 2012/1033 (totals over 5 and over 15 days in a term, 45 in a school
// year; reg. 2 for the term); SI 2023/571 (cancelled ones).
measured suspended_days(const reading& read)
{
    measured found;
    const day_range period{read.days.first, end_of_period(read)};
    found.window = read.days;
    std::int64_t cancelled = 0;
    for (const suspension_fact* fact : suspensions_until(read)) {
        const suspension_nature nature = nature_of(*read.history.facts().cases, *fact);
        if (nature.is_permanent && !nature.is_cancelled) continue;
        const auto last = last_session_of(read.calendar(), *fact, nature.is_from_lunch);
        const bool is_whole = *fact->from >= period.first && last && last->day <= period.last;
        std::int64_t sessions = 0;
        if (nature.is_cancelled)
            sessions = sessions_served(read, *fact, last, period);
        else if (is_whole && fact->sessions > 0)
            sessions = fact->sessions;
        else
            sessions =
                sessions_by_calendar(read.calendar(), *fact, last, nature.is_from_lunch, last ? period : read.days);
        if (sessions == 0) continue;
        found.value += sessions;
        found.evidence.push_back(fact->entry);
        cancelled += nature.is_cancelled ? 1 : 0;
    }
    if (cancelled > 0)
        found.detail = fmt::format(
            "{} {} cancelled; the sessions served before count.", cancelled, cancelled == 1 ? "was" : "were"
        );
    return found;
}

// Unit: suspensions. Its detail is the checklist.
measured suspension_duties(const reading& read)
{
    measured found;
    found.window = read.days;
    for (const suspension_fact* fact : suspensions_until(read)) {
        if (!read.days.contains(*fact->from)) continue;
        const case_facts& cases = *read.history.facts().cases;
        const suspension_nature nature = nature_of(cases, *fact);
        if (nature.is_cancelled) continue;
        ++found.value;
        found.evidence.push_back(fact->entry);
        found.detail += (found.detail.empty() ? "" : " ") + duties_of(read.calendar(), cases, *fact, nature);
    }
    return found;
}

// Unit: lessons. A lesson counts where every session mark of its day says present (/, \ or L) and its own mark is G, N
// or O: any other code is a reason (an appointment, an interview, an examination), and a mark that is not there says
// nothing. Sources do not say which half of the day a lesson is in, so that a day with one session absent or off site,
// or with one that is not read yet, proves nothing. A pupil who came after the register closed (U) may have missed the
// first lesson by that. Evidence: the lesson's mark.
measured missed_lessons(const reading& read)
{
    measured found;
    found.window = read.days;
    const case_facts* cases = read.history.facts().cases;
    if (cases == nullptr) return found;
    std::vector<const lesson_absence*> lessons;
    for (const std::uint32_t place : cases->lessons_of(read.history.pupil().ref)) {
        const lesson_absence& lesson = cases->lessons()[place];
        const bool is_within = read.days.contains(lesson.day) && (!read.not_before || lesson.day >= *read.not_before);
        if (lesson.stands && is_within && !read.history.leaves_out(lesson.entry)) lessons.push_back(&lesson);
    }
    std::ranges::sort(lessons, {}, [](const lesson_absence* each) { return std::pair(each->day, each->subject); });
    for (const lesson_absence* lesson : lessons) {
        const std::span<const one> day = read.history.in({lesson->day, lesson->day});
        const auto held_back = std::ranges::count(read.held_back(), lesson->day, &session_id::day);
        const bool is_present =
            std::ranges::all_of(day, [](const one& mark) { return mark.row->klass == code_class::present; });
        if (!is_present || std::ssize(day) + held_back < 2) continue;
        if (held_back > 0) {
            ++found.may_rise_by;
            continue;
        }
        ++found.value;
        found.evidence.push_back(lesson->entry);
    }
    return found;
}

} // namespace rollbook
