#include "connectors/mapping/dates.hpp"
#include "connectors/mapping/values.hpp"
#include "connectors/rest/response.hpp"
#include "connectors/rest/url.hpp"

#include "tests/connectors/printing.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;

TEST_CASE("a whole number is read however it is written, and nothing else is one", "[connectors]")
{
    CHECK(whole_number(" 12 ") == 12);
    CHECK(whole_number("-3") == -3);
    CHECK(whole_number("4.00") == 4);
    for (const char* text : {"", "4.5", "4.", ".0", "1e3", "0x4", "four", "4 5", "99999999999999999999"}) {
        CAPTURE(text);
        CHECK_FALSE(whole_number(text));
    }
}

TEST_CASE("only ids are taken from free text, never other words", "[connectors]")
{
    const std::vector<marker> markers = {{"[Wonde:", "]", "Wonde:"}, {"(added in ClassCharts, ", ")", "ClassCharts:"}};
    using list = std::vector<std::string>;
    CHECK(
        marked_ids("x [Wonde:A9] y (added in ClassCharts, 14) [Wonde:A9]", markers) ==
        list{"ClassCharts:14", "Wonde:A9"}
    );
    CHECK(marked_ids("[Wonde:his mother rang]", markers).empty());
    CHECK(marked_ids("[Wonde:]", markers).empty());
    CHECK(marked_ids("[Wonde:A9", markers).empty());
    CHECK(marked_ids("[Wonde:not this [Wonde:A8]", markers) == list{"Wonde:A8"});
    CHECK(marked_ids("[Wonde:" + std::string(65, 'A') + "]", markers).empty());
}

TEST_CASE("lists are split and keep each text where it stood first", "[connectors]")
{
    using list = std::vector<std::string>;
    CHECK(split_list(" b; a;;b ", ';') == list{"b", "a", "b"});
    list repeated = {"b", "a", "b"};
    drop_repeats(repeated);
    CHECK(repeated == list{"b", "a"});
}

TEST_CASE("a moment takes the zone its own value names", "[connectors]")
{
    date_reader dates({"%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S"});
    const auto [text, zone, expected] = GENERATE(table<std::string, std::string, std::string>({
        {"2025-07-06 10:00:00.000000", "Europe/London", "2025-07-06T09:00:00.000Z"},
        {"2025-07-06 10:00:00", "UTC", "2025-07-06T10:00:00.000Z"},
        {"2025-01-06 10:00:00", "Europe/London", "2025-01-06T10:00:00.000Z"},
        {"2025-07-06 10:00:00", "+01:00", "2025-07-06T09:00:00.000Z"},
        {"2025-10-26 01:30:00", "Europe/London", "2025-10-26T00:30:00.000Z"}, // the hour that happens twice
        {"2025-07-06 10:00:00", "Mars/Olympus", ""},
        {"2025-07-06 10:00:00", "", ""},
        {"2025-07-06T10:00:00Z", "UTC", ""},
    }));
    CAPTURE(text, zone);
    const auto at = dates.moment(text, zone);
    CHECK((at ? format_instant(*at) : "") == expected);
}

TEST_CASE("a day that could not be read does not become the day before it", "[connectors]")
{
    date_reader dates({"%Y-%m-%d"});
    REQUIRE(dates.day("2025-10-06"));
    CHECK_FALSE(dates.day("2025-10-32"));
    CHECK_FALSE(dates.day("2025-10-32"));
    CHECK(format_day(*dates.day("2025-10-06")) == "2025-10-06");
}

TEST_CASE("only the same scheme, host and port is the same origin", "[connectors]")
{
    const auto home = origin_of("https://API.example.test/v1.0");
    REQUIRE(home);
    CHECK(origin_of("HTTPS://api.example.test:443/x?y=1") == home);
    for (const char* other : {"http://api.example.test/", "https://api.example.test:444/", "https://example.test/"}) {
        CAPTURE(other);
        CHECK(origin_of(other) != home);
    }
    for (const char* unsafe :
         {"https://user@api.example.test/",
          "https://api.example.test\\@evil.example/",
          "https://api.example.test#@evil/",
          "//api.example.test/",
          "ftp://api.example.test/",
          "https:///x",
          "https://api.example.test:0/",
          "https://a b/",
          "https://api.example.test:99999/",
          "https://[::1/",
          "https://api.example.test/\n",
          "javascript:alert(1)"}) {
        CAPTURE(unsafe);
        CHECK_FALSE(origin_of(unsafe));
    }
    CHECK(origin_of("http://[::1]:80/")->is_loopback());
    CHECK(origin_of("http://127.0.0.1/")->is_loopback());
    CHECK_FALSE(origin_of("http://127.evil.example/")->is_loopback());
}

TEST_CASE("a query is added percent-encoded", "[connectors]")
{
    std::string url = "https://a/x";
    add_query(url, "include", "a,b c");
    add_query(url, "q", "é&=");
    CHECK(url == "https://a/x?include=a%2Cb%20c&q=%C3%A9%26%3D");
}

TEST_CASE("Retry-After is read as seconds or as a date held against the answer's own", "[connectors]")
{
    const auto [after, date, expected] = GENERATE(table<std::string, std::string, long>({
        {"120", "", 120},
        {"0", "", 0},
        {"000", "", 0},
        {"999999999999999999999999", "", 86400},
        {"Mon, 06 Oct 2025 08:50:30 GMT", "Mon, 06 Oct 2025 08:50:00 GMT", 30},
        {"Mon, 06 Oct 2025 08:49:00 GMT", "Mon, 06 Oct 2025 08:50:00 GMT", 0},
        {"Mon, 06 Oct 2025 08:50:30 GMT", "", -1},
        {"Mon, 06 Oct 2025 08:50:30 GMT", "yesterday", -1},
        {"soon", "Mon, 06 Oct 2025 08:50:00 GMT", -1},
        {"-5", "", -1},
        {"", "", -1},
    }));
    CAPTURE(after, date);
    http_response r;
    r.status = 429;
    r.headers = {{"date", date}, {"retry-after", after}};
    const auto wait = retry_after(r);
    CHECK((wait ? wait->count() : -1) == expected);
    const auto checked = check_response(r, "GET /x, page 1", true);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().retry_after == wait);
}
