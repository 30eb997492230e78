#include "tests/connectors/fake_http.hpp"

#include "connectors/rest/json_check.hpp"

#include "tests/connectors/printing.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>

using namespace rollbook;
using namespace rollbook::test;
using Catch::Matchers::Contains;

namespace {

const std::string students_url = wonde_school + "/students?include=education_details%2Cgroups&per_page=2";
const std::string marks_url = wonde_school + "/attendance/session?per_page=2";
const std::string behaviours_url = wonde_school + "/behaviours?include=students&per_page=2";
const std::string exclusions_url = wonde_school + "/exclusions?per_page=2";
const std::string codes_url = wonde_school + "/attendance-codes?per_page=2";
const std::string counts_url = wonde_school + "/counts?include=students";

enum stream : std::size_t { students, marks, behaviours, exclusions };

// A source that answers as the fixtures do.
struct wonde_school_fixture {
    wonde_school_fixture()
    {
        http.answer(codes_url, fixture("wonde/attendance-codes.json"));
        http.answer(counts_url, fixture("wonde/counts.json"));
        source = connect("wonde", wonde_source(), http);
        const auto begun = run(source->begin_run());
        if (!begun) throw std::runtime_error(begun.error().what);
        http.requests.clear();
    }

    result<page> fetch(std::size_t stream, std::optional<std::string> at = {}, std::optional<civil_day> from = {})
    {
        return run(source->fetch_page(stream, from, std::move(at)));
    }

    // The failure of a first page of marks that is answered so.
    failure refused(const std::string& body, int status = 200, const std::string& type = "application/json")
    {
        http.answers.clear();
        http.answer(marks_url, body, status, type);
        return fetch(marks).error();
    }

    fake_http http;
    std::unique_ptr<connector> source;
};

std::string row_page(const std::string& rows)
{
    return R"({"data":[)" + rows + R"(],"meta":{"pagination":{"next":null,"more":false}}})";
}

std::string paged(const std::string& pagination)
{
    return R"({"data":[],"meta":{"pagination":)" + pagination + "}}";
}

std::string of_whom(const row_identity& whose)
{
    return (whose.pupil_id.empty() ? "-" : whose.pupil_id) + " " + (whose.day ? format_day(*whose.day) : "-") + " " +
           (whose.half ? std::string(name_of(*whose.half)) : "-");
}

void check_against_schema(const reported_record& record)
{
    const auto file = root() / "schemas/canonical" / (std::string(name_of(record.kind)) + ".schema.json");
    const auto checked = check_json(record.fields, file_text(file), file);
    INFO(record.fields);
    if (!checked) FAIL_CHECK(checked.error().what);
}

std::vector<std::string> lines_of(const page& p)
{
    std::vector<std::string> out;
    for (const reported_record& r : p.records) {
        check_against_schema(r);
        out.push_back(std::string(name_of(r.kind)) + " " + r.source_id + " [" + r.pupil_id + "] " + r.fields);
    }
    return out;
}

using lines = std::vector<std::string>;

std::string mark_row(const std::string& change_from = "", const std::string& to = "")
{
    std::string row =
        R"({"id":"M1","date":{"date":"2025-10-06 00:00:00.000000","timezone_type":3,"timezone":"Europe/London"},)"
        R"("comment":null,"session":"AM","employee":"E5","attendance_code":"C1","student":"A1"})";
    if (change_from.empty()) return row;
    const auto at = row.find(change_from);
    REQUIRE(at != row.npos);
    return row.replace(at, change_from.size(), to);
}

} // namespace

TEST_CASE("Wonde pupils become pupil records with the fields we asked for and no others", "[connectors]")
{
    wonde_school_fixture w;
    w.http.answer(students_url, fixture("wonde/students-1.json"));
    w.http.answer(students_url + "&page=2", fixture("wonde/students-2.json"));
    const auto first = w.fetch(students);
    REQUIRE(first);
    CHECK(
        lines_of(*first) ==
        lines{
            R"(pupil A1 [A1] {"admission_number":"007123","date_of_birth":"2011-06-09","forename":"Ana","legal_forename":"Anastasia","legal_surname":"Ahmed","mis_id":"4321","on_roll_from":"2023-09-01","registration_group":"9B","surname":"Ahmed","upn":"H123456789012","year":"9"})",
            R"(pupil A2 [A2] {"admission_number":"7124","date_of_birth":"2012-03-25","forename":"Zoë","former_upn":"T123456789013","surname":"Brück","year":"8"})",
        }
    );
    CHECK(first->rows == 2);
    CHECK(format_instant(*first->data_as_of) == "2025-10-06T14:30:00.000Z");
    const auto second = w.fetch(students, first->next);
    REQUIRE(second);
    CHECK(lines_of(*second) == lines{R"(pupil 3 [3] {"forename":"Sam","mis_id":"4323","surname":"Chaudhry"})"});
    CHECK_FALSE(second->next);
    CHECK(second->rejected.empty());
}

