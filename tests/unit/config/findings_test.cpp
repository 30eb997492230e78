#include "tests/unit/config/school_folder.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using Catch::Matchers::Contains;

namespace {

std::string problems_with(const char* lines)
{
    school_folder school;
    school.main.append("\n[findings]\n").append(lines).append("\n");
    return problems_of(school.load());
}

} // namespace

TEST_CASE("a school says which findings it wants, when, and what its own words mean", "[config]")
{
    school_folder school;
    school.main.append(R"(
[findings]
off = ["flag-differs"]
on = ["reason-due"]
settle = { mark-missing = 2 }
amended_late_days = 30
on_site = ["Gym"]
ask_evidence = ["B"]
[[findings.both]]
mis = "Bullying"
safeguarding = "Peer relationships"
)");
    const loaded_configuration loaded = school.load();
    INFO(problems_of(loaded));
    REQUIRE(loaded.has_value());
    const finding_settings& findings = loaded->findings;
    CHECK(findings.off.contains("flag-differs"));
    CHECK(findings.on.contains("reason-due"));
    CHECK(findings.settle_days("mark-missing") == 2);
    CHECK(findings.settle_days("leaver-still-active") == 10);
    CHECK(findings.amended_late_days == 30);
    CHECK(findings.on_site == std::vector<std::string>{"Gym"});
    CHECK(findings.off_site == finding_settings().off_site);
    REQUIRE(findings.both.size() == 1);
    CHECK(findings.both[0].safeguarding == "Peer relationships");
    CHECK(school_folder().load()->findings == finding_settings());
}

TEST_CASE("a wrong word in [findings] is named with its line", "[config]")
{
    const auto [lines, said] = GENERATE(table<const char*, const char*>({
        {"off = [\"mark-lost\"]", "mark-lost"},
        {"settle = { mark-missing = -1 }", "mark-missing"},
        {"settle = { mark-lost = 1 }", "mark-lost"},
        {"colour = \"red\"", "colour"},
        {"amended_late_days = 0", "amended_late_days"},
        {"[[findings.both]]\nmis = \"Bullying\"", "safeguarding"},
    }));
    CAPTURE(lines);
    CHECK_THAT(problems_with(lines), Contains(said) && Contains("rollbook.toml:"));
}
