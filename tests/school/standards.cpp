// An Ed-Fi ODS/API and a OneRoster server (1.1 and 1.2). Source: source-systems.md section 8.
#include "tests/school/json_text.hpp"
#include "tests/school/systems.hpp"

#include <algorithm>
#include <map>

namespace rollbook::school {

namespace {

constexpr std::string_view school_reference = R"("schoolReference":{"schoolId":255901001})";

struct versioned_row {
    long long version; // the time of its last change: it only grows
    std::string json;
};

// A page by offset and limit of what changed between two versions, with the total in a header.
http_response page_of(const system_call& call, const char* total_header, const std::vector<versioned_row>& all)
{
    const auto least = static_cast<long long>(number_in(parameter_of(call.request, "minChangeVersion"), 0));
    const auto most = static_cast<long long>(number_in(parameter_of(call.request, "maxChangeVersion"), 1ull << 60));
    std::vector<const std::string*> rows;
    for (const versioned_row& row : all)
        if (row.version >= least && row.version <= most) rows.push_back(&row.json);
    const std::size_t from = number_in(parameter_of(call.request, "offset"), 0);
    const std::size_t limit = number_in(parameter_of(call.request, "limit"), 25);
    if (limit > 500) return json_answer(R"({"detail":"Limit must be between 0 and 500."})", 400);
    http_response made =
        json_answer("[" + joined_rows(rows.size(), from, limit, [&](std::size_t i) { return *rows[i]; }) + "]");
    if (parameter_of(call.request, "totalCount") == "true")
        made.headers.emplace_back(total_header, std::to_string(rows.size()));
    return made;
}

std::string ed_fi_id(std::string_view kind, long long n)
{
    std::string digits = std::to_string(n);
    return std::string(kind) + std::string(32 - kind.size() - digits.size(), '0') + digits;
}

std::vector<versioned_row> ed_fi_students(const simulated_school& school, bool deleted)
{
    std::vector<versioned_row> out;
    for (std::size_t i = 0; i < school.people().pupils.size(); ++i) {
        const pupil& p = school.people().pupils[i];
        if (p.on_roll == deleted) continue;
        const std::string id = "{\"id\":\"" + ed_fi_id("a", static_cast<long long>(i)) + "\",";
        out.push_back(
            {p.updated_at,
             deleted
                 ? id + "\"changeVersion\":" + std::to_string(p.updated_at) + ",\"keyValues\":{\"studentUniqueId\":\"" +
                       p.mis_id + "\"}}"
                 : id + "\"studentUniqueId\":\"" + p.mis_id + "\",\"firstName\":" + json_string(p.forename) +
                       ",\"lastSurname\":" + json_string(p.surname) + ",\"birthDate\":\"" + format_date(p.born) + "\"}"}
        );
    }
    return out;
}

// Only absence and lateness are recorded, one event a day: what the morning says, or else the afternoon.
std::vector<versioned_row> ed_fi_events(const simulated_school& school)
{
    std::map<std::pair<int, int>, std::pair<std::uint32_t, std::string_view>> events; // by day and pupil
    for (const std::uint32_t at : school.listed()) {
        const mark& m = school.marks()[at];
        const code_row& code = code_list()[m.code];
        const std::string_view category = code.text == "L" || code.text == "U"         ? "Tardy"
                                          : code.counts_as == code_class::authorised   ? "Excused Absence"
                                          : code.counts_as == code_class::unauthorised ? "Unexcused Absence"
                                                                                       : "";
        if (!category.empty()) events.emplace(std::pair(m.ordinal, m.pupil), std::pair(at, category));
    }
    std::vector<versioned_row> out;
    for (const auto& [of, event] : events)
        out.push_back(
            {1,
             "{\"id\":\"" + ed_fi_id("b", event.first) + "\",\"studentReference\":{\"studentUniqueId\":\"" +
                 school.people().pupils[static_cast<std::size_t>(of.second)].mis_id + "\"}," +
                 std::string(school_reference) + ",\"eventDate\":\"" + format_date(school.calendar().day(of.first)) +
                 "\",\"attendanceEventCategoryDescriptor\":\"uri://ed-fi.org/AttendanceEventCategoryDescriptor#" +
                 std::string(event.second) + "\"}"}
        );
    return out;
}

std::vector<versioned_row> ed_fi_incidents(const simulated_school& school)
{
    std::vector<versioned_row> out;
    for (const incident& x : school.incidents())
        out.push_back(
            {written_at(school, x),
             "{\"id\":\"" + ed_fi_id("c", x.number) + "\",\"incidentIdentifier\":\"" + std::to_string(x.number) +
                 "\"," + std::string(school_reference) + ",\"incidentDate\":\"" +
                 format_date(school.calendar().day(x.ordinal)) +
                 "\",\"incidentLocationDescriptor\":\"uri://ed-fi.org/IncidentLocationDescriptor#Classroom\"}"}
        );
    return out;
}

std::vector<versioned_row> ed_fi_involvements(const simulated_school& school)
{
    std::vector<versioned_row> out;
    for (const incident& x : school.incidents())
        for (const int who : {x.plan.pupil, x.plan.second_pupil})
            if (who >= 0)
                out.push_back(
                    {written_at(school, x),
                     "{\"id\":\"" + ed_fi_id("d", x.number * 2ll + (who == x.plan.pupil ? 0 : 1)) +
                         "\",\"studentReference\":{\"studentUniqueId\":\"" +
                         school.people().pupils[static_cast<std::size_t>(who)].mis_id +
                         "\"},\"disciplineIncidentReference\":{\"incidentIdentifier\":\"" + std::to_string(x.number) +
                         "\",\"schoolId\":255901001},\"behaviorDescriptor\":\"uri://ed-fi.org/BehaviorDescriptor#" +
                         std::string(behaviour_name(x)) + "\"}"}
                );
    return out;
}

std::vector<versioned_row> ed_fi_descriptors()
{
    std::vector<versioned_row> out;
    for (const char* value :
         {"Early departure", "Excused Absence", "In Attendance", "Partial", "Present", "Tardy", "Unexcused Absence"})
        out.push_back(
            {1,
             "{\"id\":\"" + ed_fi_id("e", static_cast<long long>(out.size())) +
                 "\",\"codeValue\":" + json_string(value) +
                 ",\"namespace\":\"uri://ed-fi.org/AttendanceEventCategoryDescriptor\",\"shortDescription\":" +
                 json_string(value) + "}"}
        );
    return out;
}

} // namespace

http_response ed_fi(const system_call& call)
{
    constexpr int tokens_max = 15;
    if (call.path == "/oauth/token") return give_token(call, tokens_max);
    if (!has_token(call)) return json_answer("{}", 401);
    const simulated_school& school = call.school;
    if (call.path == "/changeQueries/v1/availableChangeVersions")
        return json_answer(R"({"oldestChangeVersion":0,"newestChangeVersion":)" + std::to_string(school.now()) + "}");
    const std::string_view base = "/data/v3/ed-fi/";
    const std::string_view what = call.path.starts_with(base) ? std::string_view(call.path).substr(base.size()) : "";
    const char* total = "Total-Count";
    if (what == "students") return page_of(call, total, ed_fi_students(school, false));
    if (what == "students/deletes") return page_of(call, total, ed_fi_students(school, true));
    if (what == "studentSchoolAttendanceEvents") return page_of(call, total, ed_fi_events(school));
    if (what == "attendanceEventCategoryDescriptors") return page_of(call, total, ed_fi_descriptors());
    if (what == "disciplineIncidents") return page_of(call, total, ed_fi_incidents(school));
    if (what == "studentDisciplineIncidentBehaviorAssociations")
        return page_of(call, total, ed_fi_involvements(school));
    if (what.ends_with("/deletes") || what.ends_with("/keyChanges")) return page_of(call, total, {});
    return json_answer("{}", 404);
}

http_response one_roster(const system_call& call)
{
    if (call.path == "/token") return give_token(call);
    if (!has_token(call)) return json_answer("{}", 401);
    if (call.path != "/ims/oneroster/v1p1/students" && call.path != "/ims/oneroster/rostering/v1p2/students")
        return json_answer("{}", 404);
    // filter=dateLastModified>'2026-09-01T00:00:00Z'
    std::string since = parameter_of(call.request, "filter");
    const std::string_view begins = "dateLastModified>'";
    if (!since.empty() && !since.starts_with(begins)) return json_answer("{}", 400);
    if (!since.empty()) since = since.substr(begins.size(), since.size() - begins.size() - 1);
    std::vector<const pupil*> found;
    for (const pupil& p : call.school.people().pupils)
        if (since.empty() || rfc3339(p.updated_at) > since) found.push_back(&p);
    if (parameter_of(call.request, "sort") == "sourcedId")
        std::ranges::sort(found, {}, &pupil::id);
    else
        std::ranges::stable_sort(found, {}, &pupil::updated_at);
    const std::size_t from = number_in(parameter_of(call.request, "offset"), 0);
    const std::size_t limit = number_in(parameter_of(call.request, "limit"), 100);
    const auto row = [&](std::size_t i) {
        const pupil& p = *found[i];
        return "{\"sourcedId\":\"" + p.id + "\",\"status\":\"" + (p.on_roll ? "active" : "tobedeleted") +
               "\",\"dateLastModified\":\"" + rfc3339(p.updated_at) +
               "\",\"enabledUser\":\"true\",\"identifier\":" + json_string(p.mis_id) +
               ",\"givenName\":" + json_string(p.forename) + ",\"familyName\":" + json_string(p.surname) +
               ",\"role\":\"student\",\"grades\":[\"" + std::to_string(p.year) + "\"]}";
    };
    http_response made = json_answer(R"({"users":[)" + joined_rows(found.size(), from, limit, row) + "]}");
    made.headers.emplace_back("X-Total-Count", std::to_string(found.size()));
    return made;
}

} // namespace rollbook::school