TEST_CASE("Wonde marks are joined to the school's own code list", "[connectors]")
{
    wonde_school_fixture w;
    w.http.answer(marks_url, fixture("wonde/session-marks-2.json"));
    const auto got = w.fetch(marks);
    REQUIRE(got);
    lines read;
    for (const reported_mark& m : got->marks)
        read.push_back(
            std::string(m.source_id) + " " + std::string(m.pupil_id) + " " + format_day(m.session.day) + " " +
            std::string(name_of(m.session.half)) + " raw=" + std::string(m.raw) + " code=" + std::string(m.statutory) +
            " late=" + std::to_string(m.minutes_late) + " " + std::string(m.comment) + "/" + std::string(m.taken_by)
        );
    CHECK(
        read ==
        lines{
            "M3 A2 2025-10-07 AM raw=L code=L late=12 bus/E5", // a trailing space in the list is not a code
            "M4 A2 2025-10-07 PM raw=Q9 code=L late=-1 /",     // the school's own code
            "M5 A2 2025-10-08 AM raw=C99 code= late=-1 /E5",   // not in the list: kept, and unmapped
            "M6 A2 2025-10-08 PM raw= code= late=-1 /E5",      // null: not recorded
            "M7 A2 2025-10-09 AM raw=- code= late=-1 /E5",     // -: not recorded
            "M8 A2 2025-10-09 PM raw= code= late=-1 /E5",      // a space: not recorded
            "9 77 2025-10-10 AM raw=N code=N late=-1 /E5",     // numbers for ids; no government code
        }
    );
    CHECK(got->rejected.empty());
    CHECK(format_day(*got->newest_day) == "2025-10-10");
    CHECK_FALSE(got->data_as_of);
}

TEST_CASE("a page's marks stay readable after later pages were read and the connector is gone", "[connectors]")
{
    page kept;
    {
        wonde_school_fixture w;
        w.http.answer(marks_url, fixture("wonde/session-marks-2.json"));
        kept = std::move(*w.fetch(marks));
        w.http.answers[marks_url].clear();
        w.http.answer(marks_url, row_page(mark_row()));
        REQUIRE(w.fetch(marks));
        w.http.answer(codes_url, R"({"data":[]})");
    }
    CHECK(kept.marks[1].raw == "Q9");
    CHECK(kept.marks[6].source_id == "9");
}

TEST_CASE("Wonde behaviours become incidents and one involvement for each pupil, without the comment", "[connectors]")
{
    wonde_school_fixture w;
    w.http.answer(behaviours_url, fixture("wonde/behaviours.json"));
    const auto got = w.fetch(behaviours);
    REQUIRE(got);
    CHECK(
        lines_of(*got) ==
        lines{
            R"j(incident B1 [] {"day":"2025-07-06","entered_at":"2025-07-06T09:00:00.000Z","external_ids":["ClassCharts:1400000000","Wonde:A900"],"mis_id":"3001","nature":"behaviour","points":2,"status":"Resolved","type":"Disruption (Stage 2)"})j",
            R"(involvement B1/A1 [A1] {"day":"2025-07-06","of":"incident","points":2,"record":"B1","role":"Aggressor"})",
            R"(involvement B1/A2 [A2] {"day":"2025-07-06","of":"incident","points":0,"record":"B1","role":"Target"})",
            R"(incident B2 [] {"day":"2025-10-06","entered_at":"2025-10-06T10:00:00.000Z","nature":"behaviour","type":"Late to lesson"})",
        }
    );
    CHECK(got->rows == 2);
}

TEST_CASE("Wonde exclusions take the pupil from student or student-leaver and numbers from texts", "[connectors]")
{
    wonde_school_fixture w;
    w.http.answer(exclusions_url, fixture("wonde/exclusions.json"));
    const auto got = w.fetch(exclusions);
    REQUIRE(got);
    CHECK(
        lines_of(*got) ==
        lines{
            R"(suspension X1 [A1] {"days":"2","from":"2025-10-06","from_session":"AM","kind":"Suspension","kind_code":"SUSP","mis_id":"501","reason":"Persistent disruptive behaviour","reason_code":"DB","sessions":4,"to":"2025-10-07","to_session":"PM"})",
            R"(suspension X2 [A9] {"days":"0.5","from":"2025-09-08","kind":"Permanent"})",
            R"(suspension X3 [A2] {"from":"2025-09-09","kind":"Suspension","sessions":1})",
        }
    );
}

TEST_CASE("safeguarding pupils and concerns are read with basic authentication and without the text", "[connectors]")
{
    fake_http http;
    http.answer("https://cpoms.example.test/v1/students?page=1&per_page=100", fixture("safeguarding/students.json"));
    http.answer("https://cpoms.example.test/v1/incidents?page=1&per_page=100", fixture("safeguarding/incidents.json"));
    const auto source = connect("safeguarding", safeguarding_source(), http);
    REQUIRE(run(source->begin_run()));
    const auto pupils = run(source->fetch_page(0, {}, {}));
    REQUIRE(pupils);
    CHECK(
        lines_of(*pupils) ==
        lines{
            R"(pupil C-1 [C-1] {"date_of_birth":"2011-06-09","forename":"Ana","mis_id":"4321","surname":"Ahmed","upn":"H123456789012"})",
            R"(pupil C-2 [C-2] {"date_of_birth":"2012-03-25","forename":"Zoë","surname":"Brück"})",
        }
    );
    CHECK(format_instant(*pupils->data_as_of) == "2025-10-06T10:00:00.000Z");
    const auto concerns = run(source->fetch_page(1, {}, {}));
    REQUIRE(concerns);
    CHECK(
        lines_of(*concerns) ==
        lines{
            R"(concern INC-1 [] {"assigned_to":"DSL","categories":["Home","Attendance"],"entered_at":"2025-07-07T07:05:00.000Z","incident_at":"2025-07-06T11:20:00","status":"Open","subcategory":"Truancy"})",
            R"(involvement INC-1/C-1 [C-1] {"of":"concern","record":"INC-1"})",
            R"(involvement INC-1/C-2 [C-2] {"of":"concern","record":"INC-1"})",
            R"(concern INC-2 [] {"categories":["Home"],"entered_at":"2025-10-07T08:05:00.000Z","incident_at":"2025-10-06","status":"Open"})",
            R"(involvement INC-2/C-2 [C-2] {"of":"concern","record":"INC-2"})",
        }
    );
    CHECK(http.requests[0].user == "reader");
    CHECK(http.requests[0].password == "s3cret");
    CHECK(source->streams().size() == 2);
    CHECK(source->streams()[0].flags.empty());
}

