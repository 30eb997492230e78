#include "daemon/web/http.hpp"
#include "daemon/web/page.hpp"

#include <catch2/catch.hpp>

namespace rollbook {
namespace {

TEST_CASE("an address is taken apart, its ending says the form", "[web]")
{
    const auto target = parse_target("/pupils/P-12.csv?known_at=2026-11-23T08%3A55%3A00Z&a=b+c#part").value();
    CHECK(target.path == "/pupils/P-12");
    CHECK(target.form == page_form::csv);
    CHECK(target.query.at("known_at") == "2026-11-23T08:55:00Z");
    CHECK(target.query.at("a") == "b c");
    CHECK(parse_target("/alerts/7.json").value().form == page_form::json);
    CHECK(parse_target("/").value().path == "/");
}

TEST_CASE("an address that steps out, is escaped badly or is no text is refused", "[web]")
{
    const std::string text = GENERATE(
        as<std::string>(),
        "",
        "alerts",
        "http://elsewhere/",
        "/../etc/passwd",
        "/alerts/../../etc/passwd",
        "/%2e%2e/etc/passwd",
        "/alerts//7",
        "/alerts/",
        "/./alerts",
        "/alerts%00",
        "/alerts\\7",
        "/alerts%5C7",
        "/%ff",
        "/%c0%ae",
        "/%4",
        "/a%0d%0aSet-Cookie:x",
        "/...json",
        "/a/..csv",
        "/alerts?a=%zz",
        "/alerts?a=%ff"
    );
    CAPTURE(text);
    CHECK_FALSE(parse_target(text));
}

TEST_CASE("a form of more than 512 fields is refused", "[web]")
{
    std::string body;
    for (int i = 0; i < 512; ++i)
        body += "f" + std::to_string(i) + "=1&";
    CHECK(parse_form(body));
    CHECK_FALSE(parse_form(body + "one=more"));
}

TEST_CASE("of a field that is sent twice the first counts", "[web]")
{
    CHECK(parse_form("a=1&a=2").value().at("a") == "1");
    CHECK(parse_cookies("x=1; y=2;x=3").at("x") == "1");
    CHECK(parse_cookies("x=1; y=2;x=3").at("y") == "2");
}

TEST_CASE("every answer forbids scripts, frames, guessing of types and keeping", "[web]")
{
    const auto headers = security_headers(true, false);
    const std::map<std::string, std::string> by_name(headers.begin(), headers.end());
    const std::string& policy = by_name.at("Content-Security-Policy");
    CHECK_THAT(policy, Catch::Contains("default-src 'none'") && Catch::Contains("frame-ancestors 'none'"));
    CHECK_THAT(policy, !Catch::Contains("unsafe") && !Catch::Contains("script-src"));
    CHECK(by_name.at("X-Content-Type-Options") == "nosniff");
    CHECK(by_name.at("Referrer-Policy") == "no-referrer");
    CHECK(by_name.at("Cache-Control") == "no-store");
    CHECK(by_name.count("Strict-Transport-Security") == 1);
    CHECK(security_headers(false, false).size() == headers.size() - 1);
}

TEST_CASE("a cell that a spreadsheet would work out is text", "[web]")
{
    const auto [cell, expected] = GENERATE(table<std::string, std::string>({
        {"=1+1", "'=1+1"},
        {"+44 20", "'+44 20"},
        {"-cmd", "'-cmd"},
        {"@SUM(A1)", "'@SUM(A1)"},
        {"\t=1", "'\t=1"},
        {"-12", "-12"},
        {"12", "12"},
        {"a,b", "\"a,b\""},
        {"say \"no\"", "\"say \"\"no\"\"\""},
        {"=a,b", "\"'=a,b\""},
        {"", ""},
    }));
    CAPTURE(cell);
    CHECK(csv_cell(cell) == expected);
}

} // namespace
} // namespace rollbook
