#include "daemon/reports/behaviour.hpp"

#include "daemon/base/spoken.hpp"
#include "daemon/domain/suspension.hpp"
#include "daemon/reports/pupil_cells.hpp"
#include "daemon/reports/school_facts.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rollbook {
namespace {

// Sessions: more than 5, 15 and 45 days.
constexpr std::int64_t told_above = 10;
constexpr std::int64_t met_above = 30;
constexpr std::int64_t year_max = 90;

std::string asked_of_the_school(std::int64_t term, std::int64_t year, const suspension_nature& of)
{
    std::string said;
    if (term > met_above || (of.is_permanent && !of.is_cancelled))
        said = "the governors meet";
    else if (term > told_above)
        said = "the governors are told; they meet if the parents ask";
    if (year > year_max) said += (said.empty() ? "" : "; ") + std::string("more than 45 days in the year must not be");
    return said;
}

std::string session_of_suspension(const std::optional<civil_day>& day, half_day half, bool is_given)
{
    if (!day) return {};
    return format_day(*day) + (is_given ? (half == half_day::am ? " AM" : " PM") : "");
}

std::string text_or(std::string_view text, std::string_view otherwise)
{
    return std::string(text.empty() ? otherwise : text);
}

} // namespace

report suspensions(const report_question& asked)
{
    report made;
    made.title = "Suspensions";
    made.columns = joined<report_column>(
        pupil_columns(asked),
        {{"from", "From"},
         {"to", "To"},
         {"kind", "Kind"},
         {"reason", "Reason"},
         {"lost", "Days lost, by the source", true},
         {"served", "Days marked E", true},
         {"term_total", "Days in the term", true},
         {"year_total", "Days in the year", true},
         {"duty", "Asks of the school"},
         {"entry", "Entry", true}}
    );
    const day_range days = asked.days(school_calendar::academic_year_start(asked.today()));
    made.notes = {
        fmt::format(
            "Begun {} to {}. Where the source gives a length and no last day, that is worked out by the calendar.",
            spoken_date(days.first),
            spoken_date(days.last)
        ),
        "The totals are of the term and the year in which the suspension began, as they stood on its first day with "
        "all "
        "of its own days; terms of these totals end on 31 December, Easter Monday and 31 July. SI 2012/1033.",
        "A permanent exclusion is in no total; the governors meet about each. "
        "They are this school's only: the limit of 45 days in a school year is across schools. Parents and the local "
        "authority are told of every suspension without delay.",
    };
    const std::shared_ptr<const case_facts> known = asked.at.reader.cases(asked.at.n);
    const case_facts& cases = *known;
    const auto is_listed = [&](const suspension_fact& each) {
        return !each.gone && each.from && days.contains(*each.from) &&
               visibility_of(what::suspension, asked.at.config.is_safeguarding(cases.text(each.source)))
                   .is_within(asked.allowed);
    };
    std::unordered_set<entry_index> suspended;
    for (const suspension_fact& each : cases.suspensions())
        if (is_listed(each)) suspended.insert({each.pupil, asked.everyone.person_of(each.pupil)});
    const school_facts facts(
        asked, {.earliest = looked_back_to(asked), .pupils = std::move(suspended), .cases = known}
    );
    struct line {
        civil_day from{};
        entry_index entry = no_entry;
        std::vector<std::string> cells;
    };
    std::vector<line> lines;
    for (const suspension_fact& each : cases.suspensions()) {
        if (!is_listed(each)) continue;
        const entry_index person = asked.everyone.person_of(each.pupil);
        const suspension_nature nature = nature_of(cases, each);
        const auto last = last_session_of(asked.at.config.calendar, each, nature.is_from_lunch);
        std::int64_t served = 0;
        facts.each_mark(person, {*each.from, last ? last->day : asked.today()}, [&](const school_facts::mark& mark) {
            served += mark.row && mark.row->code == "E";
        });
        const judged_day when{*each.from, local_instant(*each.from + std::chrono::days(1))};
        const auto total = [&](rule_window::unit of) {
            return facts.measure("suspended_days", rule_window{of, 0}, each.pupil, when).value;
        };
        const std::int64_t term = total(rule_window::unit::suspension_term);
        const std::int64_t year = total(rule_window::unit::academic_year);
        lines.push_back(
            {*each.from,
             each.entry,
             joined<std::string>(
                 pupil_cells(asked, person),
                 {session_of_suspension(each.from, each.from_half, each.is_from_half_given),
                  last ? session_of_suspension(last->day, last->half, true) : "open",
                  text_or(cases.text(each.kind), cases.text(each.kind_code)),
                  std::string(cases.text(each.reason)),
                  each.sessions >= 0 ? days_text(each.sessions) : "",
                  days_text(served),
                  days_text(term),
                  days_text(year),
                  asked_of_the_school(term, year, nature),
                  std::to_string(each.entry)}
             )}
        );
    }
    std::ranges::sort(lines, {}, [](const line& each) { return std::pair(each.from, each.entry); });
    for (line& each : lines)
        made.rows.push_back(std::move(each.cells));
    return made;
}

