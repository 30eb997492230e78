#include "daemon/reports/penalty_evidence.hpp"

#include "daemon/base/spoken.hpp"
#include "daemon/cases/action.hpp"
#include "daemon/reports/pupil_cells.hpp"
#include "daemon/reports/school_facts.hpp"
#include "daemon/rules/measures.hpp"
#include "daemon/views/actions.hpp"
#include "daemon/views/alerts.hpp"
#include "daemon/views/labels.hpp"
#include "daemon/views/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rollbook {
namespace {

report_table steps_taken(const report_question& asked)
{
    report_table table;
    table.title = "Support, warnings and notices";
    table.columns = {
        {"on", "On"},
        {"kind", "Kind"},
        {"standing", "Standing"},
        {"outcome", "Outcome"},
        {"adult", "Parent"},
        {"words", "Words"},
        {"by", "By"},
        {"entry", "Entry", true}};
    for (const case_action& each : actions_at(asked.at)) {
        if (asked.everyone.person_of(each.pupil) != asked.pupil || each.kind == "note") continue;
        if (each.alert != no_entry && !labels_at(asked.at, each.alert).is_within(asked.allowed)) continue;
        table.rows.push_back(
            {format_day(each.on),
             each.kind,
             is_called_off(each) ? "does not count"
             : each.is_done      ? "done"
                                 : "open",
             each.outcome,
             each.adult,
             words_told(asked, each),
             each.by.empty() ? each.user : each.by,
             std::to_string(each.latest)}
        );
    }
    return table;
}

// The sessions that a person's decision about an alert of the rule was made on, in ascending order.
std::vector<entry_index> decided_on(const report_question& asked, const rule& by)
{
    const auto last = last_alert_of(asked.at, by, asked.pupil);
    if (!last || !labels_at(asked.at, last->id).is_within(asked.allowed)) return {};
    return used_before(by, &*last);
}

} // namespace

report penalty_evidence(const report_question& asked)
{
    report made;
    made.title = "Evidence for a penalty notice";
    made.columns = {
        {"date", "Date"},
        {"session", "Session"},
        {"code", "Code"},
        {"meaning", "Meaning"},
        {"minutes", "Minutes late", true},
        {"learned", "Rollbook read of it"},
        {"decided", "Decided on already"},
        {"proof", "Proof"},
        {"entry", "Entry", true}};
    made.more.push_back(steps_taken(asked));
    const rule* by = rule_in_force(asked.at.config, "penalty-notice");
    const bool of_all = by && compares_with_the_school(by->measure);
    const school_facts facts(
        asked,
        {.earliest = looked_back_to(asked),
         .pupils = of_all ? std::nullopt : std::optional(std::unordered_set<entry_index>{asked.pupil}),
         .cases = by && find_measure(by->measure)->reads_cases ? asked.at.reader.cases(asked.at.n) : nullptr}
    );
    const civil_day last = asked.days(asked.today()).last;
    const civil_day of_age = by ? facts.last_day_of_age(*by, asked.pupil, last) : last;
    const auto when = facts.judged(of_age);
    const auto found = by && when ? facts.judge(*by, asked.pupil, *when) : std::nullopt;
    made.notes = {"About " + [&] {
        std::string about;
        for (const std::string& cell : pupil_cells(asked, asked.pupil))
            if (!cell.empty()) about += (about.empty() ? "" : ", ") + cell;
        return about;
    }() + "."};
    if (!found) {
        made.notes.emplace_back(
            !by ? "The rule \"penalty-notice\" is switched off: nobody is judged."
                : "There is no register of this pupil to judge."
        );
        return made;
    }
    if (found->fit != cohort_fit::inside) {
        made.notes.push_back(fmt::format(
            "Not judged: the pupil is not one of those whom the rule is about on {}.", spoken_date(when->as_of)
        ));
        return made;
    }
    if (of_age < last && first_day_of_windows(*by, asked.at.config.calendar, when->as_of) < looked_back_to(asked)) {
        made.notes.push_back(fmt::format(
            "Not judged: the pupil was of compulsory school age until {}. Ask for the days up to then.",
            spoken_date(of_age)
        ));
        return made;
    }
    if (of_age < last)
        made.notes.push_back(fmt::format(
            "Judged by {}, the last day on which the pupil was of compulsory school age.", spoken_date(of_age)
        ));
    const auto newest = asked.at.reader.newest_checkpoint();
    const std::vector<entry_index> used = decided_on(asked, *by);
    const auto is_used = [&](entry_index each) { return std::ranges::binary_search(used, each); };
    const auto again = std::ranges::count_if(found->evidence, is_used);
    for (const entry_index index : found->evidence) {
        asked.at.reader.entries(index, index + 1, [&](const entry_view& entry) {
            const opened_entry each = open_entry(entry);
            const auto day = parse_day(each.text("date"));
            const statutory_code* code = day ? find_statutory_code(normalised_code(each.text("code")), *day) : nullptr;
            const auto minutes = each.root()["minutes"].int_if();
            const auto by_instant = parse_instant(each.text("learned_by"));
            made.rows.push_back(
                {std::string(each.text("date")),
                 std::string(each.text("session")),
                 code ? std::string(code->code) : plain(each.text("raw")),
                 code ? std::string(code->meaning) : "",
                 minutes ? std::to_string(*minutes) : "",
                 by_instant ? clock_text(*by_instant, asked.at.zone) : "",
                 is_used(index) ? "yes" : "",
                 newest && index < newest->size ? fmt::format("signed checkpoint of size {}", newest->size)
                                                : "not yet in a signed checkpoint",
                 std::to_string(index)}
            );
            return false;
        });
    }
    made.notes.push_back(fmt::format(
        "{} sessions of G, N, O or U from {} to {}; the threshold is {}. It is {}.{}",
        found->value,
        spoken_date(found->window.first),
        spoken_date(found->window.last),
        found->threshold,
        found->stage >= 0 ? "met" : "not met",
        found->unexplained > 0
            ? fmt::format(" Of these {} still N: find the reason before anything is sent.", found->unexplained)
            : std::string()
    ));
    if (again > 0)
        made.notes.push_back(fmt::format(
            "A decision was made on {} of them already; {} are new. A notice is not issued twice on the same sessions.",
            again,
            std::ssize(found->evidence) - again
        ));
    made.notes.emplace_back("The threshold asks the school to consider a notice, case by case, with support first "
                            "where it fits. At most two "
                            "notices to a parent for a child in three years.");
    made.notes.emplace_back("`rollbook ledger prove ENTRY`, or the entry's page, gives a proof file (C2SP tlog-proof) "
                            "that others' programs "
                            "check against the signed checkpoint.");
    return made;
}

} // namespace rollbook
