#include "daemon/reconcile/finding_kinds.hpp"

#include "daemon/base/json.hpp"
#include "daemon/base/spoken.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

using how = finding_kind::judged;

constexpr finding_kind by_mark(std::string_view name, void (*look)(const mark_case&, findings&), bool asked = false)
{
    return {name, how::by_mark, asked, look, nullptr, nullptr};
}
constexpr finding_kind by_pupil(std::string_view name, void (*look)(const pupil_case&, findings&))
{
    return {name, how::by_pupil, false, nullptr, look, nullptr};
}
constexpr finding_kind
by_record(std::string_view name, void (*look)(const finding_context&, const case_record&, findings&))
{
    return {name, how::by_record, false, nullptr, nullptr, look};
}

constexpr std::array kinds = {
    by_mark("mark-unmapped", mark_unmapped),
    by_mark("code-withdrawn", code_withdrawn),
    by_mark("mark-off-roll", mark_off_roll),
    by_mark("mark-on-closed-day", mark_on_closed_day),
    by_mark("reason-overdue", reason_overdue),
    by_mark("reason-due", reason_due, true),
    by_mark("code-wrong-for-time", code_wrong_for_time),
    by_mark("code-wrong-for-pupil", code_wrong_for_pupil),
    by_mark("code-needs-evidence", code_needs_evidence),
    by_mark("e-without-suspension", e_without_suspension),
    by_pupil("mark-missing", mark_missing),
    by_pupil("suspension-without-e", suspension_without_e),
    by_pupil("incident-contradicts-mark", incident_contradicts_mark),
    by_pupil("leaver-still-active", leaver_still_active),
    by_pupil("flag-differs", flag_differs),
    by_pupil("pupil-only-in-mis", pupil_only_in_mis),
    by_record("restraint-not-reported", restraint_not_reported),
    by_record("incident-duplicate", incident_duplicate),
    by_record("incident-in-one-system", incident_in_one_system),
    // Of marks, and of records of every kind.
    finding_kind{"record-vanished", how::by_mark, false, mark_vanished, nullptr, nullptr},
    finding_kind{"pupil-only-in-safeguarding", how::by_list},
    finding_kind{"pupil-ambiguous", how::by_list},
    finding_kind{"pupil-conflict", how::by_list},
    finding_kind{"source-stale", how::by_source},
    finding_kind{"source-incomplete", how::by_source},
    finding_kind{"totals-differ", how::by_source},
    finding_kind{"mark-duplicate", how::by_read},
    finding_kind{"mark-amended-late", how::by_read},
    finding_kind{"id-reissued", how::by_read},
    finding_kind{"pupil-merged", how::by_read},
    finding_kind{"action-not-in-safeguarding", how::by_list},
};

std::optional<civil_day> day_in(json_view fields, std::string_view name)
{
    return parse_day(fields[name].string_if().value_or(""));
}

} // namespace

std::span<const finding_kind> finding_kinds()
{
    return kinds;
}

std::vector<std::string_view> findings_resting_on(what kind)
{
    switch (kind) {
    case what::pupil:
        return {
            "mark-missing",
            "mark-off-roll",
            "code-wrong-for-pupil",
            "pupil-only-in-mis",
            "pupil-only-in-safeguarding",
            "pupil-ambiguous",
            "pupil-conflict",
            "leaver-still-active",
            "flag-differs"};
    case what::session_mark: {
        std::vector<std::string_view> names = {"mark-missing", "suspension-without-e", "incident-contradicts-mark"};
        for (const finding_kind& each : kinds)
            if (each.how == how::by_mark) names.push_back(each.name);
        return names;
    }
    case what::incident:
    case what::involvement:
        return {"incident-contradicts-mark", "incident-in-one-system", "incident-duplicate", "restraint-not-reported"};
    case what::concern: return {"incident-contradicts-mark", "incident-in-one-system", "incident-duplicate"};
    case what::suspension: return {"suspension-without-e", "e-without-suspension", "code-needs-evidence"};
    case what::action: return {"action-not-in-safeguarding"};
    default: return {};
    }
}

