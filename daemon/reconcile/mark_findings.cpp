#include "daemon/base/spoken.hpp"
#include "daemon/domain/school_age.hpp"
#include "daemon/reconcile/finding_kinds.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rollbook {
namespace {

// School days after its session until which the reason for an absence may stay open. SI 2024/208 reg. 10(7)-(9).
constexpr int reason_days = 5;
// School days after which the office is reminded of it.
constexpr int reminder_days = 3;
// School days of a suspension after which the school owes education elsewhere. Education Act 2002 s.51A; Education and
// Inspections Act 2006 s.100: from and including the sixth school day.
constexpr int without_provision_days = 5;

finding about(std::string_view kind, const mark_case& c)
{
    return about_mark(kind, c.of.in, *c.of.marks, c.session, *c.of.number);
}

// The newest row of a code that the law lists on another day.
const statutory_code* row_of_other_days(std::string_view code)
{
    const statutory_code* newest = nullptr;
    for (const statutory_code& row : statutory_codes())
        if (row.code == code) newest = &row;
    return newest;
}

bool is_possible(code_class klass)
{
    return klass == code_class::present || klass == code_class::approved_educational ||
           klass == code_class::authorised || klass == code_class::unauthorised;
}

std::string quoted(const mark_case& c)
{
    return fmt::format("\"{}\"", c.raw());
}

std::string due_day(const mark_case& c)
{
    const auto due = c.of.in.calendar.school_day_after(c.session.day, reason_days);
    return due ? spoken_weekday_date(*due) : std::string("the fifth school day");
}

bool is_unexplained(const mark_case& c)
{
    return c.mark.is_held() && c.code() == "N";
}

int age_of(const mark_case& c)
{
    return c.of.in.calendar.school_days_between(c.session.day, c.of.in.today);
}

} // namespace

void mark_unmapped(const mark_case& c, findings& all)
{
    if (c.mark.gone || c.klass != code_class::unmapped || row_of_other_days(c.code())) return;
    finding made = about("mark-unmapped", c);
    made.explanation = fmt::format(
        "The mark for {} has the code {}, which is no attendance code on that day; it counts in no figure. Correct it "
        "in "
        "the MIS.",
        spoken(c.session),
        quoted(c)
    );
    all.push_back(std::move(made));
}

void code_withdrawn(const mark_case& c, findings& all)
{
    if (c.mark.gone || c.klass != code_class::unmapped) return;
    const statutory_code* row = row_of_other_days(c.code());
    if (!row) return;
    finding made = about("code-withdrawn", c);
    made.explanation = row->to && *row->to < c.session.day ? fmt::format(
                                                                 "The mark for {} has the code {}, which was withdrawn "
                                                                 "after {}; it counts in no figure. Choose the code "
                                                                 "of today in the MIS.",
                                                                 spoken(c.session),
                                                                 quoted(c),
                                                                 spoken_date(*row->to)
                                                             )
                                                           : fmt::format(
                                                                 "The mark for {} has the code {}, which came only "
                                                                 "with {}; it counts in no figure. Choose the code of "
                                                                 "that day in the MIS.",
                                                                 spoken(c.session),
                                                                 quoted(c),
                                                                 spoken_date(row->from)
                                                             );
    all.push_back(std::move(made));
}

void mark_off_roll(const mark_case& c, findings& all)
{
    if (c.mark.gone || !(is_possible(c.klass) || c.klass == code_class::not_required)) return;
    const pupil_record_facts& facts = c.of.facts;
    const bool before = facts.on_roll_from && c.session.day < *facts.on_roll_from;
    const bool after = facts.on_roll_to && c.session.day > *facts.on_roll_to;
    if (!before && !after) return;
    finding made = about("mark-off-roll", c);
    made.explanation = fmt::format(
        "There is a mark {} for {}, but the pupil is on roll {} {}. Correct the mark or the {} in the MIS{}.",
        quoted(c),
        spoken(c.session),
        before ? "only from" : "only to",
        spoken_date(before ? *facts.on_roll_from : *facts.on_roll_to),
        before ? "starting day" : "leaving day",
        is_possible(c.klass) ? "; until then it counts in figures" : ""
    );
    made.evidence.push_back(facts.entry);
    all.push_back(std::move(made));
}

