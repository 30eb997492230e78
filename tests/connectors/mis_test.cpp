// Emulators of Bromcom, iSAMS (REST and Batch), Go4Schools, ScholarPack and Xporter, written from the facts sheet.
#include "tests/connectors/loopback.hpp"

#include "tests/connectors/printing.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::test;
using Catch::Matchers::Contains;
using lines = std::vector<std::string>;

namespace {

const std::string reader_token = "Bearer s3cret-key";

reply bromcom(const seen_request& r)
{
    if (r.header("applicationid") != "s3cret-id" || r.header("applicationsecret") != "s3cret-secret")
        return reply("", 401);
    const std::string filter = r.param("entityFilter");
    const auto brace = filter.find("{page:");
    const bool first = filter.substr(brace) == "{page:0}";
    // 200 whatever happened: the envelope says it
    if (r.param("schoolId") != "77") return reply(R"({"success":false,"data":null})");
    if (r.path == "/BehaviourEvents")
        return reply(R"({"success":true,"data":[{"eventId":3,"eventName":"Late to lesson ","eventDescription":""}]})");
    if (r.path == "/StudentFlatView")
        return reply(
            first
                ? R"({"success":true,"data":[{"studentId":501,"upn":"H123456789012","admissionNumber":"007123","preferredFirstName":"Ana ","firstName":"Anastasia","lastName":"Ahmed","yearGroup":"9","tutorGroupName":"NoTutorGrp"},)"
                  R"({"studentId":502,"upn":null,"admissionNumber":"7","preferredFirstName":null,"firstName":"Sam","lastName":"Brown","yearGroup":"8","tutorGroupName":"8B "}]})"
                : R"({"success":true,"data":[{"studentId":502,"upn":null,"admissionNumber":"7","firstName":"Sam","lastName":"Brown","yearGroup":"8","tutorGroupName":"8B"}]})"
        );
    if (r.path == "/BasicAttendance") {
        if (filter.find("calendarStartDate>='2026-09-07T00:00:00'") == filter.npos || !first)
            return reply(R"({"success":true,"data":[]})");
        return reply(
            R"({"success":true,"data":[{"studentId":501,"calendarStartDate":"2026-09-07T00:00:00","mark":"/ ","periodDisplayName":"AM Reg","attendanceComment":null},)"
            R"({"studentId":501,"calendarStartDate":"2026-09-07T00:00:00","mark":"N","periodDisplayName":"Period 1","attendanceComment":null}]})"
        );
    }
    if (r.path == "/BehaviourEventRecords" && first)
        return reply(
            R"({"success":true,"data":[{"eventRecordId":9,"studentId":501,"eventId":3,"eventDate":"2026-09-07T10:00:00","adjustment":-1,"comment":"words","internalComment":null}]})"
        );
    return reply(R"({"success":true,"data":[]})");
}

reply isams(const seen_request& r)
{
    if (r.path == "/auth/connect/token")
        return r.body.find("scope") == std::string::npos
                   ? reply(R"({"access_token":"abc","expires_in":3600,"token_type":"Bearer"})")
                   : reply(R"({"error":"invalid_scope"})", 400);
    if (r.header("authorization") != "Bearer abc") return reply("", 401);
    const std::string page = r.param("page");
    const std::string rows = page == "1"
                                 ? R"({"schoolId":"S1","forename":"Ana","surname":"Ahmed","dob":"2011-01-09T00:00:00"})"
                                 : R"({"schoolId":"S2","forename":"Sam","surname":"Brown","dob":null})";
    return reply(R"({"students":[)" + rows + R"(],"totalCount":2,"page":)" + page + R"(,"totalPages":2})");
}

reply isams_batch(const seen_request& r)
{
    reply out;
    out.type = "text/xml";
    // declared as UTF-16, and is not
    const std::string declared = R"(<?xml version="1.0" encoding="utf-16"?>)";
    if (r.param("apiKey") != "s3cret-key") {
        out.body = declared + "<Message><MessageId>1</MessageId><MessageName>InvalidApiKey</MessageName></Message>";
        return out;
    }
    if (r.body.find("PupilManager_GetCurrentPupils") != std::string::npos)
        out.body =
            declared +
            R"(<iSAMS><PupilManager><CurrentPupils><Pupil Id="1" PersonId="11"><UPN>H123456789012</UPN><SchoolCode>007</SchoolCode><SchoolId>S1</SchoolId><Forename>Zoë</Forename><Surname>Brück &amp; Co</Surname><DOB>2011-01-09T00:00:00</DOB><Form>9B</Form><NCYear>9</NCYear><New thing="1"/></Pupil></CurrentPupils></PupilManager></iSAMS>)";
    else if (r.body.find(R"(<RegistrationStatus StartDate="2026-09-01")") != std::string::npos)
        out.body =
            R"(<iSAMS><RegistrationManager><RegistrationStatuses><RegistrationStatus Id="5"><PupilId>1</PupilId><Date>2026-09-07T00:00:00</Date><Session>1</Session><Code>L</Code><MinutesLate>4</MinutesLate></RegistrationStatus></RegistrationStatuses></RegistrationManager></iSAMS>)";
    else
        out.body = "<iSAMS><RewardsAndConduct><Records/></RewardsAndConduct></iSAMS>";
    return out;
}

reply go4schools(const seen_request& r)
{
    if (r.header("authorization") != reader_token) return reply("{}", 401);
    const std::string base = "/customer/v1/academic-years/2027/";
    if (r.path == base + "attendance/codes")
        return reply(
            R"({"attendance_codes":[{"code":"/","description":"Present"},{"code":"L","description":"Late"}],"has_more":false})"
        );
    if (r.path == base + "behaviour/event-types")
        return reply(R"({"event_types":[{"id":4,"name":"Disruption"}],"has_more":false})");
    if (r.path == base + "behaviour/events/date/2026-09-07")
        return reply(R"({"errors":["The behaviour module is under embargo"]})", 403);
    if (r.path == base + "attendance/student-session-marks/date/2026-09-07") {
        const std::string mark =
            r.param("cursor").empty()
                ? R"({"student_id":1,"date":"2026-09-07","session":"AM","mark":"/","alias_mark":null})"
                : R"({"student_id":1,"date":"2026-09-07","session":"PM","mark":"/","alias_mark":"L","minutes_late":3})";
        return reply(
            R"({"student_session_marks":[)" + mark +
            (r.param("cursor").empty() ? R"(],"has_more":true,"cursor":17})" : R"(],"has_more":false,"cursor":18})")
        );
    }
    if (r.path == base + "attendance/student-session-marks/date/2026-09-08")
        return reply(R"({"errors":["The school is not open on this date"]})", 400);
    if (r.path.starts_with(base + "attendance/student-session-marks/date/"))
        return reply(R"({"student_session_marks":[],"has_more":false,"cursor":null})");
    return reply("{}", 404);
}

reply scholarpack(const seen_request& r)
{
    if (r.header("authorization") != "Bearer s3cret-token") return reply("{}", 401);
    const std::string page = r.param("page");
    const std::string more = page == "1" ? "true" : "false";
    const std::string row =
        r.path == "/api/v1/students/"
            ? R"({"id":)" + page + R"(,"upn":"H12345678901)" + page + R"(","surname":"Ahmed","forename":"Ana"})"
            : R"({"id":)" + page + R"(,"student_id":1,"date":"2026-09-07","session":"AM","mark":"/"})";
    return reply(
        R"({"has_next":)" + more + R"(,"has_prev":false,"page":)" + page + R"(,"pages":2,"per_page":1,"data":[)" + row +
        "]}"
    );
}

reply xporter(const seen_request& r)
{
    if (r.path == "/idaas/sts/STS/GetToken") {
        const bool right =
            r.header("content-type") == "application/json" &&
            r.body.find(R"("password":"s3cret-school","relyingParty":"app.example","thirdpartyid":"XporterOnDemand")"
            ) != std::string::npos;
        return right ? reply(R"({"token":"idt","expires":"later"})") : reply("{}", 403);
    }
    if (r.header("authorization") != "Idaas idt") return reply("", 401);
    const bool delta = !r.param("changedRows").empty();
    const std::string rows =
        delta
            ? R"({"Id":2,"ChangeType":"D"})"
            : R"({"Id":1,"UPN":"H123456789012","Surname":"Ahmed","Forename":"Ana"},{"Id":2,"Surname":"Brown","Forename":"Sam"})";
    return reply(
        R"({"Students":[)" + rows +
        R"(],"DbStatus":{"LastUpdated":"2026-09-09T02:00:00"},"Pagination":{"PageNumber":1,"PageCount":1}})"
    );
}

} // namespace

