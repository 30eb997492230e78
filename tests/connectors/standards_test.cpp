// Emulators of the two standards, written from the facts sheet: OneRoster 1.1 and 1.2, and an Ed-Fi ODS/API with change
// queries, deletes and tokens that run out.
#include "tests/connectors/loopback.hpp"

#include "tests/connectors/printing.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace rollbook;
using namespace rollbook::test;
using Catch::Matchers::Contains;
using lines = std::vector<std::string>;

namespace {

std::string joined_rows(const lines& rows, std::size_t offset, std::size_t limit)
{
    std::string out;
    for (std::size_t i = offset; i < std::min(rows.size(), offset + limit); ++i)
        out += (out.empty() ? "" : ",") + rows[i];
    return out;
}

// Gives tokens that are good for so many requests.
struct token_office {
    int given = 0;
    int good_for = 1000;
    int left = 0;

    std::optional<reply> refuse(const seen_request& r, const std::string& path)
    {
        if (r.path == path) {
            const bool right =
                r.method == "POST" &&
                r.body.starts_with("grant_type=client_credentials&client_id=app&client_secret=s3cret-secret");
            if (!right) return reply(R"({"error":"invalid_client"})", 400);
            ++given;
            left = good_for;
            return reply(
                R"({"access_token":"t)" + std::to_string(given) + R"(","token_type":"bearer","expires_in":3600})"
            );
        }
        if (r.header("authorization") != "Bearer t" + std::to_string(given) || left-- <= 0) return reply("{}", 401);
        return std::nullopt;
    }
};

struct one_roster {
    std::string base;
    token_office tokens;
    lines rows = {
        R"({"sourcedId":"u1","status":"active","dateLastModified":"2026-09-01T08:00:00.000Z","identifier":"4321","givenName":"Ana","familyName":"Ahmed"})",
        R"({"sourcedId":"u2","status":"tobedeleted","dateLastModified":"2026-09-02T08:00:00.000Z","givenName":"Sam","familyName":"Brown"})",
        R"({"sourcedId":"u3","status":"active","dateLastModified":"2026-09-03T08:00:00Z","givenName":"Kit","familyName":"Cole"})"};

    reply operator()(const seen_request& r)
    {
        if (auto refused = tokens.refuse(r, "/token")) return *refused;
        if (r.path != base + "/students") return reply("{}", 404);
        lines found = rows;
        if (!r.param("filter").empty()) found.erase(found.begin(), found.begin() + 2);
        reply out(
            R"({"users":[)" + joined_rows(found, std::stoul(r.param("offset")), std::stoul(r.param("limit"))) + "]}"
        );
        out.headers.emplace_back("X-Total-Count", std::to_string(found.size()));
        return out;
    }
};

setting_table with_client(const loopback_server& server, std::int64_t per_page)
{
    setting_table out = emulated(server);
    out["client_id"] = given(std::string("app"));
    out["client_secret"] = secret_setting("secret");
    out["per_page"] = given(per_page);
    return out;
}

struct ed_fi {
    std::shared_ptr<token_office> tokens = std::make_shared<token_office>();

    static reply counted(const lines& rows, const seen_request& r)
    {
        reply out("[" + joined_rows(rows, std::stoul(r.param("offset")), std::stoul(r.param("limit"))) + "]");
        out.headers.emplace_back("Total-Count", std::to_string(rows.size()));
        return out;
    }

