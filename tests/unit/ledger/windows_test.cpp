#include "daemon/ledger/windows.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;

TEST_CASE("a stream whose kept windows cannot be understood counts as never read", "[ledger]")
{
    const auto [why, text] = GENERATE(table<const char*, const char*>({
        {"a time that is no number", "* noon;"},
        {"no time", "2026-09-01 ;"},
        {"no time and no space", "*;"},
        {"a number that no time has room for", "* 99999999999999999999;"},
        {"a day that is none", "2026-02-30 1790000000000;"},
        {"a word that is none", "* 1790000000000 lost;"},
        {"more behind the time", "* 1790000000000x;"},
        {"cut off in its time", "* 17900000"},
        {"one of two", "2026-09-01 1790000000000;*"},
        {"nothing between two ends", "* 1790000000000;;"},
    }));
    CAPTURE(why);
    CHECK(parse_windows(text).empty());
}

TEST_CASE("a stream's windows are read as they were written", "[ledger]")
{
    const std::string text = "2026-09-01 1790000000000 listed;* -5;* 1790000000001;";
    const auto windows = parse_windows(text);
    REQUIRE(windows.size() == 3);
    CHECK(windows[0].from == parse_day("2026-09-01"));
    CHECK(windows[0].read_at == from_milliseconds(1'790'000'000'000));
    CHECK(windows[0].listed);
    CHECK_FALSE(windows[1].from);
    CHECK_FALSE(windows[1].listed);
    CHECK(windows_text(windows) == text);
    CHECK(parse_windows("").empty());
}