TEST_CASE(
    "safeguarding flags and actions are read where the school chooses it, and never an action's text", "[connectors]"
)
{
    fake_http http;
    auto settings = safeguarding_source();
    settings.settings["pupil_flags"] = given(true);
    settings.settings["actions"] = given(true);
    const auto source = connect("safeguarding", settings, http);
    REQUIRE(source->streams().size() == 3);
    CHECK(
        source->streams()[0].flags ==
        std::vector<std::string>{"child_in_need", "child_protection", "looked_after", "social_worker"}
    );
    http.answer(
        "https://cpoms.example.test/v1/students?page=1&per_page=100",
        R"({"data":[{"id":"C-1","flags":{"child_protection":true,"looked_after":false}},{"id":"C-2","flags":{}},)"
        R"({"id":"C-3"}],"page":1,"pages":1})"
    );
    http.answer(
        "https://cpoms.example.test/v1/actions?page=1&per_page=100",
        R"({"data":[{"id":"ACT-1","incident_id":"INC-1","kind":"Call","text":"Rang Sam's mother","author":"DSL",)"
        R"("done_on":"2025-10-06","students":[{"id":"C-1"},{"id":"C-2"}]},{"id":"ACT-2","students":[{"id":"C-1"}]}],)"
        R"("page":1,"pages":1})"
    );
    REQUIRE(run(source->begin_run()));
    const auto pupils = run(source->fetch_page(0, {}, {}));
    REQUIRE(pupils);
    CHECK(
        lines_of(*pupils) ==
        lines{
            R"(pupil C-1 [C-1] {"flags":["child_protection"]})",
            R"(pupil C-2 [C-2] {"flags":[]})",
            R"(pupil C-3 [C-3] {})"}
    );
    const auto actions = run(source->fetch_page(2, {}, {}));
    REQUIRE(actions);
    CHECK(
        lines_of(*actions) ==
        lines{
            R"(action ACT-1/C-1 [C-1] {"at":"2025-10-06","by":"DSL","kind":"Call","record":"INC-1"})",
            R"(action ACT-1/C-2 [C-2] {"at":"2025-10-06","by":"DSL","kind":"Call","record":"INC-1"})"}
    );
    REQUIRE(actions->rejected.size() == 1);
    CHECK_THAT(actions->rejected[0].reason, Catch::Matchers::Contains("done_on"));
}

TEST_CASE(
    "a row without identity, day or session is rejected with the field's name and never its value", "[connectors]"
)
{
    const auto [from, to, reason, whose] = GENERATE(table<std::string, std::string, std::string, std::string>({
        {R"("id":"M1",)", "", "source_id (id) is missing", "A1 2025-10-06 AM"},
        {R"("id":"M1")", R"("id":null)", "source_id (id) is null", "A1 2025-10-06 AM"},
        {R"("id":"M1")", R"("id":" ")", "source_id (id) is empty", "A1 2025-10-06 AM"},
        {R"("id":"M1")",
         R"("id":{"SECRET":1})",
         "source_id (id) is an object where a text was expected",
         "A1 2025-10-06 AM"},
        {R"(,"student":"A1")", "", "pupil (student) is missing", "- 2025-10-06 AM"},
        {R"("student":"A1")", R"("student":null)", "pupil (student) is null", "- 2025-10-06 AM"},
        {R"("student":"A1")",
         R"("student":["SECRET"])",
         "pupil (student) is a list where a text was expected",
         "- 2025-10-06 AM"},
        {R"("session":"AM")", R"("session":"SECRET")", "session is neither AM nor PM", "A1 2025-10-06 -"},
        {R"("session":"AM")", R"("session":null)", "session (session) is null", "A1 2025-10-06 -"},
        {R"("attendance_code":"C1",)", "", "code (attendance_code) is missing", "A1 2025-10-06 AM"},
        {"2025-10-06 00", "2025-02-30 00", "day (date) is not a date in a known form", "A1 - AM"},
        {"2025-10-06 00", "06/10/2025 00", "day (date) is not a date in a known form", "A1 - AM"},
        {R"("date":"2025-10-06 00:00:00.000000")", R"("date":null)", "day (date) is empty", "A1 - AM"},
        {R"("date":"2025-10-06 00:00:00.000000",)", "", "day (date) is an object without its date", "A1 - AM"},
        {R"("comment":null)",
         R"("comment":null,"minutes_late":"soon")",
         "minutes_late (minutes_late) is not a whole number",
         "A1 2025-10-06 AM"},
        {R"("comment":null)",
         R"("comment":null,"minutes_late":99999)",
         "minutes_late is out of range",
         "A1 2025-10-06 AM"},
    }));
    CAPTURE(from, to);
    wonde_school_fixture w;
    w.http.answer(marks_url, row_page(mark_row() + "," + mark_row(from, to)));
    const auto got = w.fetch(marks);
    REQUIRE(got);
    CHECK(got->marks.size() == 1);
    REQUIRE(got->rejected.size() == 1);
    CHECK(got->rejected[0].reason == reason);
    CHECK(got->rejected[0].position == 1);
    CHECK(got->rejected[0].kind == what::session_mark);
    CHECK(of_whom(got->rejected[0].whose) == whose);
    CHECK(got->rows == 2);
}

