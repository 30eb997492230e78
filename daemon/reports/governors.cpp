#include "daemon/reports/governors.hpp"

#include "daemon/base/spoken.hpp"
#include "daemon/domain/code_book.hpp"
#include "daemon/reports/pupil_cells.hpp"
#include "daemon/views/actions.hpp"
#include "daemon/views/labels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>

namespace rollbook {
namespace {

struct named_period {
    std::string name;
    day_range days;
};

std::vector<named_period> periods_of(const school_calendar& calendar, civil_day last)
{
    std::vector<named_period> found;
    const day_range year = calendar.academic_year_to(last);
    for (const term& each : calendar.terms()) {
        int number = 0;
        for (const day_range& half : each.half_terms) {
            ++number;
            if (half.first < year.first || half.first > last) continue;
            found.push_back({fmt::format("{}, half {}", each.name, number), {half.first, std::min(half.last, last)}});
        }
    }
    std::ranges::stable_sort(found, {}, [](const named_period& each) { return each.days.first; });
    found.push_back({"Year so far", {year.first, last}});
    return found;
}

std::vector<std::string>
cells_of(const named_period& period, const group_row& row, const std::string& persistent, const std::string& severe)
{
    if (row.is_hidden) return {period.name, row.name, "not shown", "", "", "", "", "", "", ""};
    const auto percent = [&](std::int64_t part) { return hundredths_text(part, row.sums.possible); };
    return {
        period.name,
        row.name,
        std::to_string(row.pupils),
        std::to_string(row.sums.possible),
        percent(row.sums.absent()),
        percent(row.sums.authorised),
        percent(row.sums.unauthorised),
        percent(row.sums.late),
        persistent,
        severe};
}

std::map<std::string, std::int64_t> severe_by_year(const roster& pupils, const std::map<entry_index, figures>& sums)
{
    std::map<std::string, std::int64_t> found;
    for (const auto& [person, who] : pupils.all()) {
        const auto own = sums.find(person);
        if (who.on_roll && own != sums.end() && own->second.absence_at_least(1, 2))
            ++found[who.year.empty() ? "not known" : who.year];
    }
    return found;
}

group_row whole_school(const roster& pupils, const std::map<entry_index, figures>& sums)
{
    group_row all;
    all.name = "School";
    for (const auto& [person, who] : pupils.all()) {
        if (!who.on_roll) continue;
        ++all.pupils;
        const auto own = sums.find(person);
        if (own == sums.end()) continue;
        all.persistent += own->second.absence_at_least(1, 10);
        all.sums += own->second;
    }
    all.is_hidden = all.pupils < suppress_below;
    return all;
}

// One line for each term of this academic year and the two before it, of the whole school. A pupil who has left since
// counts in earlier years alone: of this year the table above tells who is on roll now, and what is between the two
// would tell of those few.
report_table terms(const report_question& asked, civil_day last)
{
    report_table table;
    table.title = "Term by term";
    table.columns = {
        {"term", "Term"},
        {"absent", "Absent, %", true},
        {"authorised", "Authorised, %", true},
        {"unauthorised", "Unauthorised, %", true},
        {"late", "Late, %", true}};
    table.drawn = {"absent", "authorised", "unauthorised"};
    const day_range year = asked.at.config.calendar.academic_year_to(last);
    const civil_day earliest = school_calendar::academic_year_start(
        school_calendar::academic_year_start(year.first - std::chrono::days(1)) - std::chrono::days(1)
    );
    for (const term& each : asked.at.config.calendar.terms()) {
        if (each.half_terms.empty()) continue;
        const day_range days{each.half_terms.front().first, std::min(each.half_terms.back().last, last)};
        if (days.first < earliest || days.last < days.first) continue;
        figures all;
        std::int64_t pupils = 0;
        for (const auto& [person, sums] : figures_of_all(asked.at, asked.everyone, days)) {
            const profile* who = asked.pupils.find(person);
            if (sums.possible == 0 || (days.last >= year.first && !(who && who->on_roll))) continue;
            all += sums;
            ++pupils;
        }
        if (pupils == 0) continue;
        const auto percent = [&](std::int64_t part) {
            return pupils < suppress_below ? "not shown" : hundredths_text(part, all.possible);
        };
        table.rows.push_back(
            {each.name, percent(all.absent()), percent(all.authorised), percent(all.unauthorised), percent(all.late)}
        );
    }
    return table;
}

// What was done in the year, of alerts that rest on the register alone: a figure may not tell of what its reader must
// not know.
std::vector<case_action> done_in(const report_question& asked, const day_range& year)
{
    std::vector<case_action> all = actions_at(asked.at);
    std::erase_if(all, [&](const case_action& each) {
        return !each.is_done || is_called_off(each) || each.kind == "note" || !year.contains(each.on) ||
               (each.alert != no_entry && !labels_at(asked.at, each.alert).is_within(visibility::attendance));
    });
    return all;
}

// How often each kind of action was taken about how many pupils.
report_table interventions(const report_question& asked, const std::vector<case_action>& all)
{
    report_table table;
    table.title = "What was done in the year so far";
    table.columns = {{"kind", "Kind"}, {"times", "Times", true}, {"pupils", "Pupils", true}};
    std::map<std::string, std::pair<std::int64_t, std::set<entry_index>>> kinds;
    for (const case_action& each : all) {
        auto& [times, pupils] = kinds[each.kind];
        ++times;
        pupils.insert(asked.everyone.person_of(each.pupil));
    }
    for (const auto& [kind, counts] : kinds) {
        const bool few = counts.second.size() < suppress_below;
        table.rows.push_back(
            {kind,
             few ? "not shown" : std::to_string(counts.first),
             few ? "fewer than 5" : std::to_string(counts.second.size())}
        );
    }
    return table;
}

constexpr int days_around = 20; // school days before an action and after it
constexpr int days_after_min = 5;

// Pupils with one kind of action, as long before the first of theirs as after it.
struct acted_group {
    std::string kind;
    std::map<entry_index, day_range> before, after; // by person
    figures sums_before, sums_after;
    bool is_hidden = false;