TEST_CASE("Bromcom's padded texts, repeated pupils and week-long slices come out right", "[connectors][bromcom]")
{
    loopback_server server(bromcom);
    setting_table settings = emulated(server);
    settings["school_id"] = given(std::string("77"));
    settings["application_id"] = secret_setting("id");
    settings["application_secret"] = secret_setting("secret");
    settings["rows_a_page"] = given(std::int64_t(2));
    live_source school(shipped("bromcom"), settings);
    REQUIRE(school.begin());
    const auto pupils = school.read("students");
    REQUIRE(pupils);
    REQUIRE(pupils->lines.size() == 3); // the third is the second again: reconciling counts it as a duplicate
    CHECK(
        pupils->lines[0] ==
        R"(pupil 501 [501] {"admission_number":"007123","forename":"Ana","legal_forename":"Anastasia","mis_id":"501","surname":"Ahmed","upn":"H123456789012","year":"9"})"
    );
    const auto marks = school.read("session-marks", parse_day("2026-08-31"));
    REQUIRE(marks);
    CHECK(marks->pages == 3); // a week without any, and a week whose full page is followed by an empty one
    CHECK(marks->lines == lines{"mark 501/2026-09-07T00:00:00/AM Reg [501] 2026-09-07 AM raw=/ code=/ late=-1"});
    CHECK_THAT(server.seen().back().param("entityFilter"), Contains("calendarStartDate<='2026-09-09T23:59:59'"));
    const auto behaviour = school.read("behaviour", parse_day("2026-09-07"));
    REQUIRE(behaviour);
    CHECK_THAT(behaviour->lines[0], Contains(R"("type":"Late to lesson")") && !Contains("words"));
    CHECK_THAT(behaviour->lines[1], Catch::StartsWith("involvement 9/501 [501]"));
}

