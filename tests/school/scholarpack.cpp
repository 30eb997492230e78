// ScholarPack and Groupcall Xporter on Demand, whose lists come in numbered pages. Source: source-systems.md section 6.
#include "tests/school/json_text.hpp"
#include "tests/school/systems.hpp"

#include <rapidjson/document.h>

namespace rollbook::school {

http_response scholarpack(const system_call& call)
{
    if (!is_bearer(call.request, call.secret)) return json_answer(R"({"error":"unauthorized"})", 401);
    const simulated_school& school = call.school;
    std::vector<std::string> rows;
    if (call.path == "/api/v1/students/") {
        for (const int i : pupils_on_roll(school)) {
            const pupil& p = school.people().pupils[static_cast<std::size_t>(i)];
            rows.push_back(
                "{\"id\":" + p.mis_id + ",\"upn\":" + json_string(p.upn) +
                ",\"admission_number\":" + json_string(p.admission_number) + ",\"surname\":" + json_string(p.surname) +
                ",\"forename\":" + json_string(p.forename) + ",\"date_of_birth\":\"" + format_date(p.born) +
                "\",\"year_group\":\"" + std::to_string(p.year) +
                "\",\"registration_group\":" + json_string(form_of(school, p)) + "}"
            );
        }
    } else if (call.path == "/api/v1/register_marks/") {
        date from = school.calendar().day(school.calendar().first()),
             to = school.calendar().day(school.calendar().last());
        parse_date(parameter_of(call.request, "date_from"), from);
        parse_date(parameter_of(call.request, "date_to"), to);
        for (const std::uint32_t at : marks_of(school, from, to)) {
            const mark& m = school.marks()[at];
            rows.push_back(
                "{\"id\":" + std::to_string(at + 1) + ",\"student_id\":" + pupil_of(school, m).mis_id + ",\"date\":\"" +
                format_date(school.calendar().day(m.ordinal)) + "\",\"session\":\"" + (m.session ? "PM" : "AM") +
                "\",\"mark\":" + json_string(code_list()[m.code].text) + "}"
            );
        }
    } else {
        return json_answer(R"({"error":"not found"})", 404);
    }
    const std::size_t size = std::max<std::size_t>(1, number_in(parameter_of(call.request, "per_page"), 50));
    const std::size_t page = std::max<std::size_t>(1, number_in(parameter_of(call.request, "page"), 1));
    const std::size_t pages = std::max<std::size_t>(1, (rows.size() + size - 1) / size);
    const auto uri = [&](bool there, std::size_t number) {
        return there ? json_string(call.path + "?page=" + std::to_string(number)) : std::string("null");
    };
    const auto number = [](bool there, std::size_t n) { return there ? std::to_string(n) : std::string("null"); };
    const bool next = page<pages, previous = page> 1;
    return json_answer(
        "{\"has_next\":" + std::string(next ? "true" : "false") + ",\"has_prev\":" + (previous ? "true" : "false") +
        ",\"next_num\":" + number(next, page + 1) + ",\"prev_num\":" + number(previous, page - 1) + ",\"next_uri\":" +
        uri(next, page + 1) + ",\"prev_uri\":" + uri(previous, page - 1) + ",\"page\":" + std::to_string(page) +
        ",\"pages\":" + std::to_string(pages) + ",\"per_page\":" + std::to_string(size) + ",\"data\":[" +
        joined_rows(rows.size(), (page - 1) * size, size, [&](std::size_t i) { return rows[i]; }) + "]}"
    );
}

http_response xporter(const system_call& call)
{
    const simulated_school& school = call.school;
    if (call.path == "/idaas/sts/STS/GetToken") {
        rapidjson::Document body;
        body.Parse(call.request.body.c_str());
        const auto says = [&](const char* name, std::string_view value) {
            return body.HasMember(name) && body[name].IsString() && body[name].GetString() == value;
        };
        if (body.HasParseError() || !body.IsObject() || !says("estab", "9904001") || !says("password", call.secret) ||
            !says("thirdpartyid", "XporterOnDemand") || !body.HasMember("relyingParty"))
            return json_answer(R"({"ExceptionMessage":"The school does not know this application"})", 403);
        return json_answer(R"({"token":"token-)" + std::to_string(++call.tokens_given) + R"("})");
    }
    if (!has_token(call, "Idaas")) return json_answer(R"({"ExceptionMessage":"No token"})", 401);
    if (call.path != "/api/v1/School/9904001/Students/")
        return json_answer(R"({"ExceptionMessage":"No such endpoint"})", 404);
    const std::string since = parameter_of(call.request, "changedRows");
    std::vector<std::string> rows;
    for (const pupil& p : school.people().pupils) {
        if (since.empty() ? !p.on_roll : rfc3339(p.updated_at) < since) continue;
        if (!p.on_roll) {
            rows.push_back("{\"Id\":" + p.mis_id + ",\"ChangeType\":\"D\"}");
            continue;
        }
        rows.push_back(
            "{\"Id\":" + p.mis_id + ",\"UPN\":" + json_string(p.upn) +
            ",\"AdmissionNumber\":" + json_string(p.admission_number) + ",\"Surname\":" + json_string(p.surname) +
            ",\"Forename\":" + json_string(p.forename) + ",\"DateOfBirth\":\"" + start_of(p.born) +
            "\",\"YearGroup\":\"" + std::to_string(p.year) +
            "\",\"RegistrationGroup\":" + json_string(form_of(school, p)) + "}"
        );
    }
    const std::size_t size = std::max<std::size_t>(1, number_in(parameter_of(call.request, "pageSize"), 25));
    const std::size_t page = std::max<std::size_t>(1, number_in(parameter_of(call.request, "page"), 1));
    return json_answer(
        R"({"Students":[)" + joined_rows(rows.size(), (page - 1) * size, size, [&](std::size_t i) { return rows[i]; }) +
        R"(],"Meta":{},"ChangedRows":[],"DbStatus":{"LastUpdated":")" + rfc3339(call.data_as_of) +
        R"("},"Pagination":{"PageNumber":)" + std::to_string(page) + R"(,"PageCount":)" +
        std::to_string(std::max<std::size_t>(1, (rows.size() + size - 1) / size)) + "}}"
    );
}

} // namespace rollbook::school
