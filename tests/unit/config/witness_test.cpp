#include "tests/unit/config/school_folder.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

constexpr const char* witness_vkey = "auditor.example/witness-1+607331dd+BPL7kdxuY10iktOqIOP5CBMUX3G6ljjol0tGG8xv/fIC";
constexpr const char* log_vkey =
    "vkeys = [\"school.example/ledger-test+46bc012c+AfOC2g4czSqsPLdIaVZoVQJMTmC/d0Ja92gNO3hELcXQ\"]";

// Texts by pointer: g++ 12 warns of a list of strings that it builds itself.
struct wrong_table {
    const char* why;
    const char* lines;
    const char* said;
};

} // namespace

TEST_CASE("a table of witnesses arrives, and mail goes by the first email route unless one is named", "[config]")
{
    school_folder school;
    school.main.append("\n[witness]\nvkeys = [\"").append(witness_vkey);
    school.main.append("\"]\nmax_age = \"8d\"\nmail = { to = [\"archive@example.org\"] }\n");
    const loaded_configuration loaded = school.load();
    INFO(problems_of(loaded));
    REQUIRE(loaded.has_value());
    REQUIRE(loaded->witness);
    REQUIRE(loaded->witness->vkeys.size() == 1);
    CHECK(loaded->witness->vkeys.front() == witness_vkey);
    CHECK(loaded->witness->max_age == 192h);
    REQUIRE(loaded->witness->mail_to.size() == 1);
    CHECK(loaded->witness->mail_to.front() == "archive@example.org");
    CHECK(loaded->witness->mail_route == "lead");
    CHECK_FALSE(school_folder().load()->witness);
}

TEST_CASE("what is wrong with the table of witnesses is said", "[config]")
{
    const auto [why, lines, said] = GENERATE(values<wrong_table>({
        {"a log's key", log_vkey, "log's key"},
        {"no key", "vkeys = [\"auditor\"]", "not a public key"},
        {"an age without a witness", "max_age = \"8d\"", "no witness is named"},
        {"mail to nobody", "mail = { route = \"lead\" }", "witness.mail.to"},
        {"mail by a webhook", "mail = { to = [\"a@example.org\"], route = \"teams\" }", "no email route"},
        {"mail by a route that is not there", "mail = { to = [\"a@example.org\"], route = \"x\" }", "no email route"},
        {"mail to no address", "mail = { to = [\"archive\"] }", "not an e-mail address"},
        {"an unknown key", "vkey = \"x\"", "witness.vkey"},
        {"an unknown key of the mail", "mail = { to = [\"a@example.org\"], cc = \"x\" }", "witness.mail.cc"},
    }));
    CAPTURE(why);
    school_folder school;
    school.main.append("\n[witness]\n").append(lines).append("\n");
    const loaded_configuration loaded = school.load();
    REQUIRE_FALSE(loaded.has_value());
    CHECK_THAT(problems_of(loaded), Contains(said));
}
