#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"

#include "tests/unit/base/printing.hpp"
#include "tests/unit/base/stops.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <limits>

using namespace rollbook;

namespace {

std::string canonical(std::string text)
{
    const auto document = json_document::parse(std::move(text));
    REQUIRE(document);
    std::string out;
    json_writer writer(out);
    document->root().write_canonical(writer);
    CHECK(writer.is_complete());
    return out;
}

template <class Steps> bool writer_stops(Steps&& steps)
{
    return stops([&] {
        std::string out;
        json_writer writer(out);
        steps(writer);
    });
}

} // namespace

TEST_CASE("the writer puts down exactly what it is given", "[base][json]")
{
    std::string out = "before ";
    json_writer writer(out);
    writer.begin_object();
    writer.member("a", 1).member("b", "text").member("c", true).key("d").null();
    writer.key("e").begin_array().value(-7).value(std::string("x")).begin_object().end_object().end_array();
    CHECK_FALSE(writer.is_complete());
    writer.key("f").begin_array().end_array().end_object();
    CHECK(writer.is_complete());
    CHECK(out == R"(before {"a":1,"b":"text","c":true,"d":null,"e":[-7,"x",{}],"f":[]})");
}

TEST_CASE("the writer escapes what RFC 8785 says and nothing else", "[base][json]")
{
    const auto [text, written] = GENERATE(table<std::string, std::string>({
        {"\x1f", R"("\u001f")"},
        {std::string(1, '\0'), R"("\u0000")"},
        {"\b\t\n\f\r", R"("\b\t\n\f\r")"},
        {"\x0b\x1b", R"("\u000b\u001b")"},
        {"\"\\", R"("\"\\")"},
        {"a/b", R"("a/b")"},
        {"\x7f", "\"\x7f\""},
        {"café €\xe2\x80\xa8\xf0\x9f\x98\x80", "\"café €\xe2\x80\xa8\xf0\x9f\x98\x80\""},
        {"<a&b>'", R"("<a&b>'")"},
    }));
    std::string out;
    json_writer(out).value(text);
    CHECK(out == written);
}

TEST_CASE("a text survives writing and reading wherever its odd character stands", "[base][json]")
{
    std::size_t wrong = 0;
    for (const std::string odd : {"\x1f", "\"", "\\", " ", "!", "#", "[", "]", "\x7f", "é", "\n"}) {
        for (std::size_t length = 0; length < 20; ++length) {
            for (std::size_t at = 0; at <= length; ++at) {
                const std::string text = std::string(at, 'a') + odd + std::string(length - at, 'z');
                std::string out;
                json_writer writer(out);
                writer.begin_object().member(text, text).key(text + "~").value(text).end_object();
                const auto back = json_document::parse(out);
                wrong += !back || back->root()[text].string_if() != text || back->root().size() != 2;
            }
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("integers reach to 2^53 - 1 and no further", "[base][json]")
{
    std::string out;
    json_writer(out)
        .begin_array()
        .value(json_writer::integer_max)
        .value(-json_writer::integer_max)
        .value(0u)
        .end_array();
    CHECK(out == "[9007199254740991,-9007199254740991,0]");
    CHECK(writer_stops([](json_writer& w) { w.value(json_writer::integer_max + 1); }));
    CHECK(writer_stops([](json_writer& w) { w.value(-json_writer::integer_max - 1); }));
    CHECK(writer_stops([](json_writer& w) { w.value(std::numeric_limits<std::uint64_t>::max()); }));
}

TEST_CASE("the writer stops at a payload that would not be canonical", "[base][json]")
{
    CHECK(writer_stops([](json_writer& w) { w.begin_object().member("b", 1).member("a", 2); }));
    CHECK(writer_stops([](json_writer& w) { w.begin_object().member("a", 1).member("a", 2); }));
    CHECK(writer_stops([](json_writer& w) { w.begin_object().member("ab", 1).member("a", 2); }));
    CHECK(writer_stops([](json_writer& w) { w.begin_object().member("b\n", 1).member("b\n", 2); }));
    CHECK(writer_stops([](json_writer& w) { w.value("\xff"); }));
    CHECK(writer_stops([](json_writer& w) { w.begin_object().key("\xed\xa0\x80"); }));
    CHECK(writer_stops([](json_writer& w) { w.begin_object().value(1); }));
    CHECK(writer_stops([](json_writer& w) { w.begin_object().key("a").key("b"); }));
    CHECK(writer_stops([](json_writer& w) { w.begin_object().key("a").end_object(); }));
    CHECK(writer_stops([](json_writer& w) { w.begin_object().end_array(); }));
    CHECK(writer_stops([](json_writer& w) { w.begin_array().key("a"); }));
    CHECK(writer_stops([](json_writer& w) { w.value(1).value(2); }));
    CHECK(writer_stops([](json_writer& w) { w.end_object(); }));
    CHECK(writer_stops([](json_writer& w) { w.number(std::numeric_limits<double>::infinity()); }));
    CHECK(writer_stops([](json_writer& w) {
        for (unsigned i = 0; i <= json_writer::depth_max; ++i)
            w.begin_array();
    }));
    CHECK_FALSE(writer_stops([](json_writer& w) {
        for (unsigned i = 0; i < json_writer::depth_max; ++i)
            w.begin_array();
    }));
    CHECK_FALSE(writer_stops([](json_writer& w) { w.begin_object().member("b\n", 1).member("b\r", 2).end_object(); }));
}

TEST_CASE("the keys of one object do not bind those of another", "[base][json]")
{
    std::string out;
    json_writer writer(out);
    writer.begin_object().key("m").begin_object().member("z", 1).end_object().key("n").begin_object();
    writer.member("a", 1).end_object().end_object();
    CHECK(out == R"({"m":{"z":1},"n":{"a":1}})");
}

TEST_CASE("numbers are laid out as ECMAScript does", "[base][json]")
{
    // Source: RFC 8785 appendix B and section 3.2.2.
    const auto [bits, written] = GENERATE(table<std::uint64_t, std::string>({
        {0x0000000000000000, "0"},
        {0x8000000000000000, "0"},
        {0x0000000000000001, "5e-324"},
        {0x8000000000000001, "-5e-324"},
        {0x7fefffffffffffff, "1.7976931348623157e+308"},
        {0x4340000000000000, "9007199254740992"},
        {0xc340000000000000, "-9007199254740992"},
        {0x4430000000000000, "295147905179352830000"},
        {0x44b52d02c7e14af5, "9.999999999999997e+22"},
        {0x44b52d02c7e14af6, "1e+23"},
        {0x444b1ae4d6e2ef4e, "999999999999999700000"},
        {0x444b1ae4d6e2ef50, "1e+21"},
        {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
        {0x3eb0c6f7a0b5ed8d, "0.000001"},
        {0x41b3de4355555553, "333333333.3333332"},
        {0xbecbf647612f3696, "-0.0000033333333333333333"},
        {0x43143ff3c1cb0959, "1424953923781206.2"},
    }));
    double value;
    static_assert(sizeof value == sizeof bits);
    std::memcpy(&value, &bits, sizeof value);
    std::string out;
    json_writer(out).number(value);
    CHECK(out == written);
}

TEST_CASE("a parsed text is written back in canonical form", "[base][json]")
{
    const auto [text, written] = GENERATE(table<std::string, std::string>({
        {" { \"b\" : 1 , \"a\" : [ true , null , \"x\" ] } ", R"({"a":[true,null,"x"],"b":1})"},
        {R"(["\u001F", "\/", "\u00e9", "\ud83d\ude00"])", "[\"\\u001f\",\"/\",\"é\",\"\xf0\x9f\x98\x80\"]"},
        {"[1.0, 1e21, -0, 4.50, 2e-3]", "[1,1e+21,0,4.5,0.002]"},
        {"[9007199254740991, 9007199254740993, 1E30]", "[9007199254740991,9007199254740992,1e+30]"},
        {R"({"a":1,"b":2,"a":3})", R"({"a":1,"b":2})"},
        {R"({"b":1,"b":2,"a":3})", R"({"a":3,"b":1})"},
        // Source: RFC 8785 section 3.2.3, the order of keys.
        {R"({"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7})",
         "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"ö\":7,\"€\":1,\"\xf0\x9f\x98\x80\":5,\"\xef\xac\xb3\":3}"},
        {"\"top\"", "\"top\""},
    }));
    CHECK(canonical(text) == written);
    CHECK(canonical(written) == written);
}

TEST_CASE("an object of many unsorted keys is written sorted", "[base][json]")
{
    std::string text = "{";
    for (int i = 299; i >= 100; --i)
        text += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + (i > 100 ? "," : "}");
    const std::string written = canonical(text);
    CHECK(written.starts_with(R"({"k100":100,"k101":101,)"));
    CHECK(written.ends_with(R"("k299":299})"));
}

TEST_CASE("a view finds what is there and is absent elsewhere", "[base][json]")
{
    const auto document = json_document::parse(
        R"({"data":{"pupil":{"name":"Ann Other","year":7},"marks":[{"code":"/"},{"code":"N"}]},"ok":true,"gone":null,)"
        R"("rate":2.5,"big":9223372036854775807,"huge":9223372036854775808,"":{"x":1}})"
    );
    REQUIRE(document);
    const json_view root = document->root();
    static_assert(sizeof(json_view) == sizeof(void*));

    CHECK(root.is_object());
    CHECK(root.size() == 7);
    CHECK(root.path("data.pupil.name").as_string() == "Ann Other");
    CHECK(root["data"]["pupil"]["year"].as_int() == 7);
    CHECK(root.path("data.marks").size() == 2);
    CHECK(root.path("data.marks.1.code").as_string() == "N");
    CHECK(root.path("data.marks").at(0)["code"].string_if() == "/");
    CHECK(root["ok"].as_bool());
    CHECK(root["gone"].is_null());
    CHECK_FALSE(root["gone"].is_absent());
    CHECK(root["rate"].is_number());
    CHECK_FALSE(root["rate"].is_int());
    CHECK(root["rate"].as_double() == 2.5);
    CHECK(root["big"].int_if() == std::numeric_limits<std::int64_t>::max());
    CHECK_FALSE(root["huge"].is_int());
    CHECK(root.path(".x").as_int() == 1);

    for (const json_view missing :
         {root["none"],
          root.path("data.none.name"),
          root.path("data.marks.2"),
          root.path("data.marks.-1"),
          root.path("data.marks.x"),
          root.path("data.marks.0x"),
          root.at(0),
          root["ok"]["x"],
          root["data"].at(0),
          json_view()}) {
        CHECK(missing.is_absent());
        CHECK(missing.is_null());
        CHECK(missing.size() == 0);
        CHECK_FALSE(missing.string_if());
    }
    CHECK_FALSE(root["ok"].int_if());
    CHECK_FALSE(root["rate"].bool_if());
    CHECK(stops([&] { (void)root["ok"].as_string(); }));
    CHECK(stops([&] { (void)root["none"].as_int(); }));

    std::string names;
    root["data"].for_each([&](std::string_view name, json_view) { names += std::string(name) + " "; });
    root["ok"].for_each([&](std::string_view name, json_view) { names += std::string(name); });
    CHECK(names == "pupil marks ");
    std::string codes;
    root.path("data.marks").for_each_element([&](json_view mark) { codes += mark["code"].as_string(); });
    CHECK(codes == "/N");
}

TEST_CASE("a document can be moved while views into it live", "[base][json]")
{
    auto document = json_document::parse(R"({"a":"short","b":"a text that does not fit inside a pointer or two"})");
    REQUIRE(document);
    const json_view root = document->root();
    const json_document moved = std::move(*document);
    CHECK(root["a"].as_string() == "short");
    CHECK(moved.root()["b"].as_string() == "a text that does not fit inside a pointer or two");
}

TEST_CASE("a text that is not JSON is refused with the place", "[base][json]")
{
    const auto [text, place] = GENERATE(table<std::string, std::string>({
        {"", "byte 0"},
        {"{\"a\":1,}", "byte 7"},
        {"[1 2]", "byte 3"},
        {"[01]", "byte 2"},
        {"[NaN]", "byte 1"},
        {"[1e999]", "byte 1"},
        {"{a:1}", "byte 1"},
        {"['a']", "byte 1"},
        {"[1] x", "byte 4"},
        {"[\"\t\"]", "byte 2"},
        {"[\"a", "byte"},
        {std::string("[1]\0[2]", 7), "byte 3"},
        {std::string("[\"a\0b\"]", 7), "byte"},
        {"[\"\xff\"]", "not UTF-8"},
        {"[\"\xed\xa0\x80\"]", "not UTF-8"},
        {"{\"\xc0\x80\":1}", "not UTF-8"},
        {"[\"\\ud800\"]", "byte 2"},
        {"[\"\\ud800\\u0041\"]", "byte 2"},
        {"[\"\\udc00\"]", "not UTF-8"},
        {"\xef\xbb\xbf[]", "byte 0"},
    }));
    CAPTURE(text);
    const auto document = json_document::parse(text);
    REQUIRE_FALSE(document);
    CHECK(document.error().code == errc::page_malformed);
    CHECK_THAT(document.error().what, Catch::Contains(place));
}

TEST_CASE(
    "a number too small for any power of ten that is known is refused, and one that is not is read", "[base][json]"
)
{
    const std::string zeros(400, '0');
    const std::vector<std::string> tiny = {
        "1.2345678901234567891e-340",
        "88888388.88888888808e-884",
        "0." + zeros + "123456789012345678901",
        "0." + zeros,
        "-0." + std::string(60, '0') + "E-300",
        "1e-99999999999999999999"};
    for (const std::string& each : tiny) {
        CAPTURE(each);
        const auto parsed = json_document::parse(R"({"a\"1e-999":[7,)" + each + "]}");
        REQUIRE_FALSE(parsed);
        CHECK_THAT(parsed.error().what, Catch::Contains("too small"));
    }
    for (const std::string each : {"5e-324", "2.2250738585072014e-308", "1e-348", "123e-340", "\"1e-999\"", "1E+300"}) {
        CAPTURE(each);
        CHECK(json_document::parse("[" + each + "]"));
    }
}

TEST_CASE("a text over a limit is refused", "[base][json]")
{
    const std::string deep = std::string(64, '[') + std::string(64, ']');
    CHECK(json_document::parse(deep));
    CHECK_FALSE(json_document::parse("[" + deep + "]"));
    CHECK_FALSE(json_document::parse("[1,2,3]", {.bytes_max = 6}));
    CHECK(json_document::parse("[1,2,3]", {.bytes_max = 7}));
    const auto bottomless = json_document::parse(std::string(1'000'000, '['));
    REQUIRE_FALSE(bottomless);
    CHECK_THAT(bottomless.error().what, Catch::Contains("nested too deeply"));
    // Beyond what the writer can follow, whatever the caller allows.
    CHECK_FALSE(json_document::parse(std::string(200, '[') + std::string(200, ']'), {.depth_max = 1000}));
}

TEST_CASE("a name that is there twice is refused when asked to", "[base][json]")
{
    const std::string text = R"({"a":1,"b":[{"c":1,"d":2,"c":3}]})";
    const auto lenient = json_document::parse(text);
    REQUIRE(lenient);
    CHECK(lenient->root().path("b.0.c").as_int() == 1);
    const auto strict = json_document::parse(text, {.strict = true});
    REQUIRE_FALSE(strict);
    CHECK_THAT(strict.error().what, Catch::Contains("twice") && Catch::EndsWith("at byte 26"));
    CHECK(json_document::parse(R"({"a":{"a":1},"b":{"a":2}})", {.strict = true}));
}
