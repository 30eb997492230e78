// Arbor's emulator, written from the facts sheet: GraphQL with pages, the REST changelog, permission gaps.
#include "tests/connectors/loopback.hpp"

#include "tests/connectors/printing.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::test;
using Catch::Matchers::Contains;
using lines = std::vector<std::string>;

namespace {

struct arbor {
    bool gap = false;        // the application may not read notes
    bool silent_gap = false; // what changed is not shown

    static bool asks(const seen_request& r, const std::string& entity)
    {
        return r.body.find("{ " + entity + " (") != std::string::npos;
    }

    reply operator()(const seen_request& r) const
    {
        // "reader" and "s3cret-password" of HTTP Basic
        if (r.header("authorization") != "Basic cmVhZGVyOnMzY3JldC1wYXNzd29yZA==") return reply("", 401);
        if (r.path == "/rest-v2/students/changelog")
            return reply(
                R"({"response":{"success":true},"changes":[)"
                R"({"changeType":"update","changedObject":{"entityType":"Student","href":"/rest-v2/students/12"},"fromRevision":90,"toRevision":95},)"
                R"({"changeType":"delete","changedObject":{"entityType":"Student","href":"/rest-v2/students/13"},"fromRevision":95,"toRevision":97}]})"
            );
        if (r.path != "/graphql/query" || r.method != "POST") return reply("", 404);
        const bool first = r.body.find(R"("page_num":1)") != std::string::npos;
        if (asks(r, "AttendanceMark") && !first) return reply(R"({"data":{"AttendanceMark":[]}})");
        if (asks(r, "AttendanceMark"))
            return reply(
                R"({"data":{"AttendanceMark":[{"id":"1","code":"PRESENT","attendanceMark":"/","markDescription":"Present","active":true},)"
                R"({"id":"2","code":"LATE","attendanceMark":"L","markDescription":"Late","active":true}]}})"
            );
        if (asks(r, "Student") && r.body.find(R"("id":"12")") != std::string::npos)
            return reply(
                silent_gap ? R"({"data":{"Student":[]}})"
                           : R"({"data":{"Student":[{"id":"12","revisionId":95,"studentNumber":"007",)"
                             R"("person":{"legalLastName":"Ahmed","legalFirstName":"Anna"}}]}})"
            );
        if (asks(r, "Student"))
            return reply(
                first
                    ? R"({"data":{"Student":[{"id":"12","revisionId":80,"studentNumber":"007","person":{"legalLastName":"Ahmed","legalFirstName":"Ana","preferredLastName":null,"preferredFirstName":null,"dateOfBirth":"2011-01-09"}},)"
                      R"({"id":"13","revisionId":90,"studentNumber":null,"person":{"legalLastName":"Brown","legalFirstName":"Sam","dateOfBirth":null}}]}})"
                    : R"({"data":{"Student":[{"id":"14","revisionId":60,"person":{"legalLastName":"Cole","legalFirstName":"Kit"}}]}})"
            );
        if (asks(r, "AttendanceRollCallRecord"))
            return reply(
                R"({"data":{"AttendanceRollCallRecord":[{"id":"91","recordDate":"2026-09-07","student":{"id":"12"},"attendanceMark":{"code":"LATE"},"minutesLate":7,"attendanceRollCall":{"attendanceRegisterType":{"isMorning":true,"isAfternoon":false}}}]}})"
            );
        if (asks(r, "BehaviouralIncident"))
            return reply(
                R"({"data":{"BehaviouralIncident":[{"id":"5","incidentName":"Disruption","incidentDatetime":"2026-09-07 10:15:00","severity":"2","involvements":[{"id":"51","severity":"Low","student":{"id":"12"}},{"id":"52","severity":null,"student":{"id":"14"}}]}]}})"
            );
        if (gap)
            return reply(
                R"({"data":null,"errors":[{"message":"You do not have access to `SafeguardingNote.dateLogged`"}]})"
            );
        return reply(
            R"({"data":{"SafeguardingNote":[{"id":"7","dateLogged":"2026-09-08 09:00:00","student":{"id":"12"}}]}})"
        );
    }
};

struct arbor_school {
    explicit arbor_school(arbor a = {}) : server(a), source(shipped("arbor"), settings()) {}
    setting_table settings() const
    {
        setting_table out = emulated(server);
        out["user"] = given(std::string("reader"));
        out["password"] = secret_setting("password");
        out["per_page"] = given(std::int64_t(2));
        return out;
    }
    loopback_server server;
    live_source source;
};

} // namespace

