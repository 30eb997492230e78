#include "daemon/reports/what_changed.hpp"

#include "daemon/reconcile/payload.hpp"

namespace rollbook {

std::map<what, entry_count> count_entries(
    const ledger_reader& reader, entry_index from, entry_index to, const std::function<bool(entry_index)>& wants
)
{
    std::map<what, entry_count> counts;
    const digester unused = [](std::string_view) { return std::uint64_t{0}; };
    const auto add = [&](what kind, entry_index pupil, entry_index replaces, bool gone) {
        if (wants && !wants(pupil)) return;
        entry_count& count = counts[kind];
        ++(gone ? count.ended : replaces == no_entry ? count.fresh : count.changed);
    };
    reader.entries(from, to, [&](const entry_view& entry) {
        if (!entry.is_open) return true;
        const auto row = project(entry.payload, entry.index, unused);
        if (!row) return true; // a newer form: counted by whoever knows it
        if (const auto* mark = std::get_if<mark_version>(&*row))
            add(what::session_mark, mark->pupil, mark->replaces, mark->gone);
        else if (const auto* thing = std::get_if<thing_version>(&*row))
            add(thing->kind, thing->pupil, thing->replaces, thing->gone);
        return true;
    });
    return counts;
}

std::map<entry_index, figures_change> changed_figures(
    const ledger_reader& reader,
    std::string_view mis,
    entry_index from,
    entry_index to,
    const day_range& days,
    const std::function<entry_index(entry_index)>& person_of
)
{
    std::map<entry_index, figures_change> all;
    const auto sum = [&](entry_index n, figures figures_change::*into) {
        for (const auto& [record, sums] : reader.sums_of_days(mis, days, n))
            all[person_of(record)].*into += sums;
    };
    sum(from, &figures_change::before);
    sum(to, &figures_change::after);
    std::erase_if(all, [](const auto& each) { return each.second.before == each.second.after; });
    return all;
}

} // namespace rollbook
