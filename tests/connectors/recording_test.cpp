#include "connectors/rest/recording.hpp"

#include "tests/connectors/whole_road.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::test;
using Catch::Matchers::Contains;

namespace {

// What all streams of a connector give, records and marks, in order; and its streams' names.
struct everything {
    std::vector<std::string> names;
    std::vector<page> pages;
    std::size_t marks = 0, records = 0, rejected = 0;
};

everything read_all(connector& from)
{
    everything out;
    REQUIRE(run(from.begin_run()));
    for (std::size_t stream = 0; stream < from.streams().size(); ++stream) {
        std::optional<std::string> at;
        do {
            std::optional<std::string> place = at;
            auto got = run(from.fetch_page(stream, std::nullopt, std::move(place)));
            if (!got) FAIL(got.error().what);
            out.marks += got->marks.size();
            out.records += got->records.size();
            out.rejected += got->rejected.size();
            at = got->next;
            out.pages.push_back(std::move(*got));
        } while (at);
    }
    return out;
}

masker masker_of(const std::string& name)
{
    const digest_key key{1, 2, 3};
    return masker(
        shipped(name),
        file_text(root() / "connectors/manifests" / (name + ".json")),
        *origin_of(wonde_base),
        key,
        support::ymd(2026, 9, 21)
    );
}

masker wonde_masker()
{
    return masker_of("wonde");
}

} // namespace

TEST_CASE("what a source answered is kept with other people in it, and reads again off line", "[connectors][recording]")
{
    support::temporary_folder folder;
    const auto to = folder.path / "wonde-2026";
    const instant now = parse_instant("2025-10-10T12:00:00Z").value();
    fake_http http;
    http.answer(wonde_school + "/attendance-codes?per_page=2", fixture("wonde/attendance-codes.json"));
    http.answer(wonde_school + "/counts?include=students", fixture("wonde/counts.json"));
    const std::string students = wonde_school + "/students?include=education_details%2Cgroups&per_page=2";
    http.answer(students, fixture("wonde/students-1.json"));
    http.answer(students + "&page=2", fixture("wonde/students-2.json"));
    http.answer(wonde_school + "/attendance/session?per_page=2", fixture("wonde/session-marks-1.json"));
    http.answer(wonde_school + "/attendance/session?cursor=abc&per_page=2", fixture("wonde/session-marks-2.json"));
    http.answer(wonde_school + "/behaviours?include=students&per_page=2", fixture("wonde/behaviours.json"));
    http.answer(wonde_school + "/exclusions?per_page=2", fixture("wonde/exclusions.json"));

    const secret_reader secrets = [](const secret_reference&) -> result<std::string> { return std::string("s3cret"); };
    const manifest m = shipped("wonde");
    const auto kept = recording::begin(to, m, wonde_source(), now);
    REQUIRE(kept);
    const auto live = make_rest_connector(
        m,
        wonde_source(),
        secrets,
        http,
        [&] { return now; },
        [&](const http_request& request, const http_response& response) { (*kept)->add(request, response); }
    );
    REQUIRE(live);
    const everything lived = read_all(**live);
    CHECK((*kept)->answers() > 5);
    CHECK((*kept)->left_out() == 0);

    // Nobody of the school is in it, no key, and not the school's own address or id.
    const std::string all = file_text(to / "recording.json") + file_text(to / "answers.ndjson");
    for (const char* word :
         {"Ahmed",
          "Anastasia",
          R"(\"4321\")", // by itself: other people's numbers may hold the figures
          "H123456789012",
          "007123",
          "2011-06-09",
          "s3cret",
          "A1000900001",
          "api.example.test",
          "removed from the room"})
        CHECK_THAT(all, !Contains(word));
    CHECK_THAT(all, Contains("https://recorded.invalid/v1.0/schools/"));

    auto again = replay(to);
    REQUIRE(again);
    CHECK(again->manifest_name == "wonde");
    const instant then = again->now;
    const auto replayed = make_rest_connector(m, again->source, again->secrets, *again->client, [=] { return then; });
    REQUIRE(replayed);
    const everything read = read_all(**replayed);
    CHECK(read.marks == lived.marks);
    CHECK(read.records == lived.records);
    CHECK(read.rejected == lived.rejected);
    REQUIRE(read.pages.size() == lived.pages.size());
    for (std::size_t i = 0; i < read.pages.size(); ++i)
        for (std::size_t mark = 0; mark < read.pages[i].marks.size(); ++mark) {
            CHECK(read.pages[i].marks[mark].session == lived.pages[i].marks[mark].session);
            // A small number is nobody's.
            if (lived.pages[i].marks[mark].pupil_id != "77")
                CHECK(read.pages[i].marks[mark].pupil_id != lived.pages[i].marks[mark].pupil_id);
        }
}