    reply operator()(const seen_request& r) const
    {
        if (auto refused = tokens->refuse(r, "/oauth/token")) return *refused;
        if (r.path == "/changeQueries/v1/availableChangeVersions")
            return reply(R"({"oldestChangeVersion":1,"newestChangeVersion":500})");
        const std::string at = "/data/v3/ed-fi/";
        if (r.path == at + "attendanceEventCategoryDescriptors")
            return counted(
                {R"({"id":"d1","codeValue":"Tardy","namespace":"uri://ed-fi.org/AttendanceEventCategoryDescriptor","shortDescription":"Tardy"})",
                 R"({"id":"d2","codeValue":"Unexcused Absence","shortDescription":"Unexcused"})"},
                r
            );
        if (r.path == at + "students/keyChanges")
            return counted(
                {R"({"id":"9i","changeVersion":470,"oldKeyValues":{"studentUniqueId":"604801"},"newKeyValues":{"studentUniqueId":"604822"}})",
                 R"({"id":"9j","changeVersion":475,"oldKeyValues":{"studentUniqueId":"604822"},"newKeyValues":{"studentUniqueId":"604899"}})"},
                r
            );
        if (r.path == at + "students/deletes")
            return counted({R"({"id":"x","changeVersion":480,"keyValues":{"studentUniqueId":"604823"}})"}, r);
        if (r.path == at + "students") {
            lines rows = {
                R"({"id":"9f","studentUniqueId":"604822","firstName":"Ana","lastSurname":"Ahmed","birthDate":"2011-01-09"})",
                R"({"id":"9g","studentUniqueId":"604823","firstName":"Sam","lastSurname":"Brown","birthDate":"2011-02-09"})",
                R"({"id":"9h","studentUniqueId":"604824","firstName":"Kit","lastSurname":"Cole","birthDate":"2011-03-09"})"};
            if (!r.param("minChangeVersion").empty()) rows.resize(1);
            return counted(rows, r);
        }
        if (r.path == at + "studentSchoolAttendanceEvents")
            return counted(
                {R"({"id":"e1","studentReference":{"studentUniqueId":"604822"},"schoolReference":{"schoolId":255901001},"eventDate":"2026-09-07","attendanceEventCategoryDescriptor":"uri://ed-fi.org/AttendanceEventCategoryDescriptor#Unexcused Absence"})"},
                r
            );
        if (r.path == at + "disciplineIncidents")
            return counted(
                {R"({"id":"i1","incidentIdentifier":"1","schoolReference":{"schoolId":255901001},"incidentDate":"2026-09-07"})",
                 R"({"id":"i2","incidentIdentifier":"1","schoolReference":{"schoolId":255901002},"incidentDate":"2026-09-08"})"},
                r
            );
        if (r.path == at + "studentDisciplineIncidentBehaviorAssociations")
            return counted(
                {R"({"id":"a1","studentReference":{"studentUniqueId":"604822"},"disciplineIncidentReference":{"incidentIdentifier":"1","schoolId":255901001},"behaviorDescriptor":"uri://ed-fi.org/BehaviorDescriptor#Disruption"})"},
                r
            );
        return reply("{}", 404);
    }
};

} // namespace

TEST_CASE("OneRoster 1.1 and 1.2 give pupils, in pages by offset, and name what was deleted", "[connectors][oneroster]")
{
    const auto [name, base] = GENERATE(table<std::string, std::string>({
        {"oneroster-1-1", "/ims/oneroster/v1p1"},
        {"oneroster-1-2", "/ims/oneroster/rostering/v1p2"},
    }));
    CAPTURE(name);
    one_roster emulator;
    emulator.base = base;
    loopback_server server(emulator);
    setting_table settings = with_client(server, 2);
    settings["login_url"] = given(server.url());
    live_source school(shipped(name), settings);
    REQUIRE(school.begin());
    const auto all = school.read("students");
    REQUIRE(all);
    CHECK(all->pages == 2);
    CHECK(all->gone == lines{"pupil u2"});
    REQUIRE(all->lines.size() == 2);
    CHECK_THAT(all->lines[0], Contains(R"("forename":"Ana")") && Contains(R"("mis_id":"4321")"));
    const auto changes = school.read("students", {}, school.source->bookmark(0));
    REQUIRE(changes);
    CHECK(changes->lines.size() == 1);
    // An hour is read again on purpose, and the bookmark itself is inside.
    CHECK(server.seen().back().param("filter") == "dateLastModified>'2026-09-03T07:00:00Z'");
    // By what never changes: a pupil who is edited meanwhile would move others past the page that is asked for next.
    CHECK(server.seen().back().param("sort") == "sourcedId");
}

TEST_CASE("Ed-Fi's pupils, whole-day events and incidents are read with their totals held", "[connectors][ed-fi]")
{
    loopback_server server{ed_fi()};
    live_source school(shipped("ed-fi"), with_client(server, 2));
    REQUIRE(school.begin());
    const auto pupils = school.read("students");
    REQUIRE(pupils);
    CHECK(pupils->pages == 2);
    CHECK(pupils->lines.size() == 3);
    const auto marks = school.read("attendance-events");
    REQUIRE(marks);
    CHECK(
        marks->lines ==
        lines{
            "mark e1 [604822] 2026-09-07 AM raw=Unexcused Absence code=O late=-1",
            "mark e1 [604822] 2026-09-07 PM raw=Unexcused Absence code=O late=-1"}
    );
    const auto incidents = school.read("incidents");
    REQUIRE(incidents);
    CHECK_THAT(incidents->lines[0], Catch::StartsWith("incident 255901001/1 ")); // one number at two schools
    CHECK_THAT(incidents->lines[1], Catch::StartsWith("incident 255901002/1 "));
    const auto parts = school.read("involvements");
    REQUIRE(parts);
    CHECK(
        parts->lines == lines{R"(involvement a1 [604822] {"of":"incident","record":"255901001/1","role":"Disruption"})"}
    );
}

TEST_CASE("from a bookmark Ed-Fi is asked for the versions since, and then for what it deleted", "[connectors][ed-fi]")
{
    loopback_server server{ed_fi()};
    live_source school(shipped("ed-fi"), with_client(server, 2));
    REQUIRE(school.begin());
    REQUIRE(school.read("students"));
    const std::string bookmark = school.source->bookmark(school.number_of("students"));
    CHECK_THAT(bookmark, Catch::StartsWith("500,"));
    // Who changes while all are read is listed all the same.
    CHECK(server.seen().back().path == "/data/v3/ed-fi/students");
    CHECK(server.seen().back().param("maxChangeVersion").empty());
    const auto changes = school.read("students", {}, bookmark);
    REQUIRE(changes);
    CHECK(changes->lines.size() == 1);
    // 604822 was another pupil's old key, and a row has it now.
    CHECK(changes->gone == lines{"pupil 604801", "pupil 604823"});
    const auto seen = server.seen();
    CHECK(seen[seen.size() - 3].param("minChangeVersion") == "500");
    CHECK_FALSE(seen[seen.size() - 3].param("maxChangeVersion").empty());
    CHECK(seen[seen.size() - 2].path == "/data/v3/ed-fi/students/keyChanges");
    CHECK(seen.back().path == "/data/v3/ed-fi/students/deletes");
}

TEST_CASE("a token that runs out in the middle of a list is exchanged once and the list goes on", "[connectors][ed-fi]")
{
    ed_fi emulator;
    emulator.tokens->good_for = 4;
    loopback_server server{emulator};
    live_source school(shipped("ed-fi"), with_client(server, 1));
    school.answers_the_same = false; // a recording knows no tokens
    REQUIRE(school.begin());
    const auto pupils = school.read("students");
    REQUIRE(pupils);
    CHECK(pupils->lines.size() == 3);
    CHECK(emulator.tokens->given == 2);
}

TEST_CASE("credentials that are refused are a matter for a person, and are not tried twice", "[connectors][ed-fi]")
{
    loopback_server server{ed_fi()};
    setting_table settings = with_client(server, 1);
    settings["client_id"] = given(std::string("other"));
    live_source school(shipped("ed-fi"), settings);
    const auto begun = school.begin();
    REQUIRE_FALSE(begun);
    CHECK(begun.error().code == errc::source_refused);
    CHECK_THAT(begun.error().what, Contains("POST /oauth/token") && !Contains("s3cret"));
    CHECK(server.seen().size() == 1);
}