TEST_CASE("a 200 of Bromcom that says it did not succeed is a failure and no empty list", "[connectors][bromcom]")
{
    loopback_server server(bromcom);
    setting_table settings = emulated(server);
    settings["school_id"] = given(std::string("78"));
    settings["application_id"] = secret_setting("id");
    settings["application_secret"] = secret_setting("secret");
    live_source school(shipped("bromcom"), settings);
    REQUIRE(school.begin());
    const auto pupils = school.read("students");
    REQUIRE_FALSE(pupils);
    CHECK(pupils.error().code == errc::page_malformed);
    CHECK_THAT(pupils.error().what, Contains("did not succeed"));
}

TEST_CASE("iSAMS pupils are read over REST without a scope and held against their total", "[connectors][isams]")
{
    loopback_server server(isams);
    setting_table settings = emulated(server);
    settings["client_id"] = given(std::string("app"));
    settings["client_secret"] = secret_setting("secret");
    live_source school(shipped("isams"), settings);
    REQUIRE(school.begin());
    const auto pupils = school.read("students");
    REQUIRE(pupils);
    CHECK(pupils->pages == 2);
    CHECK_THAT(pupils->lines[0], Contains(R"("date_of_birth":"2011-01-09")"));
}

TEST_CASE("iSAMS Batch is read though it declares UTF-16, and one month's marks at once", "[connectors][isams]")
{
    loopback_server server(isams_batch);
    setting_table settings = emulated(server);
    settings["api_key"] = secret_setting("key");
    live_source school(shipped("isams-batch"), settings);
    REQUIRE(school.begin());
    const auto pupils = school.read("students");
    REQUIRE(pupils);
    CHECK(
        pupils->lines ==
        lines{
            R"(pupil 1 [1] {"admission_number":"007","date_of_birth":"2011-01-09","forename":"Zoë","legal_forename":"Zoë","legal_surname":"Brück & Co","mis_id":"S1","registration_group":"9B","surname":"Brück & Co","upn":"H123456789012","year":"9"})"}
    );
    const auto marks = school.read("session-marks", parse_day("2026-09-01"));
    REQUIRE(marks);
    CHECK(marks->lines == lines{"mark 5 [1] 2026-09-07 AM raw=L code=L late=4"});
    const auto conduct = school.read("conduct", parse_day("2026-09-01"));
    REQUIRE(conduct); // an element without records is an empty list
    CHECK(conduct->lines.empty());
}

