#include "daemon/service/probe.hpp"
#include "daemon/service/timeliness.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

TEST_CASE("a probe shows the shape of a value and nothing of it", "[service]")
{
    CHECK(masked_shape("H123456789012") == "X999999999999");
    CHECK(masked_shape("Zoë O'Neil") == "Xxx X'Xxxx");
    CHECK(masked_shape("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") == "xxxxxxxxxxxxxxxxxxxxxxxx...");
}

TEST_CASE("a rejected row is shown with its members' names and no value", "[service]")
{
    CHECK(
        masked_row(R"({"id":null,"on":{"date":"2026-09-01"},"name":"O\"Neil Ann","late":[12,true]})") ==
        R"({"id":null,"on":{"date":"9999-99-99"},"name":"X\"Xxxx Xxx","late":[99,true]})"
    );
    CHECK(masked_row(R"({"id":"cut)") == R"({"id":"xx")");
    CHECK(masked_row(std::string(1'000, '7')) == std::string(400, '9') + "...");
}

TEST_CASE("a probe says what may be missing for want of a permission", "[service]")
{
    stream_probe found;
    found.stream = "students";
    CHECK_THAT(doubts(found).at(0), Contains("permission") && Contains("another region"));
    found.records = 2;
    found.fields["pupil.surname"].filled = 2;
    found.fields["pupil.upn"];
    REQUIRE(doubts(found).size() == 1);
    CHECK_THAT(doubts(found)[0], Contains("never filled") && Contains("pupil.upn") && !Contains("surname"));
    found.why.emplace(errc::source_refused, "403", "ask"); // says it by itself
    CHECK(doubts(found).empty());
}

TEST_CASE("a rule's support is that of the source that is least behind, and says why", "[service]")
{
    rule lateness;
    lateness.measure = "late_sessions";
    source_timeliness live{"mis", {what::pupil, what::session_mark}, 0min, 10min};
    source_timeliness wonde{"wonde", {what::session_mark}, 120min, 10min};
    source_timeliness batch{"batch", {what::session_mark}, 1440min, 10min};
    source_timeliness unknown{"other", {what::session_mark}, std::nullopt, 10min};
    source_timeliness roster{"roster", {what::pupil}, 0min, 10min};
    CHECK_THAT(support_of(lateness, {live}).text, Catch::StartsWith("same hour: mis"));
    CHECK_THAT(support_of(lateness, {batch, wonde}).text, Catch::StartsWith("same day: wonde"));
    CHECK_THAT(support_of(lateness, {batch}).text, Catch::StartsWith("next day"));
    CHECK_THAT(support_of(lateness, {unknown}).text, Contains("not documented"));
    const rule_support none = support_of(lateness, {roster});
    CHECK_FALSE(none.possible);
    CHECK_THAT(none.text, Contains("no source gives a session-mark"));
}