TEST_CASE("the addresses and tokens in headers are replaced too, and counts stay", "[connectors][recording]")
{
    support::temporary_folder folder;
    const auto kept = recording::begin(folder.path / "to", shipped("wonde"), wonde_source(), instant());
    REQUIRE(kept);
    http_response answer;
    answer.status = 200;
    answer.content_type = "application/json";
    answer.body = "{}";
    answer.headers = {
        {"link",
         "<" + wonde_school + "/students?after=Ahmed>; rel=\"next\", <" + wonde_school +
             "/students?after=Quill>; rel=\"prev\""},
        {"next-page-token", "Ahmed-7"},
        {"total-count", "12345"},
        {"set-cookie", "session=1"}};
    (*kept)->add(http_request(wonde_school + "/students"), answer);
    const std::string told = file_text(folder.path / "to/answers.ndjson");
    CHECK_THAT(told, Contains("rel=") && Contains("12345") && Contains("recorded.invalid"));
    CHECK_THAT(
        told, !Contains("Ahmed") && !Contains("Quill") && !Contains("api.example.test") && !Contains("session=1")
    );
}

TEST_CASE("a recording goes into a folder of its own, and anything else is none", "[connectors][recording]")
{
    support::temporary_folder folder;
    std::ofstream(folder.path / "something") << "x";
    const auto refused = recording::begin(folder.path, shipped("wonde"), wonde_source(), instant());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::usage);
    CHECK_FALSE(replay(folder.path));
}

TEST_CASE(
    "the same text is replaced by the same text, and two recordings have nothing in common", "[connectors][recording]"
)
{
    masker one = wonde_masker();
    const std::string first = one.value("H123456789012");
    CHECK(first != "H123456789012");
    CHECK(first.size() == 13);
    CHECK(one.value("H123456789012") == first);
    CHECK(one.known("H123456789012") == first);
    CHECK(one.known("H999999999999") == "H999999999999");
    masker other(shipped("wonde"), "{}", *origin_of(wonde_base), digest_key{9, 9, 9}, support::ymd(2026, 9, 21));
    CHECK(other.value("H123456789012") != first);
}

TEST_CASE("codes, times and near days stay, names of two letters and days of birth do not", "[connectors][recording]")
{
    masker mask = wonde_masker();
    for (const char* same : {"", "/", "L", "AM", "REGISTRATION", "08:50", "2026-09-07 00:00:00.000000"})
        CHECK(mask.value(same) == same);
    for (const char* other : {"Jo", "Ana", "DR", "Zo\xc3\xab", "007123", "01632 960000"}) {
        CHECK(mask.value(other) != other);
        CHECK(mask.value(other).size() == std::string(other).size());
    }
    const std::string born = mask.value("2011-06-09 00:00:00.000000");
    CHECK_THAT(born, Catch::StartsWith("2011-") && Catch::EndsWith(" 00:00:00.000000"));
    CHECK(born != "2011-06-09 00:00:00.000000");
}

TEST_CASE(
    "what shapes how an answer is read stays, and only where the manifest reads it as that", "[connectors][recording]"
)
{
    masker mask = wonde_masker();
    CHECK(mask.value("Europe/London", "timezone") == "Europe/London");
    CHECK(mask.value("Europe/London", "surname") != "Europe/London");
    CHECK(mask.value("Ann Quill", "timezone") != "Ann Quill");
    CHECK(mask.value("X01", "code") == "X01");
    CHECK(mask.value("C1", "code") == "C1");
    CHECK(mask.value("X01", "surname") != "X01");
    CHECK(mask.value("Anastasia", "code") != "Anastasia"); // no code is that long
    // A mark of another system's record, with another id.
    const std::string marked = mask.value("Sam hit Jo [Wonde:A900] twice");
    CHECK_THAT(marked, Contains(" [Wonde:") && Contains("] ") && !Contains("A900") && !Contains("Sam"));
    // Parts of a text are replaced each by itself, and so is the id in an address.
    const std::string id = mask.value("A1000000001");
    CHECK(mask.value("/students/A1000000001") == "/students/" + id);
    CHECK_THAT(
        mask.value(wonde_base + "/schools/A1000000001/students?cursor=Ahm-1&page=12"),
        Catch::EndsWith("&page=12") && Contains("/schools/" + id + "/students?cursor=") && !Contains("Ahm-1")
    );
}

