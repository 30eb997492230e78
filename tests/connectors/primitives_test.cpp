#include "tests/connectors/made.hpp"

#include "connectors/mapping/as_json.hpp"
#include "connectors/mapping/gzip.hpp"
#include "connectors/rest/paced_client.hpp"
#include "connectors/rest/rest_note_writer.hpp"
#include "tests/connectors/printing.hpp"

#include <catch2/catch.hpp>

#include <zlib.h>

using namespace rollbook;
using namespace rollbook::test;
using Catch::Matchers::Contains;

namespace {

std::string packed(const std::string& text)
{
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(compressBound(text.size()) + 64, '\0');
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

} // namespace

TEST_CASE("a Link header is followed to its next, and nowhere else", "[connectors]")
{
    const std::string paging = R"("paginator":{"type":"link_header"},)";
    SECTION("next among others, with a comma in a title")
    {
        made_source s(paging);
        s.answer("/list", rows_of("a b"))
            .headers.emplace_back(
                "link",
                R"(<https://made.example.test/list?p=0>; rel="prev"; title="a, b", <https://made.example.test/list?p=2>; rel="next")"
            );
        s.answer("/list?p=2", rows_of("c"));
        CHECK(s.read().ids == "a b c");
    }
    SECTION("another server")
    {
        made_source s(paging);
        s.answer("/list", rows_of("a")).headers.emplace_back("link", R"(<https://evil.example/list>; rel="next")");
        const auto got = s.read();
        REQUIRE(got.why);
        CHECK_THAT(got.why->what, Contains("another server"));
        CHECK(s.http.requests.size() == 1);
    }
}

TEST_CASE("offset pages end at the total, and a list that ends before it fails", "[connectors]")
{
    const std::string paging =
        R"("paginator":{"type":"offset","param":"o","size_param":"n","size":"2","total_header":"X-Total"},)";
    made_source s(paging);
    s.answer("/list?o=0&n=2", rows_of("a b")).headers.emplace_back("x-total", "3");
    auto& second = s.answer("/list?o=2&n=2", rows_of("c"));
    SECTION("whole")
    {
        second.headers.emplace_back("x-total", "3");
        CHECK(s.read().ids == "a b c");
    }
    SECTION("cut")
    {
        second.body = R"({"rows":[]})";
        second.headers.emplace_back("x-total", "3");
        CHECK_THAT(s.read().why.value().what, Contains("ends before the number of rows"));
    }
    SECTION("without a total")
    {
        CHECK_THAT(s.read().why.value().what, Contains("does not say how many rows"));
    }
}

TEST_CASE("rows that move between pages fail a read that is held against the total", "[connectors]")
{
    made_source s(R"("paginator":{"type":"page","param":"p","pages":"pages","total":"total","check_total":true},)");
    s.answer("/list?p=1", R"({"rows":[{"id":"a"}],"pages":2,"total":3})");
    s.answer("/list?p=2", R"({"rows":[{"id":"b"}],"pages":2,"total":3})");
    CHECK_THAT(s.read().why.value().what, Contains("rows moved"));
}

TEST_CASE(
    "a cursor of the body or of a header is followed, and one that repeats ends the read as a failure", "[connectors]"
)
{
    SECTION("body")
    {
        made_source s(R"("paginator":{"type":"cursor","param":"c","next":"cursor","more":"has_more"},)");
        s.answer("/list", R"({"rows":[{"id":"a"}],"has_more":true,"cursor":7})");
        s.answer("/list?c=7", R"({"rows":[{"id":"b"}],"has_more":false,"cursor":8})");
        CHECK(s.read().ids == "a b");
    }
    SECTION("header")
    {
        made_source s(R"("paginator":{"type":"cursor","param":"c","next_header":"Next-Page-Token"},)");
        s.answer("/list", rows_of("a")).headers.emplace_back("next-page-token", "x y");
        s.answer("/list?c=x%20y", rows_of("b"));
        CHECK(s.read().ids == "a b");
    }
    SECTION("repeated")
    {
        made_source s(R"("paginator":{"type":"cursor","param":"c","next":"cursor"},)");
        s.answer("/list", R"({"rows":[{"id":"a"}],"cursor":"7"})");
        s.answer("/list?c=7", R"({"rows":[{"id":"b"}],"cursor":"7"})");
        CHECK_THAT(s.read().why.value().what, Contains("already had"));
    }
    SECTION("more, and not where")
    {
        made_source s(R"("paginator":{"type":"cursor","param":"c","next":"cursor","more":"has_more"},)");
        s.answer("/list", R"({"rows":[{"id":"a"}],"has_more":true,"cursor":null})");
        CHECK_THAT(s.read().why.value().what, Contains("more follow, and not where"));
    }
}

TEST_CASE("conditions leave rows out, and rows may be lists in rows", "[connectors]")
{
    made_source s(R"("only":[{"at":"kind","in":["pupil",""]},{"at":"left","not_in":["true"]}],)");
    s.answer(
        "/list", R"({"rows":[{"id":"a","kind":"pupil"},{"id":"b","kind":"staff"},{"id":"c"},{"id":"d","left":true}]})"
    );
    const auto got = s.read();
    CHECK(got.ids == "a c");
    CHECK(got.skipped == 2);
    made_source nested(R"("items":"pupils",)");
    nested.answer("/list", R"({"rows":[{"pupils":[{"id":"a"},{"id":"b"}]},{"pupils":[]}]})");
    CHECK(nested.read().ids == "a b");
}

TEST_CASE(
    "a part that is not there is skipped and counted where the manifest says so, and fails otherwise", "[connectors]"
)
{
    const std::string slices = R"("slices":{"values":["x","y","z"])";
    const std::string query = R"(},"query":{"part":"{@part}"},)";
    SECTION("skipped")
    {
        made_source s(slices + R"(,"missing":"skip")" + query);
        s.answer("/list?part=x", rows_of("a"));
        s.answer("/list?part=y", "{}", 404);
        s.answer("/list?part=z", rows_of("b"));
        const auto got = s.read();
        CHECK(got.ids == "a b");
        CHECK(got.skipped == 1);
    }
    SECTION("failed")
    {
        made_source s(slices + query);
        s.answer("/list?part=x", rows_of("a"));
        s.answer("/list?part=y", "{}", 404);
        CHECK(s.read().why.value().code == errc::source_misconfigured);
    }
}

TEST_CASE("the parts may be the keys of a parent list", "[connectors]")
{
    made_source s(
        R"("slices":{"lookup":"groups"},"query":{"group":"{@part}"},)",
        R"("lookups":[{"name":"groups","path":"/groups","paginator":{"type":"none"},"records":"g","key":"id","columns":{"n":"id"}}],)"
    );
    s.answer("/groups", R"({"g":[{"id":"9B"},{"id":"9A"}]})");
    s.answer("/list?group=9A", rows_of("a"));
    s.answer("/list?group=9B", rows_of("b"));
    REQUIRE(run(s.source->begin_run()));
    CHECK(s.read().ids == "a b");
}

TEST_CASE("an api key goes into its header and its parameter and into no failure", "[connectors]")
{
    made_source s("", R"("authenticator":{"type":"api_key","headers":{"X-Key":"{key}"},"query":{"k":"{key}"}},)");
    s.answer("/list?k=s3cret", "no", 401);
    const failure why = s.read().why.value();
    CHECK(why.code == errc::source_refused);
    CHECK_THAT(why.what + why.to_do, !Contains("s3cret"));
    CHECK(s.http.requests[0].headers.back() == "X-Key: s3cret");
}

TEST_CASE("answers of a source's own are read as its manifest says", "[connectors]")
{
    const std::string rules = R"("errors":[
        {"status":[403],"text":"quota","action":"wait","says":"the quota is used up"},
        {"status":[500],"text":"lock","action":"malformed"},
        {"status":[422],"action":"use"},
        {"when":{"at":"success","in":["false"]},"action":"refused","says":"no permission","to_do":"Ask."}],)";
    const auto [status, body, code] = GENERATE(table<int, std::string, errc>({
        {403, "the quota of today", errc::source_throttled},
        {403, "no", errc::source_refused},
        {500, "a lock", errc::page_malformed},
        {500, "x", errc::source_unreachable},
        {200, R"({"success":false,"rows":[]})", errc::source_refused},
    }));
    made_source s("", rules);
    s.answer("/list", body, status);
    CHECK(s.read().why.value().code == code);
    made_source used("", rules);
    used.answer("/list", rows_of("a"), 422);
    CHECK(used.read().ids == "a");
}

