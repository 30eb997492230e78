// What a school may choose to read of Wonde besides: lesson marks, adults, achievements, changes of pupils.

#include "tests/connectors/whole_road.hpp"

#include "connectors/rest/json_check.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::test;
using Catch::Matchers::Contains;

namespace {

std::vector<std::string> choice_lines(const page& p)
{
    std::vector<std::string> out;
    for (const reported_record& r : p.records) {
        const auto file = root() / "schemas/canonical" / (std::string(name_of(r.kind)) + ".schema.json");
        const auto checked = check_json(r.fields, file_text(file), file);
        INFO(r.fields);
        if (!checked) FAIL_CHECK(checked.error().what);
        out.push_back(std::string(name_of(r.kind)) + " " + r.source_id + " [" + r.pupil_id + "] " + r.fields);
    }
    return out;
}

// A page of the stream of that name, with a setting switched on.
result<page>
page_of(const std::string& choice, const std::string& stream, const std::string& url, const std::string& rows)
{
    fake_http http;
    auto settings = wonde_source();
    settings.settings[choice] = given(true);
    const auto source = connect("wonde", settings, http);
    http.answer(wonde_school + "/attendance-codes?per_page=2", fixture("wonde/attendance-codes.json"));
    http.answer(wonde_school + "/counts?include=students", "{}", 403);
    REQUIRE(run(source->begin_run()));
    http.answer(wonde_school + url, R"({"data":[)" + rows + R"(],"meta":{"pagination":{"next":null,"more":false}}})");
    const auto& all = source->streams();
    const auto at = std::find_if(all.begin(), all.end(), [&](const stream_info& s) { return s.name == stream; });
    REQUIRE(at != all.end());
    return run(source->fetch_page(static_cast<std::size_t>(at - all.begin()), std::nullopt, std::nullopt));
}

} // namespace

TEST_CASE("what a school did not choose is not asked for", "[connectors][wonde]")
{
    fake_http http;
    std::vector<std::string> names;
    const auto source = connect("wonde", wonde_source(), http);
    for (const stream_info& stream : source->streams())
        names.push_back(stream.name);
    CHECK(names == std::vector<std::string>{"students", "session-marks", "behaviours", "exclusions"});
}

TEST_CASE(
    "flags of pupils are read where the school chooses it, and what is not said is not none", "[connectors][wonde]"
)
{
    const auto got = page_of(
        "pupil_flags",
        "students",
        "/students?include=education_details%2Cgroups%2Cextended_details&per_page=2",
        R"({"id":"A1","extended_details":{"data":{"sen_status":"K","in_lea_care":true,"premium_pupil_indicator":true,)"
        R"("child_protection_plan":null,"child_in_need":"2026-09-01"}}},)"
        R"({"id":"A2","extended_details":{"data":{"sen_status":"E","in_lea_care":false,"premium_pupil_indicator":false,)"
        R"("child_protection_plan":{"date":"2026-09-01"},"child_in_need":"No"}}},)"
        R"({"id":"A3","extended_details":{"data":{"sen_status":"N"}}},)"
        R"({"id":"A4","extended_details":{"data":null}},{"id":"A5"})"
    );
    REQUIRE(got);
    CHECK(
        choice_lines(*got) ==
        std::vector<std::string>{
            R"(pupil A1 [A1] {"flags":["child_in_need","looked_after","pupil_premium","sen_support"]})",
            R"(pupil A2 [A2] {"flags":["child_protection","ehcp"]})",
            R"(pupil A3 [A3] {"flags":[]})",
            R"(pupil A4 [A4] {})",
            R"(pupil A5 [A5] {})"}
    );
}

TEST_CASE("Wonde contacts become one adult for each child, without phone, address and e-mail", "[connectors][wonde]")
{
    const auto got = page_of(
        "contacts",
        "contacts",
        "/students?include=contacts&per_page=2",
        R"({"id":"A1","contacts":{"data":[{"id":"K1","mis_id":"9","title":"Ms","surname":"Quill","forename":"Ada",)"
        R"("email":"ada@example.test","telephone":"01632 960000","address":"1 High Street",)"
        R"("relationship":{"relationship":"Mother","parental_responsibility":true,"priority":1,"lives_with_pupil":true}},)"
        R"({"id":"K2","surname":null,"relationship":{"data":{"relationship":"Carer","parental_responsibility":false}}}]}},)"
        R"({"id":"A2","contacts":{"data":[{"id":"K1","surname":"Quill","relationship":null}]}},)"
        R"({"id":"A3","contacts":{"data":[]}},{"id":"A4"})"
    );
    REQUIRE(got);
    CHECK(
        choice_lines(*got) ==
        std::vector<std::string>{
            R"(adult A1/K1 [A1] {"adult":"K1","forename":"Ada","lives_with_pupil":true,"mis_id":"9","parental_responsibility":true,"priority":1,"relation":"Mother","surname":"Quill","title":"Ms"})",
            R"(adult A1/K2 [A1] {"adult":"K2","parental_responsibility":false,"relation":"Carer"})",
            R"(adult A2/K1 [A2] {"adult":"K1","surname":"Quill"})"}
    );
    // A pupil without the include at all: the permission was not given.
    REQUIRE(got->rejected.size() == 1);
    CHECK_THAT(got->rejected[0].reason, Contains("contacts.data is missing"));
}

