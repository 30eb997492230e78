#include "daemon/domain/pupil_scope.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;

TEST_CASE("a scope is read as it is written, in one order", "[domain]")
{
    const auto scope = parse_scope(" year=10,form = 9B ,, year=8");
    REQUIRE(scope.has_value());
    CHECK(*scope == pupil_scope{{"10", "8"}, {"9B"}});
    CHECK(to_text(*scope) == "form=9B, year=10, year=8");
    CHECK(parse_scope(to_text(*scope)).value() == *scope);
    CHECK(parse_scope("").value().is_empty());
}

TEST_CASE("a pupil is within a scope by year or by form, and never by what is not known", "[domain]")
{
    const pupil_scope scope = parse_scope("year=8, form=9B").value();
    CHECK(scope.contains("8", "8A"));
    CHECK(scope.contains("9", "9B"));
    CHECK_FALSE(scope.contains("9", "9A"));
    CHECK_FALSE(scope.contains("", ""));
    CHECK_FALSE(pupil_scope().contains("8", "8A"));
    CHECK_FALSE(pupil_scope().contains("", ""));
}

TEST_CASE("what is neither a year group nor a form is no scope", "[domain]")
{
    const std::string text =
        GENERATE(as<std::string>(), "8", "house=red", "year=", "=8", "year=8\n", "year=" + std::string(41, 'x'));
    CAPTURE(text);
    const auto scope = parse_scope(text);
    REQUIRE_FALSE(scope.has_value());
    CHECK(scope.error().code == errc::usage);
}
