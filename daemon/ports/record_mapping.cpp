#include "daemon/ports/record_mapping.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

using field = mappable_field;
using is = field::kind;
using of = field::part;

constexpr std::array pupils = {
    field{"pupil_id", "", is::id, of::pupil},
    field{"pupil_upn", "upn", is::upn, of::pupil},
    field{"pupil_former_upn", "former_upn", is::upn, of::pupil},
    field{"pupil_mis_id", "mis_id", is::id, of::pupil},
    field{"pupil_admission_number", "admission_number", is::id, of::pupil},
    field{"pupil_surname", "surname", is::text, of::pupil},
    field{"pupil_forename", "forename", is::text, of::pupil},
    field{"pupil_legal_surname", "legal_surname", is::text, of::pupil},
    field{"pupil_legal_forename", "legal_forename", is::text, of::pupil},
    field{"pupil_date_of_birth", "date_of_birth", is::day, of::pupil},
    field{"pupil_year", "year", is::text, of::pupil},
    field{"pupil_registration_group", "registration_group", is::text, of::pupil},
    field{"pupil_on_roll_from", "on_roll_from", is::day, of::pupil},
    field{"pupil_on_roll_to", "on_roll_to", is::day, of::pupil},
    // Flags: all of them that are mapped make one list.
    field{"pupil_social_worker", "social_worker", is::flag, of::pupil},
    field{"pupil_child_protection", "child_protection", is::flag, of::pupil},
    field{"pupil_child_in_need", "child_in_need", is::flag, of::pupil},
    field{"pupil_looked_after", "looked_after", is::flag, of::pupil},
    field{"pupil_previously_looked_after", "previously_looked_after", is::flag, of::pupil},
    field{"pupil_youth_justice", "youth_justice", is::flag, of::pupil},
    field{"pupil_young_carer", "young_carer", is::flag, of::pupil},
    field{"pupil_sen_support", "sen_support", is::flag, of::pupil},
    field{"pupil_ehcp", "ehcp", is::flag, of::pupil},
    field{"pupil_fsm", "fsm", is::flag, of::pupil},
    field{"pupil_pupil_premium", "pupil_premium", is::flag, of::pupil},
    field{"pupil_eal", "eal", is::flag, of::pupil},
    field{"pupil_part_time_timetable", "part_time_timetable", is::flag, of::pupil},
};

constexpr std::array concerns = {
    field{"incident_ref", "", is::id, of::key},
    field{"incident_at", "incident_at", is::wall_clock, of::record, true},
    field{"entered_at", "entered_at", is::moment},
    field{"category", "categories", is::list},
    field{"subcategory", "subcategory"},
    field{"status", "status"},
    field{"assigned_to", "assigned_to"},
    field{"narrative", "narrative", is::narrative},
    field{"linked_pupils", "", is::pupils, of::involvement},
    field{"role", "role", is::text, of::involvement},
    field{"author", "", is::text, of::key},
};

constexpr std::array incidents = {
    field{"incident_ref", "", is::id, of::key},
    field{"incident_at", "day", is::wall_clock, of::record, true},
    field{"entered_at", "entered_at", is::moment},
    field{"type", "type"},
    field{"nature", "nature"},
    field{"action", "action"},
    field{"action_on", "action_on", is::day},
    field{"bullying_type", "bullying_type"},
    field{"location", "location"},
    field{"incident_mis_id", "mis_id", is::id},
    field{"parents_told", "parents_told"},
    field{"points", "points", is::number},
    field{"recorded_on", "recorded_on", is::day},
    field{"status", "status"},
    field{"linked_pupils", "", is::pupils, of::involvement},
    field{"role", "role", is::text, of::involvement},
    field{"pupil_action", "action", is::text, of::involvement},
    field{"pupil_points", "points", is::number, of::involvement},
    field{"author", "", is::text, of::key},
};

constexpr std::array marks = {
    field{"mark_ref", "", is::id, of::key},
    field{"day", "day", is::day, of::record, true},
    field{"session", "session", is::half, of::record, true},
    field{"code", "raw", is::code, of::record, true},
    field{"minutes_late", "minutes_late", is::number},
    field{"comment", "comment"},
    field{"taken_by", "taken_by"},
    field{"amended_by", "amended_by"},
    field{"amended_on", "amended_on"},
    field{"amended_by_position", "amended_by_position"},
    field{"amendment_reason", "amendment_reason"},
};

constexpr std::array suspensions = {
    field{"suspension_ref", "", is::id, of::key},
    field{"from", "from", is::day, of::record, true},
    field{"to", "to", is::day},
    field{"from_session", "from_session"},
    field{"to_session", "to_session"},
    field{"sessions", "sessions", is::number},
    field{"days", "days"},
    field{"kind", "kind"},
    field{"kind_code", "kind_code"},
    field{"reason", "reason"},
    field{"reason_code", "reason_code"},
    field{"suspension_mis_id", "mis_id", is::id},
    field{"author", "", is::text, of::key},
};

constexpr std::array actions = {
    field{"action_ref", "", is::id, of::key},
    field{"at", "at", is::wall_clock, of::record, true},
    field{"kind", "kind"},
    field{"by", "by"},
    field{"status", "status"},
    field{"action_of", "record", is::id},
};

} // namespace

std::span<const mappable_field> pupil_fields()
{
    return pupils;
}

std::span<const mappable_field> mappable_fields(what kind)
{
    switch (kind) {
    case what::concern: return concerns;
    case what::incident: return incidents;
    case what::session_mark: return marks;
    case what::suspension: return suspensions;
    case what::action: return actions;
    case what::pupil: return pupils;
    default: return {};
    }
}

const mappable_field* find_mappable(what kind, std::string_view name)
{
    for (const auto fields : {mappable_fields(kind), pupil_fields()})
        if (const auto at = std::ranges::find(fields, name, &mappable_field::name); at != fields.end()) return &*at;
    return nullptr;
}

const mapped_column* record_mapping::column_of(std::string_view field) const
{
    for (const mapped_column& column : columns)
        if (column.field->name == field) return &column;
    return nullptr;
}

} // namespace rollbook
