#include "daemon/reports/governors.hpp"

#include "daemon/base/spoken.hpp"
#include "daemon/reports/pupil_cells.hpp"
#include "daemon/views/actions.hpp"
#include "daemon/views/labels.hpp"

#include <fmt/format.h>

#include <algorithm>
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

std::string unless_few(std::int64_t pupils)
{
    return pupils > 0 && pupils < suppress_below ? "fewer than 5" : std::to_string(pupils);
}

// The counts of the groups that are shown, as told: where one alone is too small to tell and no group is hidden, the
// smallest other is kept back too, or the school's own count less the others' would tell it.
std::vector<std::string> told(const std::vector<std::int64_t>& counts, bool any_hidden)
{
    std::vector<std::string> texts;
    std::ranges::transform(counts, std::back_inserter(texts), unless_few);
    const auto is_few = [](std::int64_t count) { return count > 0 && count < suppress_below; };
    if (any_hidden || std::ranges::count_if(counts, is_few) != 1) return texts;
    std::size_t least = counts.size();
    for (std::size_t i = 0; i < counts.size(); ++i)
        if (!is_few(counts[i]) && (least == counts.size() || counts[i] < counts[least])) least = i;
    if (least < counts.size()) texts[least] = "not shown";
    return texts;
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
        all.sums.possible += own->second.possible;
        all.sums.present += own->second.present;
        all.sums.authorised += own->second.authorised;
        all.sums.unauthorised += own->second.unauthorised;
        all.sums.late += own->second.late;
    }
    all.is_hidden = all.pupils < suppress_below;
    return all;
}

// How often each kind of action was taken about how many pupils, of alerts that rest on the register alone: a count may
// not tell of what its reader must not know.
report_table interventions(const report_question& asked, const day_range& year)
{
    report_table table;
    table.title = "What was done in the year so far";
    table.columns = {{"kind", "Kind"}, {"times", "Times", true}, {"pupils", "Pupils", true}};
    std::map<std::string, std::pair<std::int64_t, std::set<entry_index>>> kinds;
    for (const case_action& each : actions_at(asked.at)) {
        if (!each.is_done || is_called_off(each) || each.kind == "note" || !year.contains(each.on)) continue;
        if (each.alert != no_entry && !labels_at(asked.at, each.alert).is_within(visibility::attendance)) continue;
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
    };
    const school_calendar& calendar = asked.at.config.calendar;
    for (const named_period& period : periods_of(calendar, last)) {
        const std::map<entry_index, figures> sums = figures_of_all(asked.at, asked.everyone, period.days);
        std::map<std::string, std::int64_t> severe = severe_by_year(asked.pupils, sums);
        std::int64_t all_severe = 0;
        for (const auto& [year, count] : severe)
            all_severe += count;
        const group_row school = whole_school(asked.pupils, sums);
        made.rows.push_back(cells_of(period, school, unless_few(school.persistent), unless_few(all_severe)));
        std::vector<group_row> rows = group_rows(asked.pupils, sums, &profile::year);
        std::vector<std::int64_t> persistent, severe_counts;
        for (const group_row& row : rows) {
            if (row.is_hidden) continue;
            persistent.push_back(row.persistent);
            severe_counts.push_back(severe[row.name]);
        }
        const bool any_hidden = persistent.size() != rows.size();
        const std::vector<std::string> persistent_told = told(persistent, any_hidden);
        const std::vector<std::string> severe_told = told(severe_counts, any_hidden);
        std::size_t shown = 0;
        for (group_row& row : rows) {
            row.name = "Year " + row.name;
            const std::size_t at = row.is_hidden ? 0 : shown++;
            made.rows.push_back(
                cells_of(period, row, row.is_hidden ? "" : persistent_told[at], row.is_hidden ? "" : severe_told[at])
            );
        }
    }
    made.more.push_back(interventions(asked, calendar.academic_year_to(last)));
    return made;
}

} // namespace rollbook
