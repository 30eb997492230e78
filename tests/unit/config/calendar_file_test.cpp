#include "tests/unit/config/school_folder.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace rollbook;
using Catch::Matchers::Contains;

namespace {

constexpr std::string_view whole_day = R"(
[[session]]
name = "AM"
register_opens = 08:45:00
register_closes = 09:15:00
from = 2026-09-01
[[session]]
name = "PM"
register_opens = 13:00:00
register_closes = 13:20:00
from = 2026-09-01
settle = "0s"
)";

std::string terms(std::string_view half_terms)
{
    return "[[term]]\nname = \"Autumn 2026\"\nhalf_terms = [" + std::string(half_terms) + "]\n";
}

const std::string autumn = terms("{ first_day = 2026-09-03, last_day = 2026-10-23 }, "
                                 "{ first_day = 2026-11-02, last_day = 2026-12-18 }");

std::vector<std::string> calendar_warnings(const configuration& loaded)
{
    std::vector<std::string> out;
    for (const std::string& warning : loaded.warnings)
        if (warning.find("calendar.toml") != warning.npos) out.push_back(warning);
    return out;
}

} // namespace

TEST_CASE("a holiday of several days closes each of them", "[config]")
{
    school_folder school;
    school.calendar =
        autumn + std::string(whole_day) + "[[closed]]\nday = 2026-11-26\nlast_day = 2026-11-30\nkind = \"holiday\"\n";
    const loaded_configuration loaded = school.load();
    INFO(problems_of(loaded));
    REQUIRE(loaded.has_value());
    CHECK(loaded->calendar.is_school_day(*parse_day("2026-11-25")));
    for (const auto* day : {"2026-11-26", "2026-11-27", "2026-11-30"})
        CHECK_FALSE(loaded->calendar.is_school_day(*parse_day(day)));
    CHECK(loaded->calendar.is_school_day(*parse_day("2026-12-01")));
    CHECK(loaded->calendar.closed().front().kind == closed_kind::holiday);
    CHECK(calendar_warnings(*loaded).empty());
}

TEST_CASE("a session counts five minutes after closing unless the calendar says otherwise", "[config]")
{
    school_folder school;
    school.calendar = autumn + std::string(whole_day);
    const loaded_configuration loaded = school.load();
    REQUIRE(loaded.has_value());
    const civil_day day = *parse_day("2026-09-03");
    CHECK(loaded->calendar.times_of({day, half_day::am})->settle == std::chrono::minutes(5));
    CHECK(loaded->calendar.times_of({day, half_day::pm})->settle == std::chrono::minutes(0));
}

TEST_CASE("what is odd in a calendar is a warning, not an error", "[config]")
{
    const auto [why, text, words] = GENERATE(table<std::string, std::string, std::string>({
        {"closed outside terms", "[[closed]]\nday = 2026-10-27\nkind = \"inset\"\n", "outside every half term"},
        {"open for 31 minutes",
         "[[session]]\nname = \"PM\"\nregister_opens = 13:00:00\nregister_closes = 13:31:00\nfrom = 2026-10-01\n",
         "30 minutes"},
    }));
    CAPTURE(why);
    school_folder school;
    school.calendar = autumn + std::string(whole_day) + text;
    const loaded_configuration loaded = school.load();
    INFO(problems_of(loaded));
    REQUIRE(loaded.has_value());
    const std::vector<std::string> warnings = calendar_warnings(*loaded);
    REQUIRE(warnings.size() == 1);
    CHECK_THAT(warnings[0], Contains(words));
}

TEST_CASE("a register open for exactly 30 minutes is not warned of", "[config]")
{
    school_folder school;
    school.calendar = autumn + std::string(whole_day);
    const loaded_configuration loaded = school.load();
    REQUIRE(loaded.has_value());
    CHECK(calendar_warnings(*loaded).empty()); // AM is open from 08:45 to 09:15
}

TEST_CASE("times that begin after the first school day are warned of", "[config]")
{
    school_folder school;
    school.calendar = autumn;
    school.calendar.append(whole_day);
    school.calendar.replace(school.calendar.rfind("2026-09-01"), 10, "2026-10-01");
    const loaded_configuration loaded = school.load();
    REQUIRE(loaded.has_value());
    const std::vector<std::string> warnings = calendar_warnings(*loaded);
    REQUIRE(warnings.size() == 1);
    CHECK_THAT(warnings[0], Contains("PM") && Contains("from 2026-09-03 to 2026-10-01"));
}

