// Export files: CPOMS as CSV, MyConcern as a workbook, SIMS CommandReporter's marks as CSV and XML; and what a Singer
// tap prints. No vendor publishes the columns; these are the neutral ones of the reference, and a workbook's are such
// as a person would choose. Source: source-systems.md sections 4 and 7; the Singer specification.
#include "tests/school/json_text.hpp"
#include "tests/school/systems.hpp"

#include <xlsxwriter.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include <unistd.h>

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

// The library writes to a file only.
std::string written(const std::function<void(lxw_worksheet*)>& fill)
{
    std::string name = (std::filesystem::temp_directory_path() / "school-XXXXXX").string();
    const int made = mkstemp(name.data());
    if (made < 0) return {};
    close(made);
    lxw_workbook* book = workbook_new(name.c_str());
    fill(workbook_add_worksheet(book, "Concerns"));
    workbook_close(book);
    std::ifstream file(name, std::ios::binary);
    std::string out(std::istreambuf_iterator<char>(file), {});
    std::filesystem::remove(name);
    return out;
}

std::string myconcern_xlsx(const simulated_school& school)
{
    constexpr const char* headings[] = {
        "Concern ID",
        "Date and Time of Concern",
        "Date Reported",
        "Pupil",
        "UPN",
        "Other Pupils UPN",
        "Categories",
        "Details",
        "Status",
        "Owner"};
    return written([&](lxw_worksheet* sheet) {
        const auto put = [&](std::size_t row, std::size_t column, const std::string& text) {
            worksheet_write_string(
                sheet, static_cast<lxw_row_t>(row), static_cast<lxw_col_t>(column), text.c_str(), nullptr
            );
        };
        for (std::size_t i = 0; i < std::size(headings); ++i)
            put(0, i, headings[i]);
        for (std::size_t i = 0; i < school.concerns().size(); ++i) {
            const concern& x = school.concerns()[i];
            const auto& pupils = school.people().pupils;
            const pupil& p = pupils[static_cast<std::size_t>(x.plan.pupil)];
            const std::string cells[] = {
                "MC" + std::to_string(x.number),
                british(school.calendar().day(x.happened)) + " " + clock_text(x.plan.happened_minute),
                british(school.calendar().day(x.entered)) + " " + clock_text(x.plan.entered_minute),
                p.surname + ", " + p.forename,
                p.upn,
                x.plan.second_pupil >= 0 ? pupils[static_cast<std::size_t>(x.plan.second_pupil)].upn : "",
                x.plan.second_category ? "Attendance; Family" : "Behaviour",
                "Words that nobody needs.",
                "Open",
                "A Lead"};
            for (std::size_t column = 0; column < std::size(cells); ++column)
                put(i + 1, column, cells[column]);
        }
    });
}

// Pupils and their marks as messages, one on a line, and where the next run would begin.
std::string tap_messages(const simulated_school& school)
{
    const auto schema = [](const std::string& stream) {
        return R"({"type":"SCHEMA","stream":")" + stream +
               R"(","key_properties":["id"],"bookmark_properties":["id"],"schema":{"type":"object","properties":)"
               R"({"id":{"type":["null","string"]}}}})"
               "\n";
    };
    const auto record = [](const std::string& stream, const std::string& fields) {
        return R"({"type":"RECORD","stream":")" + stream + R"(","time_extracted":"2025-11-21T16:00:00Z","record":{)" +
               fields + "}}\n";
    };
    std::string out = schema("learners");
    for (const int i : pupils_on_roll(school)) {
        const pupil& p = school.people().pupils[static_cast<std::size_t>(i)];
        out += record(
            "learners",
            R"("id":")" + p.mis_id + R"(","upn":")" + p.upn + R"(","names":{"family":)" + json_string(p.surname) +
                R"(,"given":)" + json_string(p.forename) + R"(},"born":")" + format_date(p.born) + R"(","form":")" +
                form_of(school, p) + "\""
        );
    }
    out += schema("register");
    for (const std::uint32_t at : school.listed()) {
        const mark& m = school.marks()[at];
        out += record(
            "register",
            R"("id":")" + std::to_string(at) + R"(","learner":{"id":")" + pupil_of(school, m).mis_id + R"("},"on":")" +
                start_of(school.calendar().day(m.ordinal)) + R"(Z","half":")" + (m.session ? "PM" : "AM") +
                R"(","mark":)" + json_string(code_list()[m.code].text)
        );
    }
    return out + R"({"type":"STATE","value":{"bookmarks":{"register":{"id":")" +
           std::to_string(school.listed().size()) + "\"}}}}\n";
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
    else if (call.path == "/myconcern.xlsx")
        made.body = myconcern_xlsx(call.school);
    else if (call.path == "/tap.ndjson")
        made.body = tap_messages(call.school);
    else if (call.path == "/marks.csv")
        made.body = sims_marks(call.school, false);
    else if (call.path == "/marks.xml")
        made.body = sims_marks(call.school, true);
    else
        return json_answer(R"({"error":"not found"})", 404);
    return made;
}

} // namespace rollbook::school