TEST_CASE("a rejected row keeps what the manifest reads and nothing else of it", "[connectors]")
{
    wonde_school_fixture w;
    w.http.answer(
        behaviours_url,
        row_page(R"({"id":null,"type":"T","comment":"words about a child","extra":"E","incident_date":)"
                 R"({"date":"2025-10-06 00:00:00"},"students":{"data":[{"id":"A1","forename":"Ana"}]}})")
    );
    const auto got = w.fetch(behaviours);
    REQUIRE(got);
    REQUIRE(got->rejected.size() == 1);
    CHECK(
        got->rejected[0].row ==
        R"({"id":null,"incident_date":{"date":"2025-10-06 00:00:00"},"students":{"data":[{"id":"A1"}]},"type":"T"})"
    );
}

TEST_CASE(
    "an incident without its list of pupils is rejected, with one unreadable pupil the others stay", "[connectors]"
)
{
    wonde_school_fixture w;
    const std::string begin = R"({"id":"B1","incident_date":{"date":"2025-10-06 00:00:00"})";
    w.http.answer(
        behaviours_url,
        row_page(
            begin + "}," + begin + R"(,"students":{"data":null}},)" + begin +
            R"(,"students":{"data":[{"id":"A1"},{"id":null},{"id":"A3"}]}})"
        )
    );
    const auto got = w.fetch(behaviours);
    REQUIRE(got);
    lines reasons;
    for (const rejected_row& r : got->rejected)
        reasons.push_back(std::string(name_of(r.kind)) + ": " + r.reason);
    CHECK(
        reasons ==
        lines{
            "incident: students.data is missing", "incident: students.data is null", "involvement: pupil (id) is null"}
    );
    CHECK(got->records.size() == 3);
    CHECK(got->rejected[0].whose.source_id == "B1");
    CHECK(got->rejected[2].whose.is_empty());
}

TEST_CASE("a calendar day is the day as written, on clock-change days and whatever its zone", "[connectors]")
{
    const auto day = GENERATE(as<std::string>(), "2025-03-30", "2025-10-26", "2025-07-01");
    const auto rest = GENERATE(
        as<std::string>(),
        R"( 00:00:00.000000","timezone":"Europe/London")",
        R"( 00:00:00","timezone":"Europe/London")",
        R"(","timezone":"UTC")",
        R"( 23:30:00","timezone":"UTC")"
    );
    wonde_school_fixture w;
    w.http.answer(
        marks_url,
        row_page(mark_row(R"(2025-10-06 00:00:00.000000","timezone_type":3,"timezone":"Europe/London")", day + rest))
    );
    const auto got = w.fetch(marks);
    REQUIRE(got);
    REQUIRE(got->marks.size() == 1);
    CHECK(format_day(got->marks[0].session.day) == day);
}

TEST_CASE(
    "rows before the window are counted as skipped and the parameter is sent only when it is named", "[connectors]"
)
{
    const auto from = parse_day("2025-10-09");
    {
        wonde_school_fixture w;
        w.http.answer(marks_url, fixture("wonde/session-marks-2.json"));
        const auto got = w.fetch(marks, {}, from);
        REQUIRE(got);
        CHECK(got->rows == 7);
        CHECK(got->skipped == 4);
        CHECK(got->marks.size() == 3);
    }
    fake_http http;
    auto named = wonde_source();
    named.settings["date_from_param"] = given(std::string("date_after"));
    const auto source = connect("wonde", named, http);
    http.answer(wonde_school + "/attendance/session?date_after=2025-10-09&per_page=2", row_page(""));
    CHECK(run(source->fetch_page(marks, from, {})));
    // Behaviours know a parameter; its bound may be exclusive, so one day more is asked for.
    http.answer(wonde_school + "/behaviours?include=students&incident_date_after=2025-10-08&per_page=2", row_page(""));
    CHECK(run(source->fetch_page(behaviours, from, {})));
}

TEST_CASE("the next page is asked for before the page is handed out, and only once", "[connectors]")
{
    wonde_school_fixture w;
    w.http.answer(marks_url, fixture("wonde/session-marks-1.json"));
    w.http.answer(wonde_school + "/attendance/session?cursor=abc&per_page=2", fixture("wonde/session-marks-2.json"));
    const auto first = w.fetch(marks);
    REQUIRE(first);
    const std::string second_url = wonde_school + "/attendance/session?cursor=abc&per_page=2";
    CHECK(w.http.urls() == lines{marks_url, second_url});
    CHECK(w.http.open == 1);

    SECTION("the page ahead is used")
    {
        REQUIRE(w.fetch(marks, first->next));
        CHECK(w.http.urls() == lines{marks_url, second_url});
        CHECK(w.http.open == 0);
    }
    SECTION("another place drops it")
    {
        REQUIRE(w.fetch(marks));
        CHECK(w.http.urls() == lines{marks_url, second_url, marks_url, second_url});
        CHECK(w.http.open == 1);
    }
    SECTION("another window drops it")
    {
        REQUIRE(w.fetch(marks, first->next, parse_day("2025-10-09")));
        CHECK(w.http.urls() == lines{marks_url, second_url, second_url});
    }
    SECTION("a new run drops it")
    {
        w.http.answer(codes_url, fixture("wonde/attendance-codes.json"));
        REQUIRE(run(w.source->begin_run()));
        CHECK(w.http.open == 0);
    }
}

