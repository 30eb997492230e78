#include "tests/unit/config/school_folder.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using Catch::Matchers::Contains;

TEST_CASE("the operator, the log's form, a route's fields and the end of a secret arrive", "[config]")
{
    school_folder school;
    school.main += R"toml(
[[route]]
name = "chat"
channel = "teams"
rules = ["*"]
fields = ["stage", "reason"]
[route.settings]
url = { file = "teams.url", expires = 2027-01-31 }
[operator]
route = "lead"
weekly = true
[log]
format = "json"
)toml";
    const loaded_configuration loaded = school.load();
    INFO(problems_of(loaded));
    REQUIRE(loaded.has_value());
    REQUIRE(loaded->operations);
    CHECK(loaded->operations->route == "lead");
    CHECK(loaded->operations->weekly);
    CHECK(loaded->operations->monthly_test);
    CHECK(loaded->json_logs);
    const route_configuration& chat = loaded->routes.back();
    CHECK(chat.may_say("reason"));
    CHECK_FALSE(chat.may_say("source"));
    CHECK(loaded->routes.front().may_say("source"));
    CHECK(std::get<secret_reference>(chat.settings.at("url").value).expires == parse_day("2027-01-31"));
    REQUIRE(loaded->packs.size() == 1);
    CHECK(loaded->packs[0].name == "england");
}

TEST_CASE("the operator's route may be one that hears of no rule, and no other may", "[config]")
{
    const std::string nobody =
        "\n[[route]]\nname = \"it\"\nchannel = \"file\"\nrules = []\n[route.settings]\nfolder = \"x\"\n";
    school_folder school;
    school.main += nobody;
    CHECK_THAT(problems_of(school.load()), Contains("rules: is empty"));
    school.main += "[operator]\nroute = \"lead\"\n";
    CHECK_THAT(problems_of(school.load()), Contains("rules: is empty"));
    school.main = replaced(school.main, "[operator]\nroute = \"lead\"", "[operator]\nroute = \"it\"");
    const loaded_configuration loaded = school.load();
    INFO(problems_of(loaded));
    REQUIRE(loaded.has_value());
    CHECK_FALSE(loaded->routes.back().wants("penalty-notice"));
}

TEST_CASE("what is wrong with operator, log, fields and Teams is said", "[config]")
{
    const auto [lines, said] = GENERATE(table<const char*, const char*>({
        {"[operator]\nroute = \"nobody\"", "operator.route: \"nobody\" is no route to a person"},
        {"[operator]\nroute = \"lead\"\ncolour = 1", "operator.colour"},
        {"[log]\nformat = \"xml\"", "log.format: \"xml\" is not known"},
        {"[[route]]\nname = \"t\"\nchannel = \"teams\"\nrules = [\"*\"]\n[route.settings]\nurl = "
         "\"https://a.example/?sig=1\"",
         "a secret is written out"},
        {"[[route]]\nname = \"t\"\nchannel = \"teams\"\nrules = [\"*\"]\n[route.settings]\n",
         "settings.url: is missing"},
        {"[[route]]\nname = \"t\"\nchannel = \"file\"\nrules = [\"*\"]\nfields = [\"name\"]\n[route.settings]\nfolder "
         "= \"x\"",
         "\"name\" is not a field of an alert"},
    }));
    CAPTURE(lines);
    school_folder school;
    school.main.append("\n").append(lines).append("\n");
    CHECK_THAT(problems_of(school.load()), Contains(said));
}