TEST_CASE("a filter's block page is recognised in whatever form the rows come", "[connectors]")
{
    const auto decoder =
        GENERATE(as<std::string>(), "", R"("decoder":{"type":"xml"},)", R"("decoder":{"type":"csv"},)");
    made_source s(decoder);
    s.answer("/list", "<!DOCTYPE html><html><body>Blocked: category</body></html>").content_type = "text/html";
    const failure why = s.read().why.value();
    CHECK(why.code == errc::page_malformed);
    CHECK_THAT(why.what, Contains("filter or a log-in page"));
}

TEST_CASE("CSV, JSON Lines and gzip are read as lists of rows", "[connectors]")
{
    const auto [decoder, body] = GENERATE(table<std::string, std::string>({
        {R"("type":"csv")", "\xef\xbb\xbfid,name\r\na,\"Ahmed, \"\"Ana\"\"\nB\"\r\nb,x\r\n"},
        {R"("type":"csv","delimiter":";")", "id;name\na;x\nb;y"},
        {R"("type":"json_lines")", "{\"id\":\"a\"}\n\n{\"id\":\"b\"}\n"},
    }));
    made_source s(R"("records":"","decoder":{)" + decoder + "},");
    s.answer("/list", body).content_type = "text/plain";
    CHECK(s.read().ids == "a b");
    made_source zipped(R"("records":"","decoder":{)" + decoder + R"(,"gzip":true},)");
    zipped.answer("/list", packed(body));
    CHECK(zipped.read().ids == "a b");
}

