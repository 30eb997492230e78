#include "daemon/reconcile/suspension_findings.hpp"

#include "daemon/base/spoken.hpp"
#include "daemon/domain/suspension.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rollbook {
namespace {

constexpr int sure_days = 5; // of one without an end

std::string spoken_span(const suspended& each)
{
    if (each.from.day == each.to.day) return "on " + spoken_weekday_date(each.from.day);
    return fmt::format("from {} to {}", spoken_weekday_date(each.from.day), spoken_weekday_date(each.to.day));
}

// What the register may say of a suspended pupil: E, education elsewhere, or nothing of an absence.
bool agrees(const statutory_code* row, code_class klass)
{
    if (row && row->code == "E") return true;
    return klass == code_class::approved_educational || klass == code_class::not_required ||
           klass == code_class::administrative || klass == code_class::none || klass == code_class::unmapped;
}

} // namespace

std::vector<suspended> suspensions_of(const finding_context& in, entry_index pupil)
{
    std::vector<suspended> all;
    for (const std::uint32_t place : in.held.cases().suspensions_of(pupil)) {
        const suspension_fact& fact = in.held.cases().suspensions()[place];
        if (fact.gone || !fact.from) continue;
        const suspension_nature nature = nature_of(in.held.cases(), fact);
        if (nature.is_from_lunch || nature.is_cancelled) continue;
        suspended each;
        each.fact = &fact;
        each.from = {*fact.from, fact.from_half};
        const auto last = last_session_of(in.calendar, fact, nature.is_from_lunch);
        each.to = last.value_or(session_after(in.calendar, each.from, sure_days * 2 - 1));
        each.is_open = !last;
        each.days_before =
            in.calendar.school_days_between(first_day_in_a_row(in.calendar, in.held.cases(), fact), each.from.day);
        all.push_back(each);
    }
    std::ranges::sort(all, {}, &suspended::from);
    return all;
}

void suspension_without_e(const pupil_case& c, findings& all)
{
    if (!c.marks || !c.number) return;
    for (const suspended& each : c.suspensions) {
        std::string said;
        std::vector<entry_index> entries;
        c.marks->for_each(*c.number, {each.from.day, each.to.day}, [&](session_id session, const held_mark& mark) {
            if (session < each.from || each.to < session) return;
            // Sent home in the course of the first day: its marks were taken before.
            if (!each.fact->is_from_half_given && session.day == each.from.day) return;
            if (!c.in.is_settled("suspension-without-e", session.day)) return;
            if (agrees(
                    c.marks->codes().row_on(mark.code, session.day), c.marks->codes().class_on(mark.code, session.day)
                ))
                return;
            said += fmt::format(
                "{}\"{}\" on {}", said.empty() ? "" : ", ", c.marks->codes().raw(mark.code), spoken(session)
            );
            entries.push_back(mark.entry);
        });
        if (said.empty()) continue;
        finding made = about_pupil("suspension-without-e", c.in, c.ref);
        made.key = fmt::format("suspension-without-e/{}/{}/{}", c.in.mis, each.fact->subject, c.ref);
        made.explanation = fmt::format(
            "The pupil was suspended {}, but the register says {}. It should be E, or the code of education elsewhere "
            "(B, K or D).",
            spoken_span(each),
            said
        );
        made.evidence = {each.fact->entry};
        made.evidence.insert(made.evidence.end(), entries.begin(), entries.end());
        all.push_back(std::move(made));
    }
}

void e_without_suspension(const mark_case& c, findings& all)
{
    const finding_context& in = c.of.in;
    if (c.mark.gone || !c.row || c.row->code != "E" || !in.knows_suspensions) return;
    if (!in.is_settled("e-without-suspension", c.session.day)) return;
    if (std::ranges::any_of(c.of.suspensions, [&](const suspended& each) { return each.covers(c.session); })) return;
    finding made = about_mark("e-without-suspension", in, *c.of.marks, c.session, *c.of.number);
    const auto& all_of_pupil = c.of.suspensions;
    const auto nearest = std::ranges::min_element(all_of_pupil, {}, [&](const suspended& each) {
        const auto days = (each.from.day - c.session.day).count();
        return days < 0 ? -days : days;
    });
    made.explanation = fmt::format(
        "The mark for {} is E (suspended), but the MIS has no suspension {}. Enter the suspension, or correct the "
        "mark.",
        spoken(c.session),
        nearest == all_of_pupil.end() ? std::string("of this pupil")
                                      : "on that day; the nearest is " + spoken_span(*nearest)
    );
    if (nearest != all_of_pupil.end()) made.evidence.push_back(nearest->fact->entry);
    all.push_back(std::move(made));
}

} // namespace rollbook
