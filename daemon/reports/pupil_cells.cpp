#include "daemon/reports/pupil_cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace rollbook {

std::vector<report_table> report::tables() const
{
    std::vector<report_table> all = {{title, columns, rows}};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

std::vector<report_column> pupil_columns(const report_question& asked)
{
    std::vector<report_column> columns = {{"pupil", "Pupil"}};
    if (asked.names) columns.push_back({"name", "Name"});
    columns.push_back({"year", "Year"});
    columns.push_back({"form", "Form"});
    return columns;
}

std::vector<std::string> pupil_cells(const report_question& asked, entry_index record)
{
    const entry_index person = asked.everyone.person_of(record);
    const profile* who = asked.pupils.find(person);
    std::vector<std::string> cells = {reference_of(person)};
    if (asked.names) cells.push_back(who ? who->name : "");
    cells.push_back(who ? who->year : "");
    cells.push_back(who ? who->form : "");
    return cells;
}

std::string words_told(const report_question& asked, const std::string& words)
{
    return words.empty() || asked.words ? words : "held, not shown";
}

std::string words_told(const report_question& asked, const case_action& of)
{
    return words_told(asked, of.text + (of.text.empty() || of.outcome_text.empty() ? "" : " / ") + of.outcome_text);
}

std::vector<const profile*> in_order(const report_question& asked, const std::unordered_set<entry_index>& besides)
{
    std::vector<const profile*> list;
    for (const auto& [person, who] : asked.pupils.all())
        if (who.on_roll || besides.contains(person)) list.push_back(&who);
    std::ranges::stable_sort(list, {}, [&](const profile* who) {
        return std::tuple(
            who->year.size(),
            std::string_view(who->year),
            std::string_view(who->form),
            asked.names ? std::string_view(who->sort_name) : std::string_view(),
            who->person
        );
    });
    return list;
}

std::string days_text(std::int64_t sessions)
{
    return std::to_string(sessions / 2) + (sessions % 2 != 0 ? ".5" : "");
}

std::string hundredths_text(std::int64_t part, std::int64_t whole)
{
    if (whole <= 0) return "";
    const std::int64_t cut = part * 10'000 / whole;
    return fmt::format("{}.{:02}", cut / 100, cut % 100);
}

} // namespace rollbook
