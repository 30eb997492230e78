// Export files: CPOMS as CSV, another safeguarding system's too, and SIMS CommandReporter's marks as CSV and XML. No
// vendor publishes their columns; these are the neutral ones of the reference. Source: source-systems.md sections 4
// and 7.
#include "tests/school/json_text.hpp"
#include "tests/school/systems.hpp"

namespace rollbook::school {

namespace {

std::string cell(std::string_view text)
{
    std::string out = "\"";
    for (const char c : text)
        out += c == '"' ? "\"\"" : std::string(1, c);
    return out + "\"";
}

std::string british(date day)
{
    const std::string iso = format_date(day);
    return iso.substr(8, 2) + "/" + iso.substr(5, 2) + "/" + iso.substr(0, 4);
}

std::string clock_text(int minute)
{
    const auto two = [](int n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    return two(minute / 60) + ":" + two(minute % 60);
}

std::string cpoms_csv(const simulated_school& school)
{
    constexpr std::string_view categories[] = {"Attendance", "Behaviour", "Family", "Health", "Online safety"};
    std::string out = "\xef\xbb\xbfincident_ref,incident_at,entered_at,pupil_upn,pupil_mis_id,linked_pupils,category,"
                      "subcategory,text,author,"
                      "alerted,action_of,status,assigned_to\r\n";
    for (const concern& x : school.concerns()) {
        const auto& pupils = school.people().pupils;
        const pupil& p = pupils[static_cast<std::size_t>(x.plan.pupil)];
        std::string linked;
        if (x.plan.second_pupil >= 0) linked = pupils[static_cast<std::size_t>(x.plan.second_pupil)].upn;
        out += "INC-" + std::to_string(x.number) + "," + format_date(school.calendar().day(x.happened)) + "T" +
               clock_text(x.plan.happened_minute) + "," + format_date(school.calendar().day(x.entered)) + "T" +
               clock_text(x.plan.entered_minute) + "," + p.upn + "," + p.mis_id + "," + cell(linked) + "," +
               cell(categories[static_cast<std::size_t>(x.plan.category) % std::size(categories)]) + ",," +
               cell("Words that nobody needs,\r\nof two \"lines\".") + ",J Okoro,DSL,,Open,A Lead\r\n";
    }
    return out;
}

std::string sims_marks(const simulated_school& school, bool as_xml)
{
    std::string out = as_xml ? "<?xml version=\"1.0\" encoding=\"utf-8\"?><SuperStarReport>"
                             : "UPN,Adno,Surname,Forename,Reg,Year,Mark Date,Session,Mark,Minutes Late,Comments\r\n";
    for (const std::uint32_t at : school.listed()) {
        const mark& m = school.marks()[at];
        const pupil& p = pupil_of(school, m);
        const date day = school.calendar().day(m.ordinal);
        const std::string_view session = m.session ? "PM" : "AM";
        const std::string code(code_list()[m.code].text);
        if (as_xml)
            out += "<Record><UPN>" + p.upn + "</UPN><Adno>" + p.admission_number + "</Adno><Surname>" + p.surname +
                   "</Surname><Forename>" + p.forename + "</Forename><Reg>" + form_of(school, p) +
                   "</Reg><Mark_x0020_Date>" + start_of(day) + "</Mark_x0020_Date><Session>" + std::string(session) +
                   "</Session><Mark>" + code + "</Mark></Record>";
        else
            out += p.upn + "," + p.admission_number + "," + cell(p.surname) + "," + cell(p.forename) + "," +
                   form_of(school, p) + "," + std::to_string(p.year) + "," + british(day) + "," + std::string(session) +
                   "," + code + ",,\r\n";
    }
    return as_xml ? out + "</SuperStarReport>" : out;
}

} // namespace

http_response export_files(const system_call& call)
{
    http_response made;
    made.type = "text/csv";
    if (call.path == "/cpoms.csv")
        made.body = cpoms_csv(call.school);
    else if (call.path == "/marks.csv")
        made.body = sims_marks(call.school, false);
    else if (call.path == "/marks.xml")
        made.body = sims_marks(call.school, true);
    else
        return json_answer(R"({"error":"not found"})", 404);
    return made;
}

} // namespace rollbook::school
