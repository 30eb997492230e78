#include "daemon/config/load.hpp"
#include "tests/unit/config/school_folder.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace rollbook;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

constexpr auto september_3 = civil_day(std::chrono::days(20'699)); // 2026-09-03

int line_with(std::string_view file, std::string_view text)
{
    const std::size_t at = file.find(text);
    REQUIRE(at != file.npos);
    return 1 + static_cast<int>(std::count(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

std::string replaced(std::string text, std::string_view from, std::string_view to)
{
    const std::size_t at = text.find(from);
    REQUIRE(at != text.npos);
    return text.replace(at, from.size(), to);
}

const configuration_problem* problem_with(const configuration_errors& errors, std::string_view key)
{
    const auto at = std::ranges::find(errors.problems, key, &configuration_problem::key);
    return at == errors.problems.end() ? nullptr : &*at;
}

} // namespace

TEST_CASE("the contract's example loads, and every value arrives", "[config]")
{
    const school_folder school;
    const loaded_configuration loaded = school.load();
    INFO(problems_of(loaded));
    REQUIRE(loaded.has_value());
    const configuration& c = *loaded;

    CHECK(c.school.name == "St Example's High School");
    CHECK(c.school.urn == "900001");
    CHECK(c.school.timezone == "Europe/London");
    CHECK(c.ledger.path == school.path() / "ledger.db");
    CHECK(c.ledger.origin == "ledger.example.sch.uk/900001");
    CHECK(c.ledger.signing_key.kind == secret_reference::from::file);
    CHECK(c.ledger.signing_key.name == "ledger.key");
    CHECK(c.ledger.vkey == "…");
    CHECK(c.web.listen == "127.0.0.1:8480");
    CHECK(c.web.public_url == "https://rollbook.example.sch.uk");
    CHECK_FALSE(c.web.links_to_loopback);
    REQUIRE(c.backup);
    CHECK(c.backup->recipients.size() == 2);
    CHECK(c.backup->keep == 720h);

    REQUIRE(c.sources.size() == 2);
    const source_configuration& mis = c.sources[0];
    CHECK(mis.role == source_role::mis);
    CHECK(mis.connector == "wonde");
    CHECK(mis.poll_every == 10min);
    REQUIRE(mis.reread.size() == 3);
    CHECK(mis.reread[0].school_days == 2);
    CHECK(mis.reread[1].every == 24h);
    CHECK_FALSE(mis.reread[2].school_days);
    CHECK(mis.settings.size() == 4);
    CHECK_FALSE(mis.settings.contains("reread"));
    CHECK(std::get<std::string>(mis.settings.at("base_url").value) == "https://api.wonde.com/v1.0");
    CHECK(std::get<secret_reference>(mis.settings.at("token").value).name == "wonde.token");
    CHECK(c.sources[1].role == source_role::safeguarding);

    REQUIRE(c.routes.size() == 2);
    CHECK(c.routes[0].wants("anything"));
    CHECK(c.routes[1].wants("missing-child"));
    CHECK_FALSE(c.routes[1].wants("penalty-notice"));
    CHECK(std::get<setting_list>(c.routes[0].settings.at("to").value).size() == 1);

    CHECK(c.calendar.is_school_day(september_3));
    REQUIRE(c.calendar.sessions().size() == 1);
    CHECK(c.calendar.sessions()[0].opens == 8h + 45min);
    CHECK(c.calendar.sessions()[0].settle == 5min);
    CHECK_FALSE(c.calendar.is_school_day(september_3 + std::chrono::days(85))); // 2026-11-27, inset
    CHECK(c.calendar.is_school_day(september_3 + std::chrono::days(84)));

    // PM has no times.
    REQUIRE(c.warnings.size() == 1);
    CHECK_THAT(c.warnings[0], Contains("calendar.toml") && Contains("PM") && Contains("16:00"));
}

TEST_CASE("a source's own keys are taken out of its settings", "[config]")
{
    school_folder school;
    school.main = replaced(
        school.main,
        "date_from_param = \"\"",
        "history_from = 2025-09-01\nvanish_limit = { percent = 5 }\nstale_after = \"2h\"\nbig = 7\n"
        "nested = { deep = true, key = { env = \"DEEP\" } }"
    );
    const loaded_configuration loaded = school.load();
    INFO(problems_of(loaded));
    REQUIRE(loaded.has_value());
    const source_configuration& mis = loaded->sources[0];
    CHECK(mis.history_from == parse_day("2025-09-01"));
    CHECK(mis.vanish_limit.percent == 5);
    CHECK(mis.vanish_limit.at_least == 25);
    CHECK(mis.stale_after == 2h);
    CHECK_FALSE(mis.settings.contains("stale_after"));
    CHECK(std::get<std::int64_t>(mis.settings.at("big").value) == 7);
    const auto& nested = std::get<setting_table>(mis.settings.at("nested").value);
    CHECK(std::get<bool>(nested.at("deep").value));
    CHECK(std::get<secret_reference>(nested.at("key").value).kind == secret_reference::from::environment);
}

struct wrong_case {
    std::string why;
    std::string from; // text in the contract's rollbook.toml; empty: `to` is put at the end
    std::string to;
    std::string key;
    std::string words;
};

TEST_CASE("a wrong configuration names file, line, key and what is wrong, once", "[config]")
{
    const auto [why, from, to, key, words] = GENERATE(values<wrong_case>({
        {"unknown key at the top", "[school]", "colour = 1\n[school]", "colour", "not a key"},
        {"unknown section", "[rules]", "[color]\n[rules]", "color", "not a key"},
        {"unknown key in school", "urn = \"900001\"", "urn = \"900001\"\nhead = 1", "school.head", "not a key"},
        {"unknown key in a source", "role = \"mis\"", "role = \"mis\"\nrolle = 1", "source[1].rolle", "not a key"},
        {"unknown key in a rule", "clear_below = 3", "clear_below = 3\nclear = 1", "rule[1].clear", "not a key"},
        {"unknown key in a stage", "at_least = 5 }", "at_least = 5, x = 1 }", "rule[1].stages[2].x", "not a key"},
        {"unknown key in a route", "rules = [\"*\"]", "rules = [\"*\"]\nx = 1", "route[1].x", "not a key"},
        {"unknown setting of a channel",
         "from = \"rollbook@example.sch.uk\"",
         "from = \"r@e.uk\"\nx = 1",
         "route[1].settings.x",
         "not a key"},
        {"unknown key in web", "[backup]", "lisen = \"\"\n[backup]", "web.lisen", "not a key"},
        {"unknown key in backup", "keep = \"30d\"", "keep = \"30d\"\nkeap = 1", "backup.keap", "not a key"},
        {"unknown key in ledger", "path = \"ledger.db\"", "path = \"l\"\npaths = 1", "ledger.paths", "not a key"},
        {"unknown key in a reread tier",
         "{ school_days = 2, every = \"10m\" }",
         "{ school_days = 2, every = \"10m\", x = 1 }",
         "source[1].settings.reread[1].x",
         "not a key"},
        {"wrong type", "urn = \"900001\"", "urn = 900001", "school.urn", "is a whole number"},
        {"URN shape", "urn = \"900001\"", "urn = \"90001\"", "school.urn", "not a URN"},
        {"missing key", "urn = \"900001\"", "", "school.urn", "is missing"},
        {"empty name", "St Example's High School", " ", "school.name", "is empty"},
        {"unknown zone", "Europe/London", "Europe/Lundon", "school.timezone", "not a zone"},
        {"no calendar file", "\"calendar.toml\"", "\"other.toml\"", "school.calendar", "no file"},
        {"origin with a plus", "ledger.example.sch.uk/900001", "a+b", "ledger.origin", "'+'"},
        {"origin with a space", "ledger.example.sch.uk/900001", "a b", "ledger.origin", "space"},
        {"key written out", "{ file = \"ledger.key\" }", "\"hunter2\"", "ledger.signing_key", "written out"},
        {"secret of two places",
         "{ file = \"ledger.key\" }",
         "{ file = \"a\", env = \"B\" }",
         "ledger.signing_key",
         "where the secret is"},
        {"secret of no known place",
         "{ file = \"ledger.key\" }",
         "{ fil = \"a\" }",
         "ledger.signing_key",
         "where the secret is"},
        {"token written out", "{ file = \"wonde.token\" }", "\"hunter2\"", "source[1].settings.token", "written out"},
        {"duration", "poll_every = \"10m\"", "poll_every = \"10 minutes\"", "source[1].poll_every", "length of time"},
        {"no time at all", "poll_every = \"10m\"", "poll_every = \"0s\"", "source[1].poll_every", "nothing"},
        {"http beyond loopback",
         "https://api.wonde.com/v1.0",
         "http://api.wonde.com/v1.0",
         "source[1].settings.base_url",
         "in clear"},
        {"a host that only begins like loopback",
         "https://api.wonde.com/v1.0",
         "http://127.0.0.1.example.com/",
         "source[1].settings.base_url",
         "in clear"},
        {"loopback as a user name",
         "https://api.wonde.com/v1.0",
         "http://localhost@example.com/",
         "source[1].settings.base_url",
         "user name"},
        {"http webhook",
         "https://hooks.example.net/…",
         "http://hooks.example.net/",
         "route[2].settings.url",
         "in clear"},
        {"http pages", "https://rollbook.example", "http://rollbook.example", "web.public_url", "in clear"},
        {"http mail", "smtp://127.0.0.1:2525", "http://127.0.0.1:2525", "route[1].settings.smtp_url", "kind"},
        {"open pages without TLS", "127.0.0.1:8480", "0.0.0.0:8480", "web.listen", "without TLS"},
        {"listen without a port", "127.0.0.1:8480", "127.0.0.1", "web.listen", "address and port"},
        {"two sources of one name", "name = \"cpoms\"", "name = \"mis\"", "source[2].name", "line 13"},
        {"two sources with role mis", "role = \"safeguarding\"", "role = \"mis\"", "source[2].role", "line 13"},
        {"role", "role = \"safeguarding\"", "role = \"cpoms\"", "source[2].role", "not known"},
        {"name with a space", "name = \"cpoms\"", "name = \"my cpoms\"", "source[2].name", "not a name"},
        {"two routes of one name", "name = \"teams\"", "name = \"lead\"", "route[2].name", "too"},
        {"channel", "channel = \"webhook\"", "channel = \"fax\"", "route[2].channel", "not known"},
        {"route to an unknown rule", "[\"missing-child\"]", "[\"mising-child\"]", "route[2].rules", "not the id"},
        {"webhook secret written out",
         "{ file = \"webhook.secret\" }",
         "\"whsec_hunter2\"",
         "route[2].settings.secret",
         "written out"},
        {"mail to nobody", "to = [\"lead@example.sch.uk\"]", "to = []", "route[1].settings.to", "is empty"},
        {"mail address", "[\"lead@example.sch.uk\"]", "[\"lead\"]", "route[1].settings.to", "not an e-mail"},
        {"disclosure", "disclose = \"reference\"", "disclose = \"all\"", "route[1].disclose", "not known"},
        {"unknown pack", "[\"england\"]", "[\"scotland\"]", "rules.packs", "not a pack"},
        {"pack outside its folder", "[\"england\"]", "[\"../rules/england\"]", "rules.packs", "not a pack"},
        {"unknown measure", "\"late_sessions\"", "\"lateness\"", "rule[1].measure", "not known"},
        {"window", "\"10 school days\"", "\"10 days\"", "rule[1].window", "not a window"},
        {"stage's window", "\"half-term\" }", "\"half term\" }", "rule[1].stages[3].window", "not a window"},
        {"stages not ascending", "at_least = 5 }", "at_least = 11 }", "rule[1].stages[3].at_least", "not above"},
        {"two stages of one name", "\"letter\",", "\"tutor\",", "rule[1].stages[2].name", "another stage"},
        {"clearing above the first stage", "clear_below = 3", "clear_below = 4", "rule[1].clear_below", "still met"},
        {"when_unknown", "when_unknown = \"wait\"", "when_unknown = \"guess\"", "rule[1].when_unknown", "not known"},
        {"one backup key", ", \"…\"]", "]", "backup.recipients", "one key"},
        {"tier without a window", "{ from = \"year\", every", "{ every", "source[1].settings.reread[3]", "no window"},
        {"tier with two windows",
         "{ from = \"year\", every",
         "{ from = \"year\", school_days = 3, every",
         "source[1].settings.reread[3]",
         "two windows"},
        {"a new rule without its parts",
         "",
         "[[rule]]\nid = \"new\"\nwindow = \"term\"\nmeasure = \"reason_age\"\n",
         "rule[2].stages",
         "is missing"},
        {"a rule given twice", "", "[[rule]]\nid = \"repeated-lateness\"\n", "rule[2].id", "too"},
        {"a source that is no table", "[school]", "route = 5\n[school]", "route", "is a whole number"},
    }));
    CAPTURE(why);
    school_folder school;
    if (key == "route") school.main.resize(school.main.find("[[route]]")); // the key may be given once only
    const std::string before = school.main;
    school.main = from.empty() ? before + to : replaced(before, from, to);

    const loaded_configuration loaded = school.load();
    REQUIRE_FALSE(loaded.has_value());
    const configuration_errors errors = loaded.error();
    INFO(problems_of(loaded));
    const configuration_problem* problem = problem_with(errors, key);
    REQUIRE(problem != nullptr);
    CHECK_THAT(problem->what, Contains(words));
    CHECK_FALSE(problem->expected.empty());
    CHECK(problem->file.filename() == "rollbook.toml");
    CHECK(problem->line > 0);
    CHECK(errors.problems.size() == 1);
    CHECK_THAT(problems_of(loaded), !Contains("hunter2"));
}

TEST_CASE("a problem stands on the line of its key", "[config]")
{
    school_folder school;
    school.main = replaced(school.main, "needs_decision = false", "needs_decision = 0");
    const loaded_configuration loaded = school.load();
    REQUIRE_FALSE(loaded.has_value());
    const configuration_errors errors = loaded.error();
    CHECK(errors.problems[0].line == line_with(school.main, "needs_decision = 0"));
    CHECK_THAT(
        problems_of(loaded),
        Contains(
            "rollbook.toml:" + std::to_string(line_with(school.main, "needs_decision = 0")) +
            ": rule[1].needs_decision: is a whole number\n  Expected: true or false"
        )
    );
}

TEST_CASE("all problems of all files are reported together, in order", "[config]")
{
    school_folder school;
    school.main = replaced(school.main, "urn = \"900001\"", "urn = \"9\"");
    school.main = replaced(school.main, "keep = \"30d\"", "keep = \"\"");
    school.calendar = replaced(school.calendar, "kind = \"inset\"", "kind = \"insect\"");
    const loaded_configuration loaded = school.load();
    REQUIRE_FALSE(loaded.has_value());
    const configuration_errors errors = loaded.error();
    const auto& problems = errors.problems;
    INFO(problems_of(loaded));
    REQUIRE(problems.size() == 3);
    CHECK(problems[0].key == "school.urn");
    CHECK(problems[1].key == "backup.keep");
    CHECK(problems[2].key == "closed[1].kind");
    CHECK(problems[2].file.filename() == "calendar.toml");
}

TEST_CASE("a text that is not TOML is reported with line and column, and without what it says", "[config]")
{
    const std::string line = GENERATE(
        as<std::string>{},
        "token = hunter2",
        "token = 99999999999999999999999",
        "token = truehunter2",
        "token = \"\\hunter2\"",
        "= 2",
        "token \"hunter2\""
    );
    CAPTURE(line);
    school_folder school;
    school.main = "[school]\nname = \"X\"\n" + line + "\n";
    const loaded_configuration loaded = school.load();
    REQUIRE_FALSE(loaded.has_value());
    const configuration_errors errors = loaded.error();
    INFO(problems_of(loaded));
    REQUIRE(errors.problems.size() == 1);
    CHECK(errors.problems[0].line == 3);
    CHECK(errors.problems[0].column > 0);
    CHECK_THAT(problems_of(loaded), !Contains("hunter2") && !Contains("99999"));
}

TEST_CASE("a file that is not there, or empty, is a problem and not a crash", "[config]")
{
    const school_folder school;
    const loaded_configuration none = load_configuration(school.path() / "none.toml", school_folder::packs());
    REQUIRE_FALSE(none.has_value());
    CHECK_THAT(problems_of(none), Contains("none.toml") && Contains("cannot be read"));
    REQUIRE_FALSE(load_configuration(school.path(), school_folder::packs()).has_value());

    school_folder empty;
    empty.main.clear();
    const loaded_configuration loaded = empty.load();
    REQUIRE_FALSE(loaded.has_value());
    const configuration_errors errors = loaded.error();
    INFO(problems_of(loaded));
    CHECK(problem_with(errors, "school") != nullptr);
    CHECK(problem_with(errors, "ledger") != nullptr);
    CHECK(problem_with(errors, "source") != nullptr);
}

TEST_CASE("[web.tls] opens the pages to other machines", "[config]")
{
    school_folder school;
    school.main = replaced(
        school.main,
        "[backup]",
        "[web.tls]\ncertificate = \"web.pem\"\nprivate_key = { credential = \"web-key\" }\n[backup]"
    );
    school.main = replaced(school.main, "127.0.0.1:8480", "0.0.0.0:8480");
    const loaded_configuration loaded = school.load();
    INFO(problems_of(loaded));
    REQUIRE(loaded.has_value());
    CHECK(loaded->web.certificate == school.path() / "web.pem");
    REQUIRE(loaded->web.private_key);
    CHECK(loaded->web.private_key->kind == secret_reference::from::credential);
}

TEST_CASE("links that open on this machine only are flagged and warned of", "[config]")
{
    school_folder school;
    school.main = replaced(school.main, "https://rollbook.example.sch.uk", "http://127.0.0.1:8480");
    const loaded_configuration loaded = school.load();
    INFO(problems_of(loaded));
    REQUIRE(loaded.has_value());
    CHECK(loaded->web.links_to_loopback);
    CHECK(std::ranges::any_of(loaded->warnings, [](const auto& w) { return w.find("web.public_url") != w.npos; }));
}