report restrictive_interventions(const report_question& asked)
{
    report made;
    made.title = "Force, restraint and seclusion";
    made.columns = joined<report_column>(
        {{"date", "Date"}},
        joined<report_column>(
            pupil_columns(asked),
            {{"role", "Part"},
             {"type", "Type"},
             {"action", "Action"},
             {"location", "Place"},
             {"parents_told", "Parents told"},
             {"entry", "Entry", true}}
        )
    );
    const day_range days = asked.days(school_calendar::academic_year_start(asked.today()));
    made.notes = {
        fmt::format(
            "Incidents of {} to {} whose type, category or action has one of the words set under findings: {}.",
            spoken_date(days.first),
            spoken_date(days.last),
            fmt::join(asked.at.config.findings.restraint, ", ")
        ),
        "From 1 April 2026 each significant incident is recorded in writing and reported to parents in writing no "
        "later "
        "than the same day, unless that would put the pupil at risk of significant harm.",
    };
    const std::shared_ptr<const case_facts> known = asked.at.reader.cases(asked.at.n);
    const case_facts& cases = *known;
    const auto says_so = [&](text_id id) { return has_part(cases.text(id), asked.at.config.findings.restraint); };
    struct line {
        civil_day day{};
        std::pair<entry_index, entry_index> entries; // of the record and of the pupil's part
        std::vector<std::string> cells;
    };
    std::vector<line> lines;
    for (const case_record& record : cases.records()) {
        if (record.gone || !record.day || !days.contains(*record.day)) continue;
        if (!visibility_of(record.is->kind, asked.at.config.is_safeguarding(cases.text(record.is->source)))
                 .is_within(asked.allowed))
            continue;
        if (!says_so(record.is->type) && !says_so(record.is->subtype) && !says_so(record.is->action) &&
            std::ranges::none_of(record.more_types(), says_so))
            continue;
        cases.for_each_part(record, [&](const case_part& part) {
            if (part.gone) return;
            lines.push_back(
                {*record.day,
                 {record.entry, part.entry},
                 joined<std::string>(
                     {format_day(*record.day)},
                     joined<std::string>(
                         pupil_cells(asked, part.pupil),
                         {std::string(cases.text(part.role)),
                          std::string(cases.text(record.is->type)),
                          std::string(cases.text(record.is->action)),
                          std::string(cases.text(record.is->location)),
                          text_or(cases.text(record.is->parents_told), "not supplied by source"),
                          std::to_string(record.entry)}
                     )
                 )}
            );
        });
    }
    std::ranges::sort(lines, {}, [](const line& each) { return std::pair(each.day, each.entries); });
    for (line& each : lines)
        made.rows.push_back(std::move(each.cells));
    return made;
}

} // namespace rollbook
