// Go4Schools: marks and behaviour one day at a time, lists by cursor. Source: source-systems.md section 6.
#include "tests/school/json_text.hpp"
#include "tests/school/systems.hpp"

namespace rollbook::school {

namespace {

constexpr std::size_t rows_a_page = 15;

http_response list(const system_call& call, const char* name, const std::vector<std::string>& rows)
{
    const std::size_t from = number_in(parameter_of(call.request, "cursor"), 0);
    const bool more = from + rows_a_page < rows.size();
    return json_answer(
        "{\"" + std::string(name) + "\":[" +
        joined_rows(rows.size(), from, rows_a_page, [&](std::size_t i) { return rows[i]; }) + "],\"has_more\":" +
        (more ? "true,\"cursor\":" + std::to_string(from + rows_a_page) : "false,\"cursor\":null") + "}"
    );
}

http_response of_one_day(const system_call& call, std::string_view what, const date day)
{
    const simulated_school& school = call.school;
    const int ordinal = school.calendar().find(day);
    if (ordinal < school.calendar().first() || ordinal > school.calendar().last())
        return json_answer(R"({"errors":["The school is not open on this date"]})", 400);
    std::vector<std::string> rows;
    const std::string on = "\"date\":\"" + format_date(day) + "\"";
    if (what == "attendance/student-session-marks") {
        for (const std::uint32_t at : marks_of(school, day, day)) {
            const mark& m = school.marks()[at];
            rows.push_back(
                "{\"student_id\":" + pupil_of(school, m).mis_id + "," + on + ",\"session\":\"" +
                (m.session ? "PM" : "AM") + "\",\"mark\":" + json_string(code_list()[m.code].text) +
                ",\"alias_mark\":null}"
            );
        }
        return list(call, "student_session_marks", rows);
    }
    for (const incident& x : school.incidents())
        if (x.ordinal == ordinal)
            rows.push_back(
                "{\"id\":" + std::to_string(x.number) +
                ",\"student_id\":" + school.people().pupils[static_cast<std::size_t>(x.plan.pupil)].mis_id + "," + on +
                ",\"event_type_id\":" + std::to_string(x.plan.kind % 8 + 1) +
                ",\"points\":" + std::to_string(-x.plan.points) + "}"
            );
    return list(call, "behaviour_events", rows);
}

} // namespace

http_response go4schools(const system_call& call)
{
    if (!is_bearer(call.request, call.secret)) return json_answer(R"({"errors":["The key is not known"]})", 401);
    const simulated_school& school = call.school;
    // An academic year goes by the year in which it ends.
    const std::string year = std::to_string(school.calendar().years().back().begins + 1);
    const std::string base = "/customer/v1/academic-years/" + year + "/";
    if (!call.path.starts_with(base)) return json_answer(R"({"errors":["No such academic year"]})", 404);
    const std::string what = call.path.substr(base.size());
    std::vector<std::string> rows;
    if (what == "students") {
        for (const int i : pupils_on_roll(school)) {
            const pupil& p = school.people().pupils[static_cast<std::size_t>(i)];
            rows.push_back(
                "{\"student_id\":" + p.mis_id + ",\"upn\":" + json_string(p.upn) +
                ",\"mis_id\":" + json_string(p.mis_id) + ",\"admission_number\":" + json_string(p.admission_number) +
                ",\"last_name\":" + json_string(p.surname) + ",\"first_name\":" + json_string(p.forename) +
                ",\"date_of_birth\":\"" + format_date(p.born) + "\",\"year_group\":\"" + std::to_string(p.year) +
                "\",\"tutor_group\":" + json_string(form_of(school, p)) + "}"
            );
        }
        return list(call, "students", rows);
    }
    if (what == "attendance/codes") {
        for (const code_row& row : code_list())
            rows.push_back(
                "{\"code\":" + json_string(row.text) + ",\"description\":" + json_string(row.description) + "}"
            );
        return list(call, "attendance_codes", rows);
    }
    if (what == "behaviour/event-types") {
        for (int kind = 0; kind < 8; ++kind) {
            incident x{};
            x.plan.kind = kind;
            rows.push_back("{\"id\":" + std::to_string(kind + 1) + ",\"name\":" + json_string(behaviour_name(x)) + "}");
        }
        return list(call, "event_types", rows);
    }
    for (const std::string_view by_day : {"attendance/student-session-marks", "behaviour/events"}) {
        const std::string begins = std::string(by_day) + "/date/";
        date day;
        if (what.starts_with(begins) && parse_date(std::string_view(what).substr(begins.size()), day))
            return of_one_day(call, by_day, day);
    }
    return json_answer(R"({"errors":["Not found"]})", 404);
}

} // namespace rollbook::school
