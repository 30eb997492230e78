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
    settings.history_from = parse_day("2025-09-01");
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

TEST_CASE(
    "a leaver is read with the last day and a joiner with the first, and who has none is passed over",
    "[connectors][wonde]"
)
{
    const auto row = [](const std::string& id, const std::string& from, const std::string& to) {
        const auto date = [](const std::string& day) {
            return day.empty() ? std::string("null")
                               : R"({"date":")" + day + R"( 00:00:00.000000","timezone":"Europe/London"})";
        };
        return R"({"id":")" + id + R"(","education_details":{"data":{"admission_date":)" + date(from) +
               R"(,"leaving_date":)" + date(to) + "}}}";
    };
    const auto left = page_of(
        "leavers",
        "students-leaver",
        "/students-leaver?include=education_details&per_page=2",
        row("A1", "2020-09-01", "2025-09-01") + "," + row("A2", "", "2025-08-31") + "," + row("A3", "", "") +
            R"(,{"id":"A4"})"
    );
    REQUIRE(left);
    CHECK(
        choice_lines(*left) ==
        std::vector<std::string>{R"(pupil A1 [A1] {"on_roll_from":"2020-09-01","on_roll_to":"2025-09-01"})"}
    );
    CHECK((left->skipped == 3 && left->rejected.empty()));
    const auto to_come = page_of(
        "pre_admission",
        "students-pre-admission",
        "/students-pre-admission?include=education_details&per_page=2",
        row("B1", "2035-09-01", "") + "," + row("B2", "", "")
    );
    REQUIRE(to_come);
    CHECK(choice_lines(*to_come) == std::vector<std::string>{R"(pupil B1 [B1] {"on_roll_from":"2035-09-01"})"});
    CHECK(to_come->skipped == 1);
}

TEST_CASE(
    "a pupil who moves to the leavers has left and not vanished, and the count is that of all lists",
    "[connectors][wonde]"
)
{
    whole_road school;
    for (const char* list : {"leavers", "pre_admission"})
        school.settings.sources[0].settings[list] = given(true);
    school.connect();
    school.counts_status = 200;
    school.counts = R"({"students":{"data":{"count":2}}})";
    const auto dated = [](const std::string& name, const std::string& day) {
        return R"({"upn":null,")" + name + R"(":)" + whole_road::date(day) + "}";
    };
    school.rows["students-leaver"] = {school.pupil("L1", dated("leaving_date", "2026-09-10"))};
    school.rows["students-pre-admission"] = {school.pupil("J1", dated("admission_date", "2026-09-28"))};
    CHECK(school.poll().failures.empty());
    CHECK(school.statement.at(what::pupil).fresh == 4);
    CHECK(school.statement.at(what::pupil).source_total == 4);
    CHECK(school.statement.at(what::pupil).balanced);

    school.rows["students-leaver"].push_back(school.pupil("A2", dated("leaving_date", "2026-09-18")));
    school.rows["students"] = {school.pupil("A1"), school.pupil("J1", dated("admission_date", "2026-09-28"))};
    school.rows["students-pre-admission"].clear();
    CHECK(school.poll().failures.empty()); // a list that empties while nobody is missing
    CHECK((school.statement.at(what::pupil).changed == 1 && school.statement.at(what::pupil).vanished == 0));
    CHECK(school.statement.at(what::pupil).source_total == 4);
    CHECK(school.findings("record-vanished") == 0);

    // Of whom neither list has a word, that is another matter, and an empty list no reason to believe it.
    school.rows["students-leaver"].clear();
    CHECK(school.poll().failures.at(0).code == errc::mass_change);
    CHECK(school.statement.at(what::pupil).vanished == 0);

    // The list is refused: nobody is retired, and no count is held against what is known.
    school.instead["students-leaver"] = answer_of(403, "{}");
    CHECK_FALSE(school.poll().failures.empty());
    CHECK_FALSE(school.statement.at(what::pupil).source_total);
    CHECK(school.statement.at(what::pupil).vanished == 0);
}

TEST_CASE("a room that an incident names by its id has the room's name", "[connectors][wonde]")
{
    whole_road school;
    school.settings.sources[0].settings["rooms"] = given(true);
    school.connect();
    school.http.answer(
        wonde_school + "/rooms?per_page=100",
        R"({"data":[{"id":"R7","name":"Science corridor"}],"meta":{"pagination":{"next":null,"more":false}}})"
    );
    const auto placed = [](const std::string& id, const std::string& place) {
        return R"({"id":")" + id + R"(","type":"Disruption","comment":"","location":")" + place +
               R"(","incident_date":)" + whole_road::date("2026-09-21") + R"(,"students":{"data":[]}})";
    };
    school.rows["behaviours"] = {placed("B1", "R7"), placed("B2", "Bus stop")};
    CHECK(school.poll().failures.empty());
    REQUIRE(school.entries("incident").size() == 2);
    CHECK_THAT(school.entries("incident")[0], Contains(R"("location":"Science corridor")"));
    CHECK_THAT(school.entries("incident")[1], Contains(R"("location":"Bus stop")"));
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