    bool is_part_of(const acted_group& other) const
    {
        return std::ranges::all_of(before, [&](const auto& each) { return other.before.contains(each.first); });
    }
};

std::vector<acted_group> groups_of(const report_question& asked, const std::vector<case_action>& all, civil_day last)
{
    std::map<std::string, std::map<entry_index, civil_day>> first; // by kind and person
    for (const case_action& each : all) {
        const auto [at, is_new] = first[each.kind].emplace(asked.everyone.person_of(each.pupil), each.on);
        if (!is_new) at->second = std::min(at->second, each.on);
    }
    const school_calendar& calendar = asked.at.config.calendar;
    std::vector<acted_group> groups;
    for (const auto& [kind, days] : first) {
        std::vector<std::pair<civil_day, entry_index>> in_order;
        for (const auto& [person, day] : days)
            if (calendar.school_days_between(day, last) >= days_after_min) in_order.emplace_back(day, person);
        // Where so few are left out that counting them would tell of them, the newest of the others are left out too.
        const std::size_t rest = days.size() - in_order.size();
        if (rest > 0 && rest < suppress_below)
            for (std::size_t more = suppress_below - rest; more > 0 && !in_order.empty(); --more)
                in_order.erase(std::ranges::max_element(in_order));
        acted_group& made = groups.emplace_back();
        made.kind = kind;
        made.is_hidden = in_order.size() < suppress_below;
        for (const auto& [day, person] : in_order) {
            const auto begin = calendar.last_school_days(day - std::chrono::days(1), days_around);
            if (begin) made.before[person] = *begin;
            made.after[person] = {
                day + std::chrono::days(1), std::min(calendar.school_day_after(day, days_around).value_or(last), last)};
        }
        made.is_hidden = made.is_hidden || made.before.size() < in_order.size();
    }
    // Of two groups that differ by a few pupils only the larger is told, or the difference would tell of those.
    std::ranges::stable_sort(groups, std::greater(), [](const acted_group& each) { return each.after.size(); });
    for (std::size_t i = 0; i < groups.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) {
            const std::size_t between = groups[j].after.size() - groups[i].after.size();
            if (!groups[j].is_hidden && between > 0 && between < suppress_below && groups[i].is_part_of(groups[j]))
                groups[i].is_hidden = true;
        }
    std::ranges::sort(groups, {}, &acted_group::kind);
    return groups;
}

void measure(const report_question& asked, std::vector<acted_group>& groups)
{
    std::optional<day_range> span;
    for (const acted_group& each : groups)
        for (const auto* side : {&each.before, &each.after})
            for (const auto& [person, days] : *side)
                span = span ? day_range{std::min(span->first, days.first), std::max(span->last, days.last)} : days;
    if (!span) return;
    code_book codes;
    const std::string mis = asked.at.config.mis_name();
    asked.at.reader.marks_of_days(no_entry, *span, asked.at.n, false, [&](const mark_view& held) {
        if (held.source != mis) return true;
        const entry_index person = asked.everyone.person_of(held.pupil);
        for (acted_group& each : groups)
            for (const auto& [side, sums] :
                 {std::pair(&each.before, &each.sums_before), std::pair(&each.after, &each.sums_after)}) {
                const auto days = side->find(person);
                if (days == side->end() || !days->second.contains(held.session.day)) continue;
                sums->add(codes.class_on(codes.intern(held.raw, held.statutory), held.session.day), false);
            }
        return true;
    });
}

// How a group attended before its pupils' first action of a kind and after it. What else changed for them nobody knows:
// it is a comparison and proves nothing.
report_table impact(const report_question& asked, const std::vector<case_action>& all, civil_day last)
{
    report_table table;
    table.title = "Attendance before and after";
    table.columns = {
        {"kind", "Kind"},
        {"pupils", "Pupils", true},
        {"before", "Attended before, %", true},
        {"after", "Attended after, %", true},
        {"change", "Change, in points"}};
    std::vector<acted_group> groups = groups_of(asked, all, last);
    measure(asked, groups);
    for (const acted_group& each : groups) {
        const figures &before = each.sums_before, &after = each.sums_after;
        if (each.is_hidden || before.possible == 0 || after.possible == 0) {
            table.rows.push_back({each.kind, "not shown", "", "", ""});
            continue;
        }
        const std::int64_t change =
            after.present * 10000 / after.possible - before.present * 10000 / before.possible; // of what is shown
        table.rows.push_back(
            {each.kind,
             std::to_string(each.after.size()),
             hundredths_text(before.present, before.possible),
             hundredths_text(after.present, after.possible),
             change == 0 ? "none" : hundredths_text(std::abs(change), 10000) + (change > 0 ? " higher" : " lower")}
        );
    }
    return table;
}

} // namespace

report governors(const report_question& asked)
{
    report made;
    made.title = "Attendance report to governors";
    made.columns = {
        {"period", "Period"},
        {"group", "Group"},
        {"pupils", "Pupils", true},
        {"possible", "Possible sessions", true},
        {"absent", "Absent, %", true},
        {"authorised", "Authorised, %", true},
        {"unauthorised", "Unauthorised, %", true},
        {"late", "Late, %", true},
        {"persistent", "Persistently absent", true},
        {"severe", "Severely absent", true}};
    const civil_day last = asked.days(asked.today()).last;
    made.notes = {
        "Up to " + spoken_date(last) +
            ", of pupils who are on roll now. No pupil is named; a group of fewer than five is "
            "not shown, nor a count from one to four.",
        "Absent, in a hundred of the pupils' own possible sessions, cut and not rounded. Persistently absent: 10 % or "
        "more "
        "of a pupil's own sessions of that period; severely: 50 % or more. National statistics count them over the "
        "year.",
        "Late is L and U, and part of the others.",
        fmt::format(
            "Term by term: earlier years are of whoever had sessions then. Before and after: up to {} school days on "
            "each "
            "side of a pupil's first action of that kind this year, of pupils of whom at least {} days after it are "
            "known. "
            "It is a comparison and proves no cause. A group that differs from a larger one by fewer than five pupils "
            "is "
            "not shown.",
            days_around,
            days_after_min
        ),
    };
    const school_calendar& calendar = asked.at.config.calendar;
    for (const named_period& period : periods_of(calendar, last)) {
        const std::map<entry_index, figures> sums = figures_of_all(asked.at, asked.everyone, period.days);
        std::map<std::string, std::int64_t> severe = severe_by_year(asked.pupils, sums);
        std::int64_t all_severe = 0;
        for (const auto& [year, count] : severe)
            all_severe += count;
        const group_row school = whole_school(asked.pupils, sums);
        made.rows.push_back(cells_of(period, school, count_told(school.persistent), count_told(all_severe)));
        std::vector<group_row> rows = group_rows(asked.pupils, sums, &profile::year);
        std::vector<std::int64_t> persistent, severe_counts;
        for (const group_row& row : rows) {
            persistent.push_back(row.persistent);
            severe_counts.push_back(severe[row.name]);
        }
        const std::vector<std::string> persistent_told = counts_told(rows, persistent);
        const std::vector<std::string> severe_told = counts_told(rows, severe_counts);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            rows[i].name = "Year " + rows[i].name;
            made.rows.push_back(cells_of(period, rows[i], persistent_told[i], severe_told[i]));
        }
    }
    const std::vector<case_action> done = done_in(asked, calendar.academic_year_to(last));
    made.more = {terms(asked, last), interventions(asked, done), impact(asked, done, last)};
    return made;
}

} // namespace rollbook