TEST_CASE("a file that is cut, bombed or not what it says is refused without filling the memory", "[connectors]")
{
    const std::string bomb = packed(std::string(50u << 20, 'x'));
    CHECK(bomb.size() < 100'000);
    CHECK_THAT(gunzipped(bomb, 1u << 20).error().what, Contains("longer than this source may send"));
    CHECK_THAT(gunzipped(bomb.substr(0, 1000), 64u << 20).error().what, Contains("cut short"));
    CHECK_THAT(gunzipped("no gzip at all", 1000).error().what, Contains("is not a gzip file"));
    CHECK_THAT(json_of_csv("a,b\n1\n", ',').error().what, Contains("1 values in row 2"));
    CHECK_THAT(json_of_csv("a,b\n1,\"x", ',').error().what, Contains("quote without its end"));
    CHECK_THAT(json_of_csv("a,a\n1,2\n", ',').error().what, Contains("one heading twice"));
    CHECK_THAT(json_of_csv("a\n\xff\n", ',').error().what, Contains("not valid UTF-8"));
    const auto xml = [](const std::string& text) { return json_of_xml(text, {}, 8).error().what; };
    CHECK_THAT(
        xml("<!DOCTYPE a [<!ENTITY x \"y\"><!ENTITY z \"&x;&x;\">]><a>&z;</a>"), Contains("declares a document type")
    );
    CHECK_THAT(xml("<a><b></a>"), Contains("is not XML"));
    CHECK_THAT(xml("<a><b>"), Contains("cut short"));
    CHECK_THAT(xml("<a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a>"), Contains("nested too deep"));
    CHECK_THAT(xml(""), Contains("is empty"));
}

TEST_CASE("XML becomes members, lists and texts, and its false declarations are ignored", "[connectors]")
{
    const auto json = json_of_xml(
        "<?xml version=\"1.0\" encoding=\"utf-16\"?><r><p i=\"1\">t<q>a</q><q>b &amp; "
        "c</q></p><e/><l><x>1</x></l><m/></r>",
        {{"r", "l", "x"}, {"r", "m", "y"}},
        8
    );
    REQUIRE(json);
    CHECK(*json == R"({"r":{"p":{"@i":"1","#text":"t","q":["a","b & c"]},"e":null,"l":{"x":["1"]},"m":{"y":[]}}})");
}

TEST_CASE("pages of a list whose length is known are asked for at once, as many as the source bears", "[connectors]")
{
    made_source s(
        R"("paginator":{"type":"page","param":"page","first":1,"pages":"pages"},)", R"("limits":{"concurrency":3},)"
    );
    for (int page = 1; page <= 5; ++page)
        s.answer(
            "/list?page=" + std::to_string(page),
            R"({"rows":[{"id":")" + std::string(1, static_cast<char>('a' + page - 1)) + R"("}],"pages":5})"
        );
    auto first = run(s.source->fetch_page(0, std::nullopt, std::nullopt));
    REQUIRE(first);
    // The one in hand and two more: three at once, and never a page behind the last.
    CHECK(s.http.open == 2);
    CHECK(s.http.urls().back() == s.base + "/list?page=3");
    auto second = run(s.source->fetch_page(0, std::nullopt, first->next));
    REQUIRE(second);
    CHECK(s.http.open == 2);
    CHECK(s.read().ids == "a b c d e");
    std::map<std::string, int> asked;
    for (const std::string& url : s.http.urls())
        ++asked[url];
    CHECK(asked.size() == 5);
    CHECK(asked[s.base + "/list?page=5"] == 1);
    CHECK(s.http.open == 0);
}

TEST_CASE("a source's rate is kept for all its streams together, and its own word of what is left", "[connectors]")
{
    using clock = rate_budget::clock;
    using namespace std::chrono_literals;
    rate_spec spec;
    spec.requests = 2;
    spec.per = 10s;
    spec.remaining_header = "x-left";
    spec.reset_header = "x-reset";
    rate_budget budget(spec);
    const clock::time_point now{1h};
    CHECK(budget.take(now) == now);
    CHECK(budget.take(now + 1s) == now + 1s);
    CHECK(budget.take(now + 2s) == now + 10s);
    CHECK(budget.take(now + 2s) == now + 11s);
    CHECK(budget.take(now + 40s) == now + 40s);
    http_response told;
    told.headers = {{"x-left", "0"}, {"x-reset", "30"}};
    budget.note(told, now + 40s);
    CHECK(budget.take(now + 41s) == now + 70s);
}

TEST_CASE("a note is written once with our reference and read back", "[connectors]")
{
    const std::string write = R"("write":[{"name":"note","request":{"path":"/notes","method":"POST","body":{"kind":"x"},
        "body_values":{"ref":"{@reference}","pupil":"{@pupil}","text":"{@text}"}},"id":"id",
        "read_back":{"path":"/notes","query":{"ref":"{@reference}"}},"found":[{"at":"ref","in":["{@reference}"]}]}],)";
    made_source s("");
    source_configuration configured;
    configured.name = "mis";
    configured.settings["base_url"] = given(s.base);
    configured.settings["key"] = given(secret_reference{});
    const secret_reader secrets = [](const secret_reference&) -> result<std::string> { return std::string("s3cret"); };
    auto writer = make_rest_note_writer(made_manifest("", write).value(), "note", configured, secrets, s.http);
    REQUIRE(writer);
    const auto put = [&] {
        return run((*writer)->write(source_note("R-1", "7", "See \"alert\" 9", "2026-09-09T12:00:00Z")));
    };
    SECTION("new")
    {
        s.answer("/notes?ref=R-1", "{}", 404);
        s.answer("/notes", R"({"id":"N5"})", 201);
        s.answer("/notes?ref=R-1", R"({"ref":"R-1"})");
        const auto id = put();
        REQUIRE(id);
        CHECK(*id == "N5");
        CHECK(s.http.requests[1].body == R"({"kind":"x","pupil":"7","ref":"R-1","text":"See \"alert\" 9"})");
    }
    SECTION("there already")
    {
        s.answer("/notes?ref=R-1", R"({"ref":"R-1"})");
        REQUIRE(put());
        CHECK(s.http.requests.size() == 1);
    }
    SECTION("taken and not there")
    {
        s.answer("/notes?ref=R-1", "{}", 404);
        s.answer("/notes", R"({"id":"N5"})", 201);
        CHECK(put().error().code == errc::delivery_refused);
    }
    SECTION("busy")
    {
        s.answer("/notes?ref=R-1", "{}", 404);
        s.answer("/notes", "", 503);
        CHECK(put().error().code == errc::delivery_unreachable);
    }
    CHECK_FALSE(make_rest_note_writer(made_manifest("", write).value(), "other", configured, secrets, s.http));
}