const finding_kind* find_finding_kind(std::string_view name)
{
    const auto at = std::ranges::find(kinds, name, &finding_kind::name);
    return at == kinds.end() ? nullptr : &*at;
}

day_kinds::day_kinds(const school_calendar& calendar)
{
    if (calendar.empty()) return;
    constexpr auto gap_max = std::chrono::days(60);
    const auto& school_days = calendar.school_days();
    first_ = school_days.front();
    kinds_.resize(static_cast<std::size_t>((school_days.back() - first_).count()) + 1, day_kind::unknown);
    const auto at = [&](civil_day day) -> day_kind& { return kinds_[std::size_t((day - first_).count())]; };
    for (std::size_t i = 0; i + 1 < school_days.size(); ++i) {
        if (school_days[i + 1] - school_days[i] > gap_max) continue;
        for (civil_day day = school_days[i] + std::chrono::days(1); day < school_days[i + 1];
             day += std::chrono::days(1)) {
            const auto weekday = std::chrono::weekday(day);
            at(day) = weekday == std::chrono::Saturday || weekday == std::chrono::Sunday ? day_kind::weekend
                                                                                         : day_kind::holiday;
        }
    }
    for (const civil_day day : school_days)
        at(day) = day_kind::school;
    for (const closed_day& closed : calendar.closed()) {
        if (closed.day < first_ || closed.day > school_days.back()) continue;
        if (at(closed.day) == day_kind::weekend) continue;
        at(closed.day) = closed.kind == closed_kind::inset     ? day_kind::inset
                         : closed.kind == closed_kind::closure ? day_kind::closure
                                                               : day_kind::holiday;
    }
}

pupil_record_facts facts_of(const held_thing& pupil)
{
    pupil_record_facts facts;
    facts.entry = pupil.entry;
    facts.gone = pupil.gone;
    const auto parsed = json_document::parse(pupil.payload);
    if (!parsed) return facts;
    const json_view root = parsed->root();
    if (pupil.gone) {
        if (const auto word = root["gone"].string_if(); word == out_of_scope || word == merged) return facts;
        if (const auto missed = parse_instant(root["learned_by"].string_if().value_or("")))
            facts.gone_on = civil_day(std::chrono::floor<std::chrono::days>(*missed).time_since_epoch());
        return facts;
    }
    const json_view fields = root["fields"];
    facts.year = fields["year"].string_if().value_or("");
    facts.form = fields["registration_group"].string_if().value_or(facts.year);
    facts.date_of_birth = day_in(fields, "date_of_birth");
    facts.on_roll_from = day_in(fields, "on_roll_from");
    facts.on_roll_to = day_in(fields, "on_roll_to");
    if (fields["flags"].is_array()) {
        facts.flags.emplace();
        fields["flags"].for_each_element([&](json_view flag) { facts.flags->emplace(flag.string_if().value_or("")); });
    }
    return facts;
}

std::string spoken(session_id session)
{
    return fmt::format(
        "{}, {}", spoken_weekday_date(session.day), session.half == half_day::am ? "morning" : "afternoon"
    );
}

finding about_pupil(std::string_view kind, const finding_context& in, entry_index pupil)
{
    finding made;
    made.kind = kind;
    made.pupil = pupil;
    const held_thing* record = in.held.things(what::pupil).find_subject(pupil);
    made.subject_source = in.mis;
    made.subject_id = record ? std::string(record->key) : std::string();
    made.sources = {in.mis};
    return made;
}

finding about_mark(
    std::string_view kind,
    const finding_context& in,
    const attendance_register& held,
    session_id session,
    pupil_no pupil
)
{
    finding made = about_pupil(kind, in, held.ref_of(pupil));
    made.key = fmt::format("{}/{}/{}/{}/{}", kind, in.mis, format_day(session.day), name_of(session.half), made.pupil);
    made.evidence = {held.find_but_digest(session, pupil).entry};
    return made;
}

} // namespace rollbook
