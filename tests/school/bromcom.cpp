// Bromcom v2: entities by a filter that looks like SQL. Source: source-systems.md section 3.
#include "tests/school/json_text.hpp"
#include "tests/school/systems.hpp"

namespace rollbook::school {

namespace {

constexpr std::size_t rows_a_page = 100'000;

// "property>='text'" and the like, joined by " and "; all texts compare as texts.
bool passes(std::string_view filter, std::string_view property, const std::string& held)
{
    while (!filter.empty()) {
        const auto end = filter.find(" and ");
        const std::string_view one = filter.substr(0, end);
        filter = end == filter.npos ? std::string_view() : filter.substr(end + 5);
        const auto quote = one.find('\'');
        if (quote == one.npos || !one.starts_with(property)) continue;
        const std::string_view by = one.substr(property.size(), quote - property.size());
        const std::string_view value = one.substr(quote + 1, one.rfind('\'') - quote - 1);
        const bool holds = by == ">=" ? held >= value : by == "<=" ? held <= value : by == "=" && held == value;
        if (!holds) return false;
    }
    return true;
}

std::string padded(std::string text, std::size_t to)
{
    text.resize(std::max(text.size(), to), ' ');
    return json_string(text);
}

std::vector<std::string> rows_of(const system_call& call, std::string_view filter)
{
    const simulated_school& school = call.school;
    const auto& pupils = school.people().pupils;
    std::vector<std::string> out;
    if (call.path == "/StudentFlatView") {
        for (const int i : pupils_on_roll(school)) {
            const pupil& p = pupils[static_cast<std::size_t>(i)];
            out.push_back(
                "{\"studentId\":" + p.mis_id + ",\"upn\":" + json_string(p.upn) +
                ",\"admissionNumber\":" + json_string(p.admission_number) +
                ",\"preferredFirstName\":" + padded(p.forename, 12) + ",\"firstName\":" + padded(p.forename, 12) +
                ",\"lastName\":" + padded(p.surname, 15) + ",\"yearGroup\":\"" + std::to_string(p.year) +
                "\",\"tutorGroupName\":" + padded(i % 50 ? form_of(school, p) : "NoTutorGrp", 12) +
                ",\"enrolmentStateName\":\"Current\",\"isPupilPremium\":\"" + (p.pupil_premium ? "Yes" : "No") + "\"}"
            );
            if (i == 0) out.push_back(out.back()); // pupils can come twice
        }
    } else if (call.path == "/BasicAttendance") {
        for (const std::uint32_t at : school.listed()) {
            const mark& m = school.marks()[at];
            const std::string day = start_of(school.calendar().day(m.ordinal));
            if (!passes(filter, "calendarStartDate", day)) continue;
            const std::string begins =
                "{\"studentId\":" + pupil_of(school, m).mis_id + ",\"calendarStartDate\":\"" + day;
            out.push_back(
                begins + "\",\"mark\":" + padded(std::string(code_list()[m.code].text), 2) +
                ",\"periodDisplayName\":\"" + (m.session ? "PM Reg" : "AM Reg") + "\",\"attendanceComment\":null}"
            );
            // Lessons stand in the same list.
            out.push_back(
                begins + "\",\"mark\":\"N \",\"periodDisplayName\":\"" + (m.session ? "Period 5" : "Period 1") +
                "\",\"attendanceComment\":null}"
            );
        }
    } else if (call.path == "/BehaviourEventRecords") {
        for (const incident& x : school.incidents()) {
            const std::string day = start_of(school.calendar().day(x.ordinal));
            if (!passes(filter, "eventDate", day)) continue;
            // One pupil a row, and nothing that says who was in it together.
            for (const int who : {x.plan.pupil, x.plan.second_pupil})
                if (who >= 0)
                    out.push_back(
                        "{\"eventRecordId\":" + std::to_string(x.number * 2 + (who == x.plan.pupil ? 0 : 1)) +
                        ",\"studentId\":" + pupils[static_cast<std::size_t>(who)].mis_id +
                        ",\"eventId\":" + std::to_string(x.plan.kind % 8 + 1) +
                        ",\"ownerId\":9,\"classId\":0,\"locationId\":0,\"eventDate\":\"" + day +
                        "\",\"adjustment\":" + std::to_string(-x.plan.points) +
                        ",\"comment\":\"Words that nobody needs.\",\"internalComment\":null}"
                    );
        }
    } else if (call.path == "/BehaviourEvents") {
        for (int kind = 0; kind < 8; ++kind) {
            incident x{};
            x.plan.kind = kind;
            out.push_back(
                "{\"eventId\":" + std::to_string(kind + 1) +
                ",\"eventName\":" + padded(std::string(behaviour_name(x)), 20) + ",\"eventDescription\":\"\"}"
            );
        }
    }
    return out;
}

} // namespace

http_response bromcom(const system_call& call)
{
    const std::string* id = call.request.header("applicationid");
    const std::string* secret = call.request.header("applicationsecret");
    if (!id || !secret || *id != "rollbook" || *secret != call.secret) return json_answer("{}", 401);
    // What went wrong stands in the envelope, whatever the status.
    if (parameter_of(call.request, "schoolId") != "77") return json_answer(R"({"success":false,"data":null})");
    const std::string filter = parameter_of(call.request, "entityFilter");
    const auto brace = filter.rfind("{page:");
    if (brace == filter.npos || !filter.ends_with('}')) return json_answer(R"({"success":false,"data":null})");
    const std::size_t page = number_in(std::string_view(filter).substr(brace + 6, filter.size() - brace - 7), 0);
    const std::vector<std::string> rows = rows_of(call, std::string_view(filter).substr(0, brace));
    return json_answer(
        R"({"success":true,"data":[)" +
        joined_rows(rows.size(), page * rows_a_page, rows_a_page, [&](std::size_t i) { return rows[i]; }) + "]}"
    );
}

} // namespace rollbook::school
