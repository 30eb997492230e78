#include "daemon/reports/amendments.hpp"
#include "daemon/reports/audit.hpp"
#include "daemon/reports/behaviour.hpp"
#include "daemon/reports/case_file.hpp"
#include "daemon/reports/governors.hpp"
#include "daemon/reports/meetings.hpp"
#include "daemon/reports/penalty_evidence.hpp"
#include "daemon/reports/praise.hpp"
#include "daemon/reports/returns.hpp"
#include "daemon/reports/subject_access.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

constexpr visibility behaviour_too = visibility(visibility::attendance) | visibility::behaviour;

constexpr std::array kinds = {
    report_kind{
        .name = "amendments",
        .title = "Register amendments",
        .says = "Marks that were changed: original, amended, when learned, why and by whom",
        .make = amendments},
    report_kind{
        .name = "attendance-return",
        .title = "Attendance return",
        .says = "Pupils absent for ten school days in a row without leave, for the local authority each month",
        .make = attendance_return},
    report_kind{
        .name = "sickness-return",
        .title = "Sickness return",
        .says = "Pupils who will miss fifteen days by illness, for the local authority",
        .make = sickness_return},
    report_kind{
        .name = "no-reason",
        .title = "Absences with no reason yet",
        .says = "Every N that stands, and by when its reason is due",
        .make = no_reason},
    report_kind{
        .name = "joiners-and-leavers",
        .title = "New and deleted pupils",
        .says = "Who came on roll and who left it, for the returns to the local authority",
        .make = joiners_and_leavers},
    report_kind{
        .name = "praise",
        .title = "Attendance to praise",
        .says = "Pupils at 97 % or more; whom the safeguarding lead asks to handle with care is left out",
        .make = praise,
        .for_whom = audience::colleagues},
    report_kind{
        .name = "suspensions",
        .title = "Suspensions",
        .says = "Each suspension with the totals of its term and year, and what they ask of the school",
        .make = suspensions,
        .needs = behaviour_too},
    report_kind{
        .name = "restrictive-interventions",
        .title = "Force, restraint and seclusion",
        .says = "Incidents with them, and whether the parents were told",
        .make = restrictive_interventions,
        .needs = behaviour_too},
    report_kind{
        .name = "subject-access",
        .title = "Subject access",
        .says = "All that is held about one person, with others' names taken out, and what is withheld and why",
        .make = subject_access,
        .for_whom = audience::subject,
        .needs = visibility::everything(),
        .about_pupil = true},
    report_kind{
        .name = "penalty-evidence",
        .title = "Evidence for a penalty notice",
        .says = "One pupil's sessions that count, each with its proof, and what was done before",
        .make = penalty_evidence,
        .about_pupil = true},
    report_kind{
        .name = "case-file",
        .title = "Case file",
        .says = "One pupil's absences, alerts, actions, incidents and concerns, as far as you may see them",
        .make = case_file,
        .about_pupil = true},
    report_kind{
        .name = "weekly-meeting",
        .title = "Weekly attendance meeting",
        .says = "What changed since the last one, what was done, and actions due and undone",
        .make = weekly_meeting,
        .hides_names = true,
        .takes_decisions = true},
    report_kind{
        .name = "targeting-support",
        .title = "Targeting support meeting",
        .says = "Pupils who are persistently or severely absent, with what was done, for the local authority each term",
        .make = targeting_support},
    report_kind{
        .name = "governors",
        .title = "Report to governors",
        .says = "Absence by half term, year group and term, what was done and what followed; no pupil is named",
        .make = governors,
        .for_whom = audience::totals},
    report_kind{
        .name = "reconciliation",
        .title = "Reconciliation summary",
        .says = "What was read from each source, and whether it balanced",
        .make = reconciliation,
        .for_whom = audience::operations},
    report_kind{
        .name = "processing",
        .title = "Record of processing",
        .says = "What is read, for what, who is told, and how long it is kept",
        .make = processing,
        .for_whom = audience::operations},
    report_kind{
        .name = "who-saw-what",
        .title = "Who saw what",
        .says = "Who was shown which pupil, or took a list away, by day",
        .make = who_saw_what,
        .for_whom = audience::watchers},
    report_kind{
        .name = "what-was-sent",
        .title = "What was sent to whom",
        .says = "Every message that a receiver took, by day",
        .make = what_was_sent,
        .for_whom = audience::watchers},
};

} // namespace

std::span<const report_kind> report_kinds()
{
    return kinds;
}

const report_kind* find_report(std::string_view name)
{
    const auto found = std::ranges::find(kinds, name, &report_kind::name);
    return found == kinds.end() ? nullptr : &*found;
}

} // namespace rollbook