TEST_CASE("iSAMS Batch's error messages are told apart by who can mend them", "[connectors][isams]")
{
    const auto [body, code] = GENERATE(table<std::string, errc>({
        {"<Message><MessageId>1</MessageId><MessageName>InvalidApiKey</MessageName></Message>", errc::source_refused},
        {"<Message><MessageId>1</MessageId><Description>Unknown Error. Rerun the transaction.</Description></Message>",
         errc::source_unreachable},
        {"<Message><MessageId>1</MessageId><Title>Something else</Title></Message>", errc::page_malformed},
    }));
    reply answer(body);
    answer.type = "text/xml";
    loopback_server server([&](const seen_request&) { return answer; });
    setting_table settings = emulated(server);
    settings["api_key"] = secret_setting("key");
    live_source school(shipped("isams-batch"), settings);
    const auto got = school.read("students");
    REQUIRE_FALSE(got);
    CHECK(got.error().code == code);
    CHECK_THAT(got.error().what, !Contains("s3cret"));
}

TEST_CASE(
    "Go4Schools is read day by day, a closed day has no marks and an embargo asks for a person",
    "[connectors][go4schools]"
)
{
    loopback_server server(go4schools);
    setting_table settings = emulated(server);
    settings["academic_year"] = given(std::string("2027"));
    settings["key"] = secret_setting("key");
    live_source school(shipped("go4schools"), settings);
    REQUIRE(school.begin());
    const auto marks = school.read("session-marks", parse_day("2026-09-07"));
    REQUIRE(marks);
    CHECK(
        marks->lines ==
        lines{
            "mark 1/2026-09-07/AM [1] 2026-09-07 AM raw=/ code=/ late=-1",
            "mark 1/2026-09-07/PM [1] 2026-09-07 PM raw=L code=L late=3"}
    );
    CHECK(marks->pages == 4); // two pages of the 7th, the 8th, and the 9th, which is today
    const auto behaviour = school.read("behaviour", parse_day("2026-09-07"));
    REQUIRE_FALSE(behaviour);
    CHECK(behaviour.error().code == errc::source_refused);
    CHECK_THAT(behaviour.error().to_do, Contains("embargo"));
}

TEST_CASE("ScholarPack's pages are followed by has_next", "[connectors][scholarpack]")
{
    loopback_server server(scholarpack);
    setting_table settings = emulated(server);
    settings["token"] = secret_setting("token");
    live_source school(shipped("scholarpack"), settings);
    REQUIRE(school.begin());
    const auto pupils = school.read("students");
    REQUIRE(pupils);
    CHECK(pupils->lines.size() == 2);
    const auto marks = school.read("session-marks", parse_day("2026-09-07"));
    REQUIRE(marks);
    CHECK(marks->lines.size() == 2);
    CHECK(server.seen().back().param("date_from") == "2026-09-07");
}

TEST_CASE("Xporter is logged in to for its token, read in full once, and by change set after", "[connectors][xporter]")
{
    loopback_server server(xporter);
    setting_table settings = emulated(server);
    settings["login_url"] = given(server.url());
    settings["estab"] = given(std::string("1234567"));
    settings["relying_party"] = given(std::string("app.example"));
    settings["password"] = secret_setting("school");
    live_source school(shipped("xporter"), settings);
    REQUIRE(school.begin());
    const auto all = school.read("students");
    REQUIRE(all);
    CHECK(all->lines.size() == 2);
    const auto changes = school.read("students", {}, school.source->bookmark(0));
    REQUIRE(changes);
    CHECK(changes->lines.empty());
    CHECK(changes->gone == lines{"pupil 2"});
    CHECK(server.seen().back().param("changedRows") == "2026-09-09T11:00:00Z");
}