TEST_CASE("asking for the same page twice is no repeated page", "[connectors]")
{
    wonde_school_fixture w;
    const std::string second_url = wonde_school + "/attendance/session?cursor=abc&per_page=2";
    w.http.answer(marks_url, fixture("wonde/session-marks-1.json"));
    w.http.answer(second_url, "busy", 503);
    w.http.answer(second_url, fixture("wonde/session-marks-2.json"));
    const auto first = w.fetch(marks);
    REQUIRE(first);
    const auto busy = w.fetch(marks, first->next);
    REQUIRE_FALSE(busy);
    CHECK(busy.error().code == errc::source_unreachable);
    CHECK_THAT(busy.error().what, Contains("GET /schools/{school_id}/attendance/session, page 2"));
    CHECK(w.fetch(marks, first->next));
    CHECK(w.fetch(marks, first->next));
}

TEST_CASE("paging that is broken fails and is never followed", "[connectors]")
{
    const auto [pagination, message] = GENERATE(table<std::string, std::string>({
        {R"({"next":null,"more":true})", "more follow, and not where"},
        {R"({"more":true})", "more follow, and not where"},
        {R"({})", "says nothing about a next page"},
        {R"({"next":7,"more":true})", "is not an address"},
        {R"({"next":null,"more":"yes"})", "is not true or false"},
        {R"({"next":"/v1.0/x","more":true})", "is not an absolute address"},
        {R"({"next":"https://api.example.test@evil.example/x","more":true})", "is not an absolute address"},
        {R"({"next":"https://evil.example/v1.0/x","more":true})", "another server"},
        {R"({"next":"http://api.example.test/v1.0/x","more":true})", "another server"},
        {R"({"next":"https://api.example.test:8443/v1.0/x","more":true})", "another server"},
        {R"({"next":"https://api.example.test.evil.example/x","more":true})", "another server"},
        {R"({"next":"https://api.example.test\\@evil.example/x","more":true})", "is not an absolute address"},
    }));
    CAPTURE(pagination);
    wonde_school_fixture w;
    const failure f = w.refused(paged(pagination));
    CHECK(f.code == errc::page_malformed);
    CHECK_THAT(f.what, Contains(message) && Contains("GET /schools/{school_id}/attendance/session, page 1"));
    CHECK_FALSE(f.to_do.empty());
    CHECK(w.http.requests.size() == 1);
}

TEST_CASE("a place at another server is never asked, whoever gives it", "[connectors]")
{
    wonde_school_fixture w;
    const auto got = w.fetch(marks, "https://evil.example/v1.0/schools/A1000900001/attendance/session");
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::page_malformed);
    CHECK(w.http.requests.empty());
}

TEST_CASE("a list whose pages lead back ends as a failure", "[connectors]")
{
    wonde_school_fixture w;
    const std::string b = wonde_school + "/attendance/session?b";
    const std::string c = wonde_school + "/attendance/session?c";
    w.http.answer(marks_url, paged(R"({"next":")" + b + R"(","more":true})"));
    w.http.answer(b, paged(R"({"next":")" + c + R"(","more":true})"));
    w.http.answer(c, paged(R"({"next":")" + b + R"(","more":true})"));
    REQUIRE(w.fetch(marks));
    REQUIRE(w.fetch(marks, b));
    const auto third = w.fetch(marks, c);
    REQUIRE_FALSE(third);
    CHECK_THAT(third.error().what, Contains("already had") && Contains("page 3"));
}

TEST_CASE("an empty list is fine, and so are an empty last page and one that says more is false", "[connectors]")
{
    wonde_school_fixture w;
    const auto pagination = GENERATE(
        as<std::string>(),
        R"({"next":null,"more":false})",
        R"({"next":null})",
        R"({"next":"https://evil.example/","more":false})"
    );
    w.http.answer(marks_url, paged(pagination));
    const auto got = w.fetch(marks);
    REQUIRE(got);
    CHECK(got->rows == 0);
    CHECK_FALSE(got->next);
}

TEST_CASE("numbered pages that do not agree with what was asked are refused", "[connectors]")
{
    const auto [body, message] = GENERATE(table<std::string, std::string>({
        {R"({"data":[],"page":2,"pages":3})", "another page than was asked for"},
        {R"({"data":[],"pages":3})", "another page than was asked for"},
        {R"({"data":[],"page":1})", "how many pages"},
        {R"({"data":[],"page":1,"pages":-1})", "how many pages"},
    }));
    fake_http http;
    http.answer("https://cpoms.example.test/v1/students?page=1&per_page=100", body);
    const auto source = connect("safeguarding", safeguarding_source(), http);
    const auto got = run(source->fetch_page(0, {}, {}));
    REQUIRE_FALSE(got);
    CHECK_THAT(got.error().what, Contains(message));
}

TEST_CASE("numbered pages are read to the last, also when there are none", "[connectors]")
{
    fake_http http;
    const std::string url = "https://cpoms.example.test/v1/students?page=";
    http.answer(url + "1&per_page=100", R"({"data":[],"page":1,"pages":2})");
    http.answer(url + "2&per_page=100", R"({"data":[],"page":2,"pages":2})");
    const auto source = connect("safeguarding", safeguarding_source(), http);
    const auto first = run(source->fetch_page(0, {}, {}));
    REQUIRE(first);
    REQUIRE(first->next == std::optional<std::string>("2"));
    const auto second = run(source->fetch_page(0, {}, first->next));
    REQUIRE(second);
    CHECK_FALSE(second->next);
    http.answers.clear();
    http.answer(url + "1&per_page=100", R"({"data":[],"page":1,"pages":0})");
    CHECK_FALSE(run(source->fetch_page(0, {}, {}))->next);
}

TEST_CASE("a status says who must act", "[connectors]")
{
    const auto [status, code] = GENERATE(table<int, errc>({
        {401, errc::source_refused},
        {403, errc::source_refused},
        {429, errc::source_throttled},
        {408, errc::source_unreachable},
        {500, errc::source_unreachable},
        {503, errc::source_unreachable},
        {404, errc::source_misconfigured},
        {400, errc::source_misconfigured},
        {405, errc::source_misconfigured},
        {422, errc::source_misconfigured},
        {302, errc::source_misconfigured},
        {204, errc::page_malformed},
    }));
    CAPTURE(status);
    wonde_school_fixture w;
    const failure f = w.refused("<html>Busy</html>", status, "text/html");
    CHECK(f.code == code);
    CHECK_THAT(
        f.what, Contains("GET /schools/{school_id}/attendance/session, page 1") && Contains(std::to_string(status))
    );
    CHECK_FALSE(f.to_do.empty());
}

TEST_CASE("a page further on that is refused names its number, and a dead link is the source's fault", "[connectors]")
{
    const auto [status, code] = GENERATE(table<int, errc>({
        {401, errc::source_refused}, // the token ran out between two pages
        {429, errc::source_throttled},
        {404, errc::page_malformed},
        {422, errc::page_malformed},
    }));
    CAPTURE(status);
    wonde_school_fixture w;
    w.http.answer(marks_url, fixture("wonde/session-marks-1.json"));
    w.http.answer(wonde_school + "/attendance/session?cursor=abc&per_page=2", "{}", status);
    const auto first = w.fetch(marks);
    REQUIRE(first);
    const auto second = w.fetch(marks, first->next);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == code);
    CHECK_THAT(second.error().what, Contains("page 2") && !Contains("cursor"));
}

TEST_CASE("a list longer than its manifest allows ends as a failure", "[connectors]")
{
    fake_http http;
    manifest m = shipped("safeguarding");
    m.pages_max = 2;
    const secret_reader secrets = [](const secret_reference&) -> result<std::string> { return std::string("s3cret"); };
    auto source = make_rest_connector(std::move(m), safeguarding_source(), secrets, http);
    REQUIRE(source);
    for (const std::string page : {"1", "2"})
        http.answer(
            "https://cpoms.example.test/v1/students?page=" + page + "&per_page=100",
            R"({"data":[],"pages":9,"page":)" + page + "}"
        );
    const auto first = run((*source)->fetch_page(0, {}, {}));
    REQUIRE(first);
    const auto second = run((*source)->fetch_page(0, {}, first->next));
    REQUIRE_FALSE(second);
    CHECK_THAT(second.error().what, Contains("more than 2 pages"));
}

TEST_CASE("an answer that is no page is refused with what is wrong with it", "[connectors]")
{
    const auto [body, type, message] = GENERATE(table<std::string, std::string, std::string>({
        {"<!DOCTYPE html><p>Blocked", "text/html", "looks like a filter or a log-in page"},
        {" <html>", "application/json", "looks like a filter or a log-in page"},
        {"a,b", "text/csv", "content type is not JSON"},
        {"", "application/json", "is empty"},
        {" \n", "application/json", "is empty"},
        {R"({"data":[{"id":"M1")", "application/json", "is cut short (byte 19)"},
        {R"({"data":[)", "application/json", "is cut short"},
        {R"({"data":[],})", "application/json", "is not JSON"},
        {R"({"data":[]} {})", "application/json", "is not JSON"},
        {"{\"data\":[\"\xff\"]}", "application/json", "is not valid UTF-8 (byte 10)"},
        {R"({"data":["\udc00"]})", "application/json", "half a character"},
        {R"({"data":["\ud800"]})", "application/json", "is not JSON"},
        {std::string(65, '['), "application/json", "is nested too deep"},
        {R"({"success":false})", "application/json", R"(there is no "data")"},
        {R"({"data":{},"meta":{"pagination":{"next":null}}})", "application/json", R"("data" is not a list)"},
        {R"({"meta":{"pagination":{"next":null}}})", "application/json", R"(there is no "data")"},
    }));
    CAPTURE(body, type);
    wonde_school_fixture w;
    const failure f = w.refused(body, 200, type);
    CHECK(f.code == errc::page_malformed);
    CHECK_THAT(f.what, Contains(message) && Contains("page 1"));
    CHECK_FALSE(f.to_do.empty());
}

TEST_CASE("a byte order mark and escaped characters are read", "[connectors]")
{
    wonde_school_fixture w;
    w.http.answer(
        marks_url, "\xef\xbb\xbf" + row_page(mark_row(R"("comment":null)", R"("comment":"\ud83d\ude00 \\udc00")"))
    );
    const auto got = w.fetch(marks);
    REQUIRE(got);
    CHECK(got->marks[0].comment == "\xf0\x9f\x98\x80 \\udc00");
}

TEST_CASE("a failure of the network keeps its class and gains the place", "[connectors]")
{
    wonde_school_fixture w;
    w.http.answers[marks_url].push_back(failure(errc::source_unreachable, "no answer in 60 s", "Check the network."));
    const auto got = w.fetch(marks);
    REQUIRE_FALSE(got);
    CHECK(got.error().what == "GET /schools/{school_id}/attendance/session, page 1: no answer in 60 s");
    CHECK(got.error().code == errc::source_unreachable);
    CHECK(got.error().to_do == "Check the network.");
}

TEST_CASE("a run looks up the code list and the source's own count", "[connectors]")
{
    wonde_school_fixture w;
    CHECK(w.source->total(what::pupil) == std::optional<std::int64_t>(3));
    CHECK_FALSE(w.source->total(what::session_mark));
    const auto facts = w.source->facts();
    REQUIRE(facts.size() == 2);
    CHECK(facts[0].name == "code-list");
    CHECK_THAT(
        facts[0].value,
        Contains(R"({"description":"Late bus","id":"C4","raw":"Q9","statutory":"L"})") &&
            Contains(R"({"description":"No reason yet","id":"C6","raw":"N","statutory":"N"})")
    );
    CHECK(facts[1].name == "mapping");
    CHECK_THAT(facts[1].value, Contains(R"("manifest":"wonde")") && Contains(R"("sha256":")"));
}

TEST_CASE(
    "a code list that fails keeps the marks unread and nothing else, a count that is refused keeps nothing back",
    "[connectors]"
)
{
    fake_http http;
    const auto source = connect("wonde", wonde_source(), http);
    http.answer(counts_url, "{}", 403);
    SECTION("refused count")
    {
        http.answer(codes_url, fixture("wonde/attendance-codes.json"));
        CHECK(run(source->begin_run()));
        CHECK_FALSE(source->total(what::pupil));
    }
    SECTION("refused code list")
    {
        http.answer(codes_url, "{}", 403);
        REQUIRE(run(source->begin_run()));
        const auto got = run(source->fetch_page(marks, std::nullopt, std::nullopt));
        REQUIRE_FALSE(got);
        CHECK(got.error().code == errc::source_refused);
        CHECK_THAT(got.error().what, Contains("GET /schools/{school_id}/attendance-codes, page 1"));
        http.answer(students_url, fixture("wonde/students-2.json"));
        CHECK(run(source->fetch_page(students, std::nullopt, std::nullopt)));
    }
    SECTION("code list that cannot be reached now")
    {
        http.answer(codes_url, "", 503);
        const auto begun = run(source->begin_run());
        REQUIRE_FALSE(begun);
        CHECK(begun.error().code == errc::source_unreachable);
    }
    SECTION("code without id")
    {
        http.answer(codes_url, R"({"data":[{"code":"/"}]})");
        REQUIRE(run(source->begin_run()));
        const auto got = run(source->fetch_page(marks, std::nullopt, std::nullopt));
        REQUIRE_FALSE(got);
        CHECK_THAT(got.error().what, Contains("row 0: key (id) is missing"));
    }
}

TEST_CASE("the token is read afresh at each run and goes out as a bearer token", "[connectors]")
{
    fake_http http;
    http.answer(codes_url, fixture("wonde/attendance-codes.json"));
    http.answer(counts_url, fixture("wonde/counts.json"));
    std::string token = "first";
    const secret_reader secrets = [&](const secret_reference&) -> result<std::string> { return token; };
    auto made = make_rest_connector(shipped("wonde"), wonde_source(), secrets, http);
    REQUIRE(made);
    REQUIRE(run((*made)->begin_run()));
    CHECK(http.requests.back().headers[1] == "Authorization: Bearer first");
    token = "second";
    REQUIRE(run((*made)->begin_run()));
    CHECK(http.requests.back().headers[1] == "Authorization: Bearer second");
    token = "third\r\nX-Evil: 1";
    const auto begun = run((*made)->begin_run());
    REQUIRE_FALSE(begun);
    CHECK_THAT(begun.error().what, Contains("longer than one line") && !Contains("third"));
}

TEST_CASE("the fingerprint follows what shapes the answer and not the page's size", "[connectors]")
{
    fake_http http;
    const auto print = [&](const std::string& key, setting value) {
        auto source = wonde_source();
        source.settings[key] = std::move(value);
        return connect("wonde", source, http)->fingerprint(marks);
    };
    const std::string plain = connect("wonde", wonde_source(), http)->fingerprint(marks);
    CHECK(print("per_page", given(std::int64_t(100))) == plain);
    CHECK(print("school_id", given(std::string("A2"))) != plain);
    CHECK(print("date_from_param", given(std::string("date_after"))) != plain);
    CHECK(connect("wonde", wonde_source(), http)->fingerprint(students) != plain);
}

namespace {

// Knows the pages that a test says.
class scripted_memory final : public page_memory {
public:
    std::optional<page> known(const std::string& place, std::uint64_t digest) override
    {
        asked.emplace_back(place, digest);
        const auto at = pages.find({place, digest});
        if (at == pages.end()) return std::nullopt;
        page out;
        out.again = true;
        out.rows = 7;
        out.next = at->second;
        return out;
    }
    std::optional<std::string> next_of(const std::string& place) const override
    {
        const auto at = after.find(place);
        return at == after.end() ? std::nullopt : std::optional(at->second);
    }
    std::vector<std::pair<std::string, std::uint64_t>> asked;
    std::map<std::string, std::string> after;
    std::map<std::pair<std::string, std::uint64_t>, std::optional<std::string>> pages;
};

} // namespace

TEST_CASE(
    "a page of marks that is known by its bytes is handed out without its rows, and the list goes on", "[connectors]"
)
{
    wonde_school_fixture w;
    const std::string second = wonde_school + "/attendance/session?cursor=abc&per_page=2";
    w.http.answer(marks_url, fixture("wonde/session-marks-1.json"));
    w.http.answer(second, fixture("wonde/session-marks-2.json"));
    scripted_memory memory;
    w.source->use_memory(&memory);
    const auto first = w.fetch(marks);
    REQUIRE(first);
    CHECK_FALSE(first->again);
    CHECK(first->place.empty());
    REQUIRE(memory.asked.size() == 1);
    CHECK(memory.asked[0].second == first->digest);

    memory.pages[memory.asked[0]] = first->next;
    w.http.requests.clear();
    const auto again = w.fetch(marks);
    REQUIRE(again);
    CHECK(again->again);
    CHECK(again->marks.empty());
    CHECK(again->next == second);
    CHECK(w.http.urls() == lines{marks_url, second}); // the next page is under way
    REQUIRE(w.fetch(marks, again->next));

    // A page whose list would lead back is no page, known or not.
    memory.pages[{second, w.fetch(marks, second)->digest}] = second;
    REQUIRE(w.fetch(marks));
    CHECK_FALSE(w.fetch(marks, second));
}

TEST_CASE(
    "the page that came after is asked for with the one before it, until the list goes another way", "[connectors]"
)
{
    wonde_school_fixture w;
    const std::string second = wonde_school + "/attendance/session?cursor=abc&per_page=2";
    const std::string other = wonde_school + "/attendance/session?cursor=before&per_page=2";
    w.http.answer(marks_url, fixture("wonde/session-marks-1.json"));
    w.http.answer(second, fixture("wonde/session-marks-2.json"));
    w.http.answer(other, fixture("wonde/session-marks-2.json"));
    scripted_memory memory;
    w.source->use_memory(&memory);

    memory.after = {{"", second}, {second, other}};
    auto first = w.fetch(marks);
    REQUIRE(first);
    CHECK(w.http.urls() == lines{marks_url, second}); // one at most beside the page that is waited for
    w.http.requests.clear();
    REQUIRE(w.fetch(marks, first->next));
    CHECK(w.http.urls() == lines{other});

    // It ends there now: what was asked for in vain is not counted, and the next read looks again.
    w.http.requests.clear();
    memory.after = {{"", other}, {second, other}};
    first = w.fetch(marks);
    REQUIRE(first);
    CHECK(first->next == second);
    CHECK(w.http.urls() == lines{marks_url, other, second});
    const auto last = w.fetch(marks, first->next);
    REQUIRE(last);
    CHECK_FALSE(last->next);
    CHECK(w.http.urls() == lines{marks_url, other, second});
}

TEST_CASE("another code list, window or list is another page, though its bytes are the same", "[connectors]")
{
    wonde_school_fixture w;
    w.http.answer(marks_url, fixture("wonde/session-marks-2.json"));
    scripted_memory memory;
    w.source->use_memory(&memory);
    const auto digest = [&](std::optional<civil_day> from = {}) { return w.fetch(marks, {}, from)->digest; };
    const auto usual = digest();
    CHECK(digest() == usual);
    CHECK(digest(parse_day("2025-10-09")) != usual);
    std::string codes = fixture("wonde/attendance-codes.json");
    codes.replace(codes.find("\"Q9\""), 4, "\"Q8\"");
    w.http.answers[codes_url].clear();
    w.http.answer(codes_url, codes);
    REQUIRE(run(w.source->begin_run()));
    CHECK(digest() != usual);
    // Records are not remembered: there are few, and what they are held as is not compared by session.
    w.http.answer(behaviours_url, fixture("wonde/behaviours.json"));
    const auto asked = memory.asked.size();
    REQUIRE(w.fetch(behaviours));
    CHECK(memory.asked.size() == asked);
}

TEST_CASE("mapping a page of 200 marks takes microseconds", "[.timing]")
{
    std::string rows;
    for (int i = 0; i < 200; ++i)
        rows += (i ? "," : "") + mark_row(R"("id":"M1")", R"("id":"A30000)" + std::to_string(100 + i) + '"');
    const std::string body = row_page(rows);
    wonde_school_fixture w;
    constexpr int rounds = 2000;
    double best = 1e9;
    for (int batch = 0; batch < 10; ++batch) {
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < rounds / 10; ++i) {
            w.http.answers.clear();
            w.http.requests.clear();
            w.http.answer(marks_url, body);
            REQUIRE(w.fetch(marks)->marks.size() == 200);
        }
        const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
        best = std::min(best, took.count() / (rounds / 10));
    }
    WARN(body.size() << " bytes: " << best << " us a page, with the fake client");
}
