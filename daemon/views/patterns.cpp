#include "daemon/views/patterns.hpp"

#include "daemon/domain/code_book.hpp"

#include <algorithm>
#include <span>
#include <unordered_map>

namespace rollbook {
namespace {

void hide_small_cells(std::span<pattern_cell> cells)
{
    pattern_cell* smallest = nullptr;
    bool any = false;
    for (pattern_cell& each : cells) {
        each.is_hidden = each.pupils > 0 && each.pupils < suppress_below;
        any = any || each.is_hidden;
        if (each.pupils >= suppress_below && (!smallest || each.pupils < smallest->pupils)) smallest = &each;
    }
    if (any && smallest) smallest->is_hidden = true;
}

struct member {
    std::vector<std::size_t> groups;
    std::vector<bool> weeks; // in which the pupil had a possible session
    std::array<bool, slots_a_week> slots{};
};

} // namespace

group_patterns patterns_of(
    const workplace& at,
    const people& everyone,
    const roster& pupils,
    const day_range& days,
    const std::vector<group_row>& rows,
    const std::function<bool(const profile&, const group_row&)>& is_in
)
{
    group_patterns found;
    std::vector<const group_row*> shown;
    for (const group_row& row : rows)
        if (!row.is_hidden) {
            shown.push_back(&row);
            found.groups.push_back({row.name, {}, {}});
        }
    std::map<entry_index, member> members;
    for (const auto& [person, who] : pupils.all()) {
        if (!who.on_roll) continue;
        for (std::size_t i = 0; i < shown.size(); ++i)
            if (is_in(who, *shown[i])) members[person].groups.push_back(i);
    }
    const civil_day first = monday_of(days.first);
    const std::size_t weeks = static_cast<std::size_t>((days.last - first).count() / 7) + 1;
    for (auto& [person, of] : members)
        of.weeks.resize(weeks);
    for (group_pattern& each : found.groups)
        each.weeks.resize(weeks);
    std::unordered_map<entry_index, member*> by_record;
    code_book codes;
    const std::string mis = at.config.mis_name();
    at.reader.marks_of_days(no_entry, days, at.n, false, [&](const mark_view& held) {
        if (held.source != mis) return true;
        const auto [known, is_new] = by_record.try_emplace(held.pupil, nullptr);
        if (is_new)
            if (const auto of = members.find(everyone.person_of(held.pupil)); of != members.end())
                known->second = &of->second;
        const unsigned weekday = std::chrono::weekday(held.session.day).iso_encoding();
        if (!known->second || weekday > 5) return true;
        figures one;
        one.add(codes.class_on(codes.intern(held.raw, held.statutory), held.session.day), false);
        if (one.possible == 0) return true;
        const auto week = static_cast<std::size_t>((monday_of(held.session.day) - first).count() / 7);
        const std::size_t slot = (weekday - 1) * 2 + static_cast<std::size_t>(held.session.half);
        member& of = *known->second;
        const bool is_first_of_week = !of.weeks[week], is_first_of_slot = !of.slots[slot];
        of.weeks[week] = of.slots[slot] = true;
        const auto count = [&](pattern_cell& cell, bool is_first) {
            cell.pupils += is_first;
            cell.sums += one;
        };
        for (const std::size_t group : of.groups) {
            count(found.groups[group].weeks[week], is_first_of_week);
            count(found.groups[group].slots[slot], is_first_of_slot);
        }
        return true;
    });
    // Weeks without a session of anybody's are left out.
    for (std::size_t week = 0, at = 0; week < weeks; ++week) {
        if (std::ranges::any_of(found.groups, [&](const auto& each) { return each.weeks[at].pupils > 0; })) {
            found.mondays.push_back(first + std::chrono::days(7 * week));
            ++at;
            continue;
        }
        for (group_pattern& each : found.groups)
            each.weeks.erase(each.weeks.begin() + static_cast<std::ptrdiff_t>(at));
    }
    for (group_pattern& each : found.groups) {
        hide_small_cells(each.weeks);
        hide_small_cells(each.slots);
    }
    return found;
}

} // namespace rollbook