TEST_CASE("Arbor's pupils, marks and incidents are read by GraphQL, page by page", "[connectors][arbor]")
{
    arbor_school school;
    REQUIRE(school.source.begin());
    const auto pupils = school.source.read("students");
    REQUIRE(pupils);
    CHECK(pupils->pages == 2);
    CHECK(
        pupils->lines ==
        lines{
            R"(pupil 12 [12] {"admission_number":"007","date_of_birth":"2011-01-09","forename":"Ana","legal_forename":"Ana","legal_surname":"Ahmed","mis_id":"12","surname":"Ahmed"})",
            R"(pupil 13 [13] {"forename":"Sam","legal_forename":"Sam","legal_surname":"Brown","mis_id":"13","surname":"Brown"})",
            R"(pupil 14 [14] {"forename":"Kit","legal_forename":"Kit","legal_surname":"Cole","mis_id":"14","surname":"Cole"})"}
    );
    const auto marks = school.source.read("session-marks", parse_day("2026-09-07"));
    REQUIRE(marks);
    CHECK(marks->lines == lines{"mark 91 [12] 2026-09-07 AM raw=L code=L late=7"});
    CHECK_THAT(school.server.seen().back().body, Contains(R"("from":"2026-09-07")"));
    const auto incidents = school.source.read("incidents");
    REQUIRE(incidents);
    CHECK(
        incidents->lines ==
        lines{
            R"(incident 5 [] {"day":"2026-09-07","nature":"behaviour","status":"2","type":"Disruption"})",
            R"(involvement 5/12 [12] {"day":"2026-09-07","of":"incident","record":"5","role":"Low"})",
            R"(involvement 5/14 [14] {"day":"2026-09-07","of":"incident","record":"5"})"}
    );
    const auto notes = school.source.read("safeguarding-notes");
    REQUIRE(notes);
    CHECK(
        notes->lines ==
        lines{
            R"(concern 7 [] {"incident_at":"2026-09-08T09:00:00"})",
            R"(involvement 7/12 [12] {"of":"concern","record":"7"})"}
    );
}

TEST_CASE(
    "from a bookmark Arbor is asked for its changelog, for what changed, and for nothing else", "[connectors][arbor]"
)
{
    arbor_school school;
    REQUIRE(school.source.begin());
    REQUIRE(school.source.read("students"));
    const std::string bookmark = school.source.source->bookmark(school.source.number_of("students"));
    CHECK_THAT(bookmark, Catch::StartsWith("90,"));
    const std::size_t before = school.server.seen().size();
    const auto changes = school.source.read("students", {}, bookmark);
    REQUIRE(changes);
    CHECK(changes->gone == lines{"pupil 13"});
    REQUIRE(changes->lines.size() == 1);
    CHECK_THAT(changes->lines[0], Contains("Anna"));
    const auto seen = school.server.seen();
    REQUIRE(seen.size() == before + 2);
    CHECK(seen[before].param("from-revision") == "90");
    CHECK_THAT(school.source.source->bookmark(school.source.number_of("students")), Catch::StartsWith("97,"));
}

TEST_CASE(
    "a permission that Arbor's school did not give is named as one, and what it does not show is no change",
    "[connectors][arbor]"
)
{
    arbor emulator;
    emulator.gap = true;
    emulator.silent_gap = true;
    arbor_school school(emulator);
    REQUIRE(school.source.begin());
    const auto notes = school.source.read("safeguarding-notes");
    REQUIRE_FALSE(notes);
    CHECK(notes.error().code == errc::source_refused);
    CHECK_THAT(notes.error().to_do, Contains("arbor.md"));
    REQUIRE(school.source.read("session-marks"));
    REQUIRE(school.source.read("students"));
    const auto changes =
        school.source.read("students", {}, school.source.source->bookmark(school.source.number_of("students")));
    REQUIRE(changes);
    CHECK(changes->lines.empty());
    CHECK(changes->rejected.empty());
}