TEST_CASE("Wonde lesson marks keep the school's code and its statutory meaning, and need a day", "[connectors][wonde]")
{
    const std::string begin = R"(,"student":"A1","date":{"date":"2025-10-06 00:00:00","timezone":"Europe/London"})";
    const auto got = page_of(
        "lesson_marks",
        "lesson-marks",
        "/attendance/lesson?per_page=2",
        R"({"id":"L1","attendance_code":"C3","lesson":"T7","period":{"data":{"name":"Mon:3"}},"class":"K1",)"
        R"("minutes_late":4,"employee":"E5","comment":null)" +
            begin + R"(},{"id":"L2","attendance_code":"C?")" + begin + R"(},{"id":"L3","attendance_code":null)" +
            begin + R"(},{"id":"L4","attendance_code":"C1","student":"A1"})"
    );
    REQUIRE(got);
    CHECK(
        choice_lines(*got) ==
        std::vector<std::string>{
            R"(lesson-mark L1 [A1] {"class":"K1","day":"2025-10-06","lesson":"T7","minutes_late":4,"period":"Mon:3","raw":"L","statutory":"L","taken_by":"E5"})",
            R"(lesson-mark L2 [A1] {"day":"2025-10-06","raw":"C?"})",
            R"(lesson-mark L3 [A1] {"day":"2025-10-06"})"}
    );
    REQUIRE(got->rejected.size() == 1);
    CHECK_THAT(got->rejected[0].reason, Contains("day (date) is missing"));
}

TEST_CASE("Wonde achievements are incidents of another nature, without the comment", "[connectors][wonde]")
{
    const auto got = page_of(
        "achievements",
        "achievements",
        "/achievements?include=students&per_page=2",
        R"({"id":"P1","mis_id":"7","type":"Merit","points":2,"comment":"Well done, Sam","achievement_date":)"
        R"({"date":"2025-10-06 00:00:00","timezone":"Europe/London"},"recorded_date":{},)"
        R"("students":{"data":[{"id":"A1","meta":{"points":2}}]}})"
    );
    REQUIRE(got);
    CHECK(
        choice_lines(*got) ==
        std::vector<std::string>{
            R"(incident P1 [] {"day":"2025-10-06","mis_id":"7","nature":"achievement","points":2,"type":"Merit"})",
            R"(involvement P1/A1 [A1] {"day":"2025-10-06","of":"incident","points":2,"record":"P1"})"}
    );
}

TEST_CASE(
    "a lesson mark becomes an entry of its pupil, changes, vanishes, and moves no session figure", "[connectors][wonde]"
)
{
    whole_road school;
    school.settings.sources[0].settings["lesson_marks"] = given(true);
    school.connect();
    const auto lesson = [](const std::string& code) {
        return R"({"id":"L1","attendance_code":")" + code + R"(","student":"A1","lesson":"T7","date":)" +
               whole_road::date("2026-09-21") + "}";
    };
    school.rows["lesson"] = {lesson("CN")};
    CHECK(school.poll().failures.empty());
    CHECK(school.held("A1") == "/=/");
    REQUIRE(school.entries("lesson-mark").size() == 1);
    CHECK_THAT(school.entries("lesson-mark")[0], Contains(R"("raw":"N")") && Contains(R"("pupil":)"));
    school.rows["lesson"] = {lesson("C1")};
    school.poll();
    CHECK(school.statement.at(what::lesson_mark).changed == 1);
    school.rows["lesson"].clear();
    // One of one is everything: a person is asked first.
    CHECK(school.poll().failures.at(0).code == errc::mass_change);
    CHECK(school.poll(true, true).failures.empty());
    CHECK(school.statement.at(what::lesson_mark).vanished == 1);
    CHECK_THAT(school.entries("lesson-mark").back(), Contains(R"("gone":"vanished")"));
    CHECK(school.statement.at(what::session_mark).held == 2);
    school.book->sign_checkpoint(school.now);
    school.book.reset();
    school.work.reset();
    CHECK(school.folder.verify().ok());
}