TEST_CASE("a wrong calendar names its own file, the line and the key", "[config]")
{
    const auto [text, key, words] = GENERATE(table<std::string, std::string, std::string>({
        {"", "term", "is missing"},
        {terms(""), "term[1].half_terms", "is empty"},
        {terms("{ first_day = 2026-09-03 }"), "term[1].half_terms[1].last_day", "is missing"},
        {terms("{ first_day = 2026-10-23, last_day = 2026-09-03 }"), "term[1].half_terms[1].last_day", "before"},
        {terms("{ first_day = 2026-09-03, last_day = 2206-10-23 }"), "term[1].half_terms[1].last_day", "200 days"},
        {terms("{ first_day = 2026-09-03, last_day = \"2026-02-30\" }"),
         "term[1].half_terms[1].last_day",
         "not a date"},
        {terms("{ first_day = 2026-09-03, last_day = 2026-10-23 }, { first_day = 2026-10-23, last_day = 2026-12-18 }"),
         "term[1].half_terms[2].first_day",
         "overlaps the one in line 3, from 2026-09-03 to 2026-10-23"},
        {autumn + "[[term]]\nname = \"Again\"\nhalf_terms = [{ first_day = 2026-09-01, last_day = 2026-12-31 }]\n",
         "term[2].half_terms[1].first_day",
         "overlaps"},
        {autumn + "[[closed]]\nday = 2026-11-27\n", "closed[1].kind", "is missing"},
        {autumn + "[[closed]]\nday = 2026-11-27\nkind = \"strike\"\n", "closed[1].kind", "not known"},
        {autumn + "[[closed]]\nday = 2026-11-27\nlast_day = 2026-11-26\nkind = \"inset\"\n",
         "closed[1].last_day",
         "before"},
        {autumn + "[[closed]]\nday = 2026-11-27\nkind = \"inset\"\n[[closed]]\nday = 2026-11-27\nkind = \"holiday\"\n",
         "closed[2].day",
         "too"},
        {autumn + "[[session]]\nname = \"EV\"\nregister_opens = 08:00:00\nregister_closes = 09:00:00\nfrom = "
                  "2026-09-01\n",
         "session[1].name",
         "not known"},
        {autumn + "[[session]]\nname = \"AM\"\nregister_opens = 09:00:00\nregister_closes = 09:00:00\nfrom = "
                  "2026-09-01\n",
         "session[1].register_closes",
         "not after"},
        {autumn + "[[session]]\nname = \"AM\"\nregister_opens = 08:45:30\nregister_closes = 09:00:00\nfrom = "
                  "2026-09-01\n",
         "session[1].register_opens",
         "seconds"},
        {autumn + "[[session]]\nname = \"AM\"\nregister_opens = \"08:45\"\nregister_closes = 09:00:00\nfrom = "
                  "2026-09-01\n",
         "session[1].register_opens",
         "is a text"},
        {autumn + "[[session]]\nname = \"AM\"\nregister_opens = 08:45:00\nregister_closes = 09:00:00\n",
         "session[1].from",
         "is missing"},
        {autumn + "[[closed_day]]\nday = 2026-11-27\n", "closed_day", "not a key"},
    }));
    CAPTURE(text);
    school_folder school;
    school.calendar = text;
    const loaded_configuration loaded = school.load();
    REQUIRE_FALSE(loaded.has_value());
    const configuration_errors errors = loaded.error();
    INFO(problems_of(loaded));
    REQUIRE(errors.problems.size() == 1);
    const configuration_problem& problem = errors.problems[0];
    CHECK(problem.file.filename() == "calendar.toml");
    CHECK(problem.line > 0);
    CHECK(problem.key == key);
    CHECK_THAT(problem.what, Contains(words));
}

TEST_CASE("a year or a weekday may have register times of its own", "[config]")
{
    school_folder school;
    school.calendar = autumn + std::string(whole_day) +
                      "[[session]]\nname = \"AM\"\nregister_opens = 08:30:00\nregister_closes = 08:50:00\n"
                      "from = 2026-09-01\nyears = [\"Year 7\"]\nweekdays = [\"monday\", \"friday\"]\n";
    const loaded_configuration loaded = school.load();
    INFO(problems_of(loaded));
    REQUIRE(loaded.has_value());
    const civil_day friday = *parse_day("2026-09-04");
    CHECK(loaded->calendar.times_of({friday, half_day::am}, "7")->closes == std::chrono::minutes(530));
    CHECK(loaded->calendar.times_of({friday, half_day::am}, "8")->closes == std::chrono::minutes(555));
    CHECK(
        loaded->calendar.times_of({friday - std::chrono::days(1), half_day::am}, "7")->closes ==
        std::chrono::minutes(555)
    );
    const std::vector<std::string> warnings = calendar_warnings(*loaded);
    REQUIRE(warnings.size() == 1);
    CHECK_THAT(warnings[0], Contains("same time for all pupils"));
}

TEST_CASE("times that two rows would give at once are refused", "[config]")
{
    const std::string row = "[[session]]\nname = \"AM\"\nregister_opens = 08:30:00\nregister_closes = 08:50:00\n"
                            "from = 2026-09-01\n";
    const auto [why, more, problem] = GENERATE_COPY(table<std::string, std::string, std::string>({
        {"everybody twice", row, "another table gives times"},
        {"a year in two rows", row + "years = [\"7\"]\n" + row + "years = [\"8\", \"Y7\"]\n", "another table"},
        {"a weekday in two rows",
         row + "weekdays = [\"friday\"]\n" + row + "weekdays = [\"monday\", \"friday\"]\n",
         "another table"},
        {"a year twice in one row", row + "years = [\"7\", \"Year 7\"]\n", "named twice"},
        {"a weekday that is none", row + "weekdays = [\"sunday\"]\n", "not a weekday"},
        {"a weekday in capitals", row + "weekdays = [\"Friday\"]\n", "not a weekday"},
        {"no year", row + "years = []\n", "is empty"},
        {"other years beside each other", row + "years = [\"7\"]\n" + row + "years = [\"8\"]\n", ""},
        {"a year beside a weekday", row + "years = [\"7\"]\n" + row + "weekdays = [\"friday\"]\n", ""},
    }));
    CAPTURE(why);
    school_folder school;
    school.calendar = autumn + std::string(whole_day) + more;
    const loaded_configuration loaded = school.load();
    CHECK(problems_of(loaded).empty() == problem.empty());
    CHECK_THAT(problems_of(loaded), Contains(problem));
}
