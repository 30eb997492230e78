// iSAMS: pupils over REST, and the batch interface in XML. Source: source-systems.md section 5.
#include "tests/school/json_text.hpp"
#include "tests/school/systems.hpp"

namespace rollbook::school {

namespace {

std::string xml_text(std::string_view text)
{
    std::string out;
    for (const char c : text)
        out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
    return out;
}

std::string element(std::string_view name, std::string_view text)
{
    return "<" + std::string(name) + ">" + xml_text(text) + "</" + std::string(name) + ">";
}

// The value of `attribute` in the element `name` of a request's filters.
std::string filter_of(const std::string& body, const std::string& name, const std::string& attribute)
{
    const auto begin = body.find("<" + name + " ");
    if (begin == body.npos) return {};
    const std::string tag = body.substr(begin, body.find('>', begin) - begin);
    const auto at = tag.find(attribute + "=\"");
    if (at == tag.npos) return {};
    const auto from = at + attribute.size() + 2;
    return tag.substr(from, tag.find('"', from) - from);
}

http_response xml_answer(const std::string& body, int status = 200)
{
    http_response made;
    made.status = status;
    made.type = "text/xml";
    // It says UTF-16, and is not.
    made.body = R"(<?xml version="1.0" encoding="utf-16"?>)" + body;
    return made;
}

http_response message(std::string_view name, int status)
{
    return xml_answer(
        "<Message><MessageId>1</MessageId>" + element("MessageName", name) +
            "<Title>Batch API</Title><Description>The request was not understood.</Description></Message>",
        status
    );
}

std::string pupils_xml(const simulated_school& school)
{
    std::string out = "<PupilManager><CurrentPupils>";
    for (const int i : pupils_on_roll(school)) {
        const pupil& p = school.people().pupils[static_cast<std::size_t>(i)];
        out += "<Pupil Id=\"" + p.mis_id + "\" PersonId=\"" + std::to_string(50'000 + i) +
               "\" PersonGuid=\"00000000-0000-0000-0000-000000000000\">" + element("UPN", p.upn) +
               element("SchoolCode", p.admission_number) + element("SchoolId", "S" + p.mis_id) +
               element("Forename", p.forename) + element("Surname", p.surname) + element("DOB", start_of(p.born)) +
               element("Form", form_of(school, p)) + element("NCYear", std::to_string(p.year)) +
               "<SomethingNew lately=\"1\"/></Pupil>";
    }
    return out + "</CurrentPupils></PupilManager>";
}

std::string marks_xml(const simulated_school& school, date from, date to)
{
    std::string out = "<RegistrationManager><RegistrationStatuses>";
    for (const std::uint32_t at : marks_of(school, from, to)) {
        const mark& m = school.marks()[at];
        out += "<RegistrationStatus Id=\"" + std::to_string(at + 1) + "\">" +
               element("PupilId", pupil_of(school, m).mis_id) +
               element("Date", start_of(school.calendar().day(m.ordinal))) + element("Session", m.session ? "2" : "1") +
               element("Code", code_list()[m.code].text) + "</RegistrationStatus>";
    }
    return out + "</RegistrationStatuses></RegistrationManager>";
}

std::string conduct_xml(const simulated_school& school, date from, date to)
{
    std::string out = "<RewardsAndConduct><Records>";
    for (const incident& x : school.incidents()) {
        const date day = school.calendar().day(x.ordinal);
        if (day < from || day > to) continue;
        out += "<Record Id=\"" + std::to_string(x.number) + "\">" +
               element("PupilId", school.people().pupils[static_cast<std::size_t>(x.plan.pupil)].mis_id) +
               element("Date", start_of(day)) + element("Type", behaviour_name(x)) +
               element("Points", std::to_string(-x.plan.points)) + "</Record>";
    }
    return out + "</Records></RewardsAndConduct>";
}

} // namespace

http_response isams(const system_call& call)
{
    // A scope is one too many: the log-in fails with it.
    if (call.path == "/auth/connect/token")
        return value_in(form_values(call.request.body), "scope").empty()
                   ? give_token(call)
                   : json_answer(R"({"error":"invalid_scope"})", 400);
    if (!has_token(call)) return json_answer("{}", 401);
    if (call.path != "/api/students") return json_answer("{}", 404);
    constexpr std::size_t page_size = 7;
    const std::size_t page = number_in(parameter_of(call.request, "page"), 1);
    const std::vector<int> shown = pupils_on_roll(call.school);
    const auto row = [&](std::size_t i) {
        const pupil& p = call.school.people().pupils[static_cast<std::size_t>(shown[i])];
        return "{\"schoolId\":\"S" + p.mis_id + "\",\"personId\":" + std::to_string(50'000 + shown[i]) +
               ",\"schoolCode\":" + json_string(p.admission_number) + ",\"forename\":" + json_string(p.forename) +
               ",\"surname\":" + json_string(p.surname) + ",\"dob\":\"" + start_of(p.born) +
               "\",\"yearGroup\":" + std::to_string(p.year) + ",\"formGroup\":" + json_string(form_of(call.school, p)) +
               "}";
    };
    return json_answer(
        R"({"students":[)" + joined_rows(shown.size(), (page - 1) * page_size, page_size, row) + R"(],"totalCount":)" +
        std::to_string(shown.size()) + R"(,"page":)" + std::to_string(page) + R"(,"totalPages":)" +
        std::to_string((shown.size() + page_size - 1) / page_size) + "}"
    );
}

http_response isams_batch(const system_call& call)
{
    if (call.path != "/api/batch/1.0/xml.ashx") return xml_answer("<Message/>", 404);
    if (parameter_of(call.request, "apiKey") != call.secret) return message("InvalidApiKey", 403);
    const std::string& body = call.request.body;
    if (body.find("<MethodsToRun>") == body.npos) return message("FiltersRequiredException", 400);
    const auto wants = [&](const char* method) {
        return body.find("<Method>" + std::string(method) + "</Method>") != body.npos;
    };
    const auto within = [&](const char* element_name, auto&& made) -> std::string {
        date from, to;
        if (!parse_date(filter_of(body, element_name, "StartDate"), from) ||
            !parse_date(filter_of(body, element_name, "EndDate"), to))
            return {};
        return made(call.school, from, to);
    };
    std::string out;
    if (wants("PupilManager_GetCurrentPupils")) out += pupils_xml(call.school);
    if (wants("RegistrationManager_GetRegistrationStatus")) out += within("RegistrationStatus", marks_xml);
    if (wants("RewardsAndConduct_GetRecords")) out += within("Records", conduct_xml);
    return out.empty() ? message("MissingParameter", 400) : xml_answer("<iSAMS>" + out + "</iSAMS>");
}

} // namespace rollbook::school