TEST_CASE("no two texts become one, however short they are", "[connectors][recording]")
{
    masker mask = wonde_masker();
    std::set<std::string> made;
    for (int id = 1'000; id < 10'000; ++id)
        made.insert(mask.value(std::to_string(id)));
    CHECK(made.size() == 9'000);
}

TEST_CASE("of an answer only what the manifest reads is kept, in every form", "[connectors][recording]")
{
    masker mask = wonde_masker();
    const auto json = mask.body(
        R"({"data":[{"id":"A100","phone":"01632 960000","surname":"Ahmed","points":12,"notes":{"x":"Sam"}}],)"
        R"("meta":{"pagination":{"next":"https://api.example.test/v1.0/x?id=A100","more":true}}})",
        decoder_spec()
    );
    REQUIRE(json);
    CHECK_THAT(*json, Contains(R"("phone":null)") && Contains(R"("notes":null)") && Contains(R"("points":12)"));
    CHECK_THAT(*json, !Contains("Ahmed") && !Contains("A100") && Contains("https://recorded.invalid/v1.0/x?id="));

    decoder_spec xml;
    xml.type = decoder_spec::kind::xml;
    const auto report =
        mask.body(R"(<r><row id="A700" phone="01632"><surname>Ahmed</surname><note>Sam</note></row></r>)", xml);
    REQUIRE(report);
    CHECK_THAT(*report, Contains("<surname>") && Contains("<note></note>") && Contains(R"(phone="")"));
    CHECK_THAT(*report, !Contains("Ahmed") && !Contains("Sam") && !Contains("A700"));
    const auto odd = mask.body(
        "<r a='Sam'><!-- Sam --><id><![CDATA[Sam & "
        "Jo]]></id><surname>O&apos;Neil</surname><note><![CDATA[Sam]]></note></r>",
        xml
    );
    REQUIRE(odd);
    CHECK_THAT(*odd, !Contains("Sam") && !Contains("Jo") && !Contains("Neil") && !Contains("&"));

    masker batch = masker_of("isams-batch"); // which reads the attribute Id
    const auto pupil = batch.body(R"(<Pupil Id="7001" Born="2011-01-09"><Surname>Ahmed</Surname></Pupil>)", xml);
    REQUIRE(pupil);
    CHECK_THAT(*pupil, Contains(R"(Born="")") && !Contains(R"(Id="")") && !Contains("7001") && !Contains("Ahmed"));

    decoder_spec csv;
    csv.type = decoder_spec::kind::csv;
    const auto table = mask.body("id,surname,phone\nA7,\"Ahmed, A\",01632\n", csv);
    REQUIRE(table);
    CHECK_THAT(*table, Catch::StartsWith("id,surname,phone\n") && Catch::EndsWith(",\n"));
    CHECK_THAT(*table, !Contains("Ahmed") && !Contains("01632"));
    CHECK_FALSE(mask.body("<html>", decoder_spec()));
}

TEST_CASE("the safeguarding interface's answers read again off line, without their words", "[connectors][recording]")
{
    support::temporary_folder folder;
    const instant now = parse_instant("2025-10-10T12:00:00Z").value();
    const secret_reader secrets = [](const secret_reference&) -> result<std::string> { return std::string("s3cret"); };
    const manifest m = shipped("safeguarding");
    fake_http http;
    for (const char* list : {"students", "incidents"})
        http.answer(
            std::string("https://cpoms.example.test/v1/") + list + "?page=1&per_page=100",
            fixture(std::string("safeguarding/") + list + ".json")
        );
    const auto kept = recording::begin(folder.path / "to", m, safeguarding_source(), now).value();
    const auto live = make_rest_connector(
        m,
        safeguarding_source(),
        secrets,
        http,
        [now] { return now; },
        [&](const http_request& request, const http_response& response) { kept->add(request, response); }
    );
    REQUIRE(live);
    const everything lived = read_all(**live);
    const auto again = replay(folder.path / "to");
    REQUIRE(again);
    const auto off_line = make_rest_connector(m, again->source, again->secrets, *again->client, [now] { return now; });
    REQUIRE(off_line);
    const everything read = read_all(**off_line);
    CHECK(read.records == lived.records);
    CHECK(read.rejected == lived.rejected);
    CHECK(read.pages.size() == lived.pages.size());
    CHECK(read.records > 2);
}
