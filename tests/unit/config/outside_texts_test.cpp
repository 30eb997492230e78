// What fuzzing found in files that a school may write.
#include "tests/unit/config/school_folder.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace rollbook;
using Catch::Matchers::Contains;

TEST_CASE("a file that holds what no text holds is refused where it stands, as one saved as UTF-16 is", "[config]")
{
    school_folder school;
    SECTION("a NUL in the name of a table")
    {
        school.main.replace(school.main.find("[ledger]"), 1, std::string("[\0\0", 3));
        CHECK_THAT(problems_of(school.load()), Contains("rollbook.toml:7:2: holds a control character"));
    }
    SECTION("every other byte a NUL")
    {
        std::string wide;
        for (const char c : school.calendar)
            wide.append({c, '\0'});
        school.calendar = wide;
        CHECK_THAT(problems_of(school.load()), Contains("calendar.toml:1:2") && Contains("saved as UTF-8"));
    }
}

TEST_CASE("a table whose name begins as no name does is refused where it stands", "[config]")
{
    const auto odd = GENERATE(as<std::string>(), ";", "=", "[;", "\u00E9", "]", "/", "{");
    CAPTURE(odd);
    school_folder school;
    school.main.replace(school.main.find("[ledger]"), 1, "[" + odd);
    CHECK_THAT(problems_of(school.load()), Contains("rollbook.toml:7:") && Contains("not valid TOML"));
}

TEST_CASE("an origin that the ledger could not sign under is refused", "[config]")
{
    const auto odd = GENERATE(as<std::string>(), "\u2003", "\u00A0", "\u0085", "\u3000", "+", "\\u0001");
    school_folder school;
    school.main.replace(school.main.find("ledger.example.sch.uk"), 6, "a" + odd + "b");
    CHECK_THAT(problems_of(school.load()), Contains("ledger.origin"));
}

TEST_CASE("what is said of a file is one line each, whatever its keys hold", "[config]")
{
    school_folder school;
    school.mapping += "\n[codes]\n\"a\\nb\" = 1\n";
    school.main.replace(school.main.find("\"calendar.toml\""), 15, "\"cal\\nendar.toml\"");
    const loaded_configuration loaded = school.load();
    REQUIRE_FALSE(loaded.has_value());
    const std::string said = problems_of(loaded);
    CHECK_THAT(said, Contains("a?b") && Contains("cal?endar"));
    CHECK(std::ranges::count(said, '\n') == std::ssize(loaded.error().lines()));
}

TEST_CASE("a watch list that was not saved as UTF-8 is refused, for its words go into the ledger", "[config]")
{
    school_folder school;
    school.write("watchlist.csv", "pupil,reason,tell,review\nmis:12,pla\xF1,,\n");
    school.main.replace(
        school.main.find("packs = [\"england\"]"), 19, "packs = [\"england\"]\nwatch_list = \"watchlist.csv\""
    );
    CHECK_THAT(problems_of(school.load()), Contains("watchlist.csv:2") && Contains("UTF-8"));
}

TEST_CASE("a watch list of more bytes than any school's has is refused unread", "[config]")
{
    const std::string head = "pupil,reason,tell,review\n";
    const auto [size, is_refused] = GENERATE(table<std::size_t, bool>({{1 << 20, false}, {(1 << 20) + 1, true}}));
    school_folder school;
    // One row, so that nothing else is wrong with it.
    const std::string row = "mis:12,";
    school.write("watchlist.csv", head + row + std::string(size - head.size() - row.size() - 2, 'a') + ",,");
    school.main.replace(
        school.main.find("packs = [\"england\"]"), 19, "packs = [\"england\"]\nwatch_list = \"watchlist.csv\""
    );
    const loaded_configuration loaded = school.load();
    CHECK(loaded.has_value() != is_refused);
    if (!loaded) CHECK_THAT(problems_of(loaded), Contains("watchlist.csv: is larger than 1 MiB"));
}

TEST_CASE("a pack's rule that cannot be read and a school's override of it make one problem", "[config]")
{
    school_folder school;
    std::filesystem::create_directory(school.path() / "packs");
    school.write(
        "packs/county.toml",
        "[pack]\nname = \"county\"\ntitle = \"T\"\ndated = 2026-11-27\n[[rule]]\nid = \"repeated-lateness\"\n"
        "measure = \"late_sessions\"\nwindow = \"10 school days\"\nstages = []\n"
    );
    school.main.replace(school.main.find("packs = [\"england\"]"), 19, "packs = [\"county\"]");
    const std::size_t from = school.main.find("title = \"Repeated lateness\"");
    school.main.replace(from, school.main.find("clear_below = 3") - from, "");
    const std::string said = problems_of(school.load(school.path() / "packs"));
    CHECK_THAT(said, Contains("county.toml:9") && Contains("is empty") && !Contains("clear_below"));
}