void mark_on_closed_day(const mark_case& c, findings& all)
{
    if (c.mark.gone || !is_possible(c.klass)) return;
    std::string_view what_day;
    switch (c.day) {
    case day_kind::weekend: what_day = "a weekend"; break;
    case day_kind::holiday: what_day = "a holiday"; break;
    case day_kind::inset: what_day = "an INSET day"; break;
    case day_kind::closure: what_day = "a day on which the school was closed"; break;
    default: return;
    }
    finding made = about("mark-on-closed-day", c);
    made.explanation = fmt::format(
        "There is a mark {} for {}, but that is {} in the school's calendar. Remove the mark in the MIS, or correct "
        "the "
        "calendar.",
        quoted(c),
        spoken(c.session),
        what_day
    );
    all.push_back(std::move(made));
}

void mark_vanished(const mark_case& c, findings& all)
{
    if (!c.mark.gone || c.mark.is_out_of_scope()) return;
    finding made = about("record-vanished", c);
    made.explanation = fmt::format(
        "The MIS no longer has a mark for {} that it had before; the last known mark is kept in the ledger.",
        spoken(c.session)
    );
    all.push_back(std::move(made));
}

void reason_overdue(const mark_case& c, findings& all)
{
    if (!is_unexplained(c) || age_of(c) <= reason_days) return;
    finding made = about("reason-overdue", c);
    made.explanation = fmt::format(
        "The absence on {} is still N (no reason yet). A reason was due by the end of {}, the fifth school day after "
        "it; "
        "enter it in the MIS, or O where none can be found.",
        spoken(c.session),
        due_day(c)
    );
    all.push_back(std::move(made));
}

void reason_due(const mark_case& c, findings& all)
{
    const int age = is_unexplained(c) ? age_of(c) : 0;
    if (age < reminder_days || age > reason_days) return;
    finding made = about("reason-due", c);
    made.explanation = fmt::format(
        "The absence on {} is still N (no reason yet). A reason is due by the end of {}{}.",
        spoken(c.session),
        due_day(c),
        age == reason_days ? ", which is today" : ""
    );
    all.push_back(std::move(made));
}

void code_wrong_for_time(const mark_case& c, findings& all)
{
    if (c.mark.gone || !c.row) return;
    const bool afternoon = c.session.half == half_day::pm;
    // Some systems write "/" in both halves of the day; only one that writes "\" means something by "/".
    if ((c.row->code == "/" && afternoon && c.of.in.uses_pm_sign) || (c.row->code == "\\" && !afternoon)) {
        finding made = about("code-wrong-for-time", c);
        made.explanation = fmt::format(
            "The mark for {} is {}, which means present in the {}. Correct it in the MIS.",
            spoken(c.session),
            quoted(c),
            afternoon ? "morning" : "afternoon"
        );
        all.push_back(std::move(made));
    } else if (c.row->code == "L" && c.mark.minutes != 255) {
        const auto times = c.of.in.calendar.times_of(c.session, c.of.facts.year);
        if (!times || std::chrono::minutes(c.mark.minutes) <= times->closes - times->opens) return;
        finding made = about("code-wrong-for-time", c);
        made.explanation = fmt::format(
            "The mark for {} is L with {} minutes, but that register closes {} minutes after it opens. Who comes later "
            "is U. Correct the code or the minutes in the MIS.",
            spoken(c.session),
            c.mark.minutes,
            (times->closes - times->opens).count()
        );
        all.push_back(std::move(made));
    }
}

void code_wrong_for_pupil(const mark_case& c, findings& all)
{
    if (c.mark.gone || !c.row) return;
    const pupil_record_facts& facts = c.of.facts;
    const bool is_x = c.row->code == "X";
    if (!is_x && c.row->code != "C2") return;
    std::string why;
    const bool is_old_enough = c.session.day >= civil_day(std::chrono::year(2024) / 8 / 19); // C2 and X as they are now
    if (is_x && facts.date_of_birth && is_old_enough && is_compulsory_school_age(*facts.date_of_birth, c.session.day))
        why = "is for pupils who are not of compulsory school age, and by the date of birth the pupil is";
    else if (!is_x && facts.date_of_birth && !is_compulsory_school_age(*facts.date_of_birth, c.session.day))
        why = "is for pupils of compulsory school age, and by the date of birth the pupil is not";
    else if (!is_x && facts.flags && !facts.flags->contains("part_time_timetable") && c.of.in.can_say(c.of.in.mis, "part_time_timetable"))
        why = "needs an agreed part-time timetable, and the pupil's record has none";
    if (why.empty()) return;
    finding made = about("code-wrong-for-pupil", c);
    made.explanation = fmt::format(
        "The mark for {} is {}, which {}. Correct the mark or the pupil's record in the MIS.",
        spoken(c.session),
        quoted(c),
        why
    );
    made.evidence.push_back(facts.entry);
    all.push_back(std::move(made));
}

void code_needs_evidence(const mark_case& c, findings& all)
{
    if (c.mark.gone || !c.row) return;
    const finding_context& in = c.of.in;
    if (c.row->code == "E") {
        for (const suspended& each : c.of.suspensions) {
            if (!each.covers(c.session)) continue;
            // A day of which only the afternoon was lost is not counted: what is asked for must surely be owed.
            const int first = each.from.half == half_day::am ? 1 : 0;
            const int day_of_it =
                each.days_before + in.calendar.school_days_between(each.from.day, c.session.day) + first;
            if (day_of_it <= without_provision_days) return;
            finding made = about("code-needs-evidence", c);
            made.explanation = fmt::format(
                "The mark for {} is E, but it is school day {} of the suspension, and from the sixth the school owes "
                "education elsewhere. Enter the code of that provision (B, K or D), or record why there was none.",
                spoken(c.session),
                day_of_it
            );
            made.evidence.push_back(each.fact->entry);
            all.push_back(std::move(made));
            return;
        }
    } else if (in.settings.ask_evidence.contains(c.row->code)) {
        finding made = about("code-needs-evidence", c);
        made.explanation = fmt::format(
            "The mark for {} is {}. The school wants to see what it rests on: check it, and keep the note with the "
            "mark.",
            spoken(c.session),
            quoted(c)
        );
        all.push_back(std::move(made));
    }
}

void mark_missing(const pupil_case& c, findings& all)
{
    const finding_context& in = c.in;
    if (!in.gate || !c.number || !c.marks || !in.marks_through || c.facts.gone) return;
    const std::optional<civil_day> from = c.facts.on_roll_from ? c.facts.on_roll_from : c.marked_from;
    if (!from) return;
    for (const session_id session : c.unusual) {
        if (session.day > *in.marks_through || (c.facts.on_roll_to && session.day > *c.facts.on_roll_to)) break;
        if (session.day < *from || !in.calendar.is_school_day(session.day)) continue;
        const held_mark mark = c.marks->find_but_digest(session, *c.number);
        const bool is_blank = mark.is_held() && c.marks->codes().class_on(mark.code, session.day) == code_class::none;
        if (mark.met() && !is_blank) continue; // one that the source had and lost is record-vanished
        if (in.calendar.school_days_between(session.day, *in.marks_through) < in.settings.settle_days("mark-missing"))
            return;
        if (in.gate->reason(session, *c.number) != held_back::nothing) continue;
        finding made = about_mark("mark-missing", in, *c.marks, session, *c.number);
        made.explanation = fmt::format(
            "The register of {} was taken for {}, but this pupil has no mark. Enter it in the MIS.",
            c.facts.form.empty() ? std::string("the form") : c.facts.form,
            spoken(session)
        );
        made.evidence.clear();
        if (is_blank) made.evidence.push_back(mark.entry);
        if (c.facts.entry != no_entry) made.evidence.push_back(c.facts.entry);
        all.push_back(std::move(made));
    }
}

findings duplicate_marks(const finding_context& in, const source_reading& reading)
{
    findings all;
    const attendance_register* held = in.held.find_register(reading.source());
    if (!held || reading.source() != in.mis) return all;
    for (const source_reading::conflict& two : reading.conflicts()) {
        if (two.pupil == no_entry) continue;
        const auto number = held->find_pupil(two.pupil);
        if (!number) continue;
        finding made = about_mark("mark-duplicate", in, *held, two.session, *number);
        made.explanation = fmt::format(
            "The MIS has two marks for {}: \"{}\", which is the one counted, and \"{}\". Remove one of them in the "
            "MIS.",
            spoken(two.session),
            held->codes().raw(held->find(two.session, *number).code),
            two.other_raw
        );
        all.push_back(std::move(made));
    }
    return all;
}

findings late_amendments(const finding_context& in, const source_reading& reading)
{
    findings all;
    const attendance_register* held = in.held.find_register(in.mis);
    if (!held || reading.source() != in.mis) return all;
    for (const source_reading::amendment& each : reading.amendments()) {
        const auto age = (in.today - each.session.day).count();
        const auto number = held->find_pupil(each.pupil);
        if (age < in.settings.amended_late_days || !number) continue;
        const held_mark& now = held->find(each.session, *number);
        if (!now.is_held()) continue;
        finding made = about_mark("mark-amended-late", in, *held, each.session, *number);
        made.explanation = fmt::format(
            "The mark for {} was changed from \"{}\" to \"{}\" {} days after the session. Make sure that the MIS says "
            "who changed it and why.",
            spoken(each.session),
            each.was,
            held->codes().raw(now.code),
            age
        );
        made.evidence = {each.was_entry, now.entry};
        all.push_back(std::move(made));
    }
    return all;
}

} // namespace rollbook
