#include "tests/unit/config/school_folder.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace rollbook;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

// The contract's example with other rules of its own.
school_folder& with_rules(school_folder& school, const std::string& rules)
{
    const std::size_t from = school.main.find("[[rule]]");
    const std::size_t to = school.main.find("[[route]]");
    school.main.replace(from, to - from, rules + "\n");
    return school;
}

configuration loaded_with(const std::string& rules)
{
    school_folder school;
    loaded_configuration loaded = with_rules(school, rules).load();
    INFO(problems_of(loaded));
    REQUIRE(loaded.has_value());
    return *std::move(loaded);
}

const rule& named(const configuration& c, std::string_view id)
{
    const auto at = std::ranges::find(c.rules, id, &rule::id);
    REQUIRE(at != c.rules.end());
    return *at;
}

} // namespace

TEST_CASE("reminders are settings of a rule or of a route, and who is escalated to must be a route", "[config]")
{
    const std::string start = "[[rule]]\nid = \"repeated-lateness\"\n";
    const auto [lines, problem] = GENERATE(table<std::string, std::string>({
        {"remind_after = \"4h\"", ""},
        {"remind_after = \"4h\"\nescalate_after = \"10h\"\nescalate_to = \"teams\"", ""},
        {"escalate_after = \"10h\"", "escalate_to"},
        {"escalate_to = \"teams\"", "escalate_after"},
        {"escalate_after = \"10h\"\nescalate_to = \"nobody\"", "which is no route"},
        {"remind_after = 4", "remind_after"},
    }));
    CAPTURE(lines);
    school_folder school;
    const loaded_configuration loaded = with_rules(school, start + lines + "\n").load();
    CHECK(problems_of(loaded).empty() == problem.empty());
    CHECK_THAT(problems_of(loaded), Contains(problem));
    if (loaded) CHECK(named(*loaded, "repeated-lateness").reminders.remind_after == std::chrono::hours(4));
}

TEST_CASE("reminders are no fact of what is judged: they do not change a rule's version", "[config]")
{
    const configuration plain = loaded_with("");
    const configuration reminded = loaded_with("[[rule]]\nid = \"repeated-lateness\"\nremind_after = \"4h\"\n");
    const configuration safe = loaded_with("[[rule]]\nid = \"repeated-lateness\"\nsafety = true\n");
    const std::string version = rule_version(named(plain, "repeated-lateness"));
    CHECK(rule_version(named(reminded, "repeated-lateness")) == version);
    CHECK(named(safe, "repeated-lateness").safety);
    CHECK(rule_version(named(safe, "repeated-lateness")) != version);
}

TEST_CASE("casework has a lead that is a route, hours that end after they begin, and a folder of letters", "[config]")
{
    const auto [lines, problem] = GENERATE(table<std::string, std::string>({
        {"lead = \"lead\"\nletters = \"letters\"", ""},
        {"lead = \"nobody\"", "is no route"},
        {"school_hours = { from = 08:30:00, to = 15:30:00 }", ""},
        {"school_hours = { from = 15:30:00, to = 08:30:00 }", "is not after"},
        {"leed = \"lead\"", "leed"},
    }));
    CAPTURE(lines);
    school_folder school;
    school.main += "\n[casework]\n" + lines + "\n";
    const loaded_configuration loaded = school.load();
    CHECK(problems_of(loaded).empty() == problem.empty());
    CHECK_THAT(problems_of(loaded), Contains(problem));
}

TEST_CASE("a configuration has at most 128 rules and 32 sources", "[config]")
{
    std::string rules;
    for (int i = 0; i <= 128; ++i)
        rules += "[[rule]]\nid = \"own-" + std::to_string(i) +
                 "\"\nmeasure = \"late_marks\"\nwindow = \"10 school days\"\nstages = [ { name = \"met\", at_least = 3 "
                 "} ]\n";
    std::string sources;
    for (int i = 0; i < 32; ++i)
        sources +=
            "[[source]]\nname = \"other-" + std::to_string(i) + "\"\nrole = \"behaviour\"\nconnector = \"csv\"\n";
    school_folder school;
    with_rules(school, rules);
    school.main.insert(school.main.find("[[route]]"), sources);
    const loaded_configuration loaded = school.load();
    CHECK_THAT(problems_of(loaded), Contains("at most 128 in all"));
    CHECK_THAT(problems_of(loaded), Contains("at most 32 [[source]] tables"));
}

TEST_CASE("the pack england ships its rules with their thresholds and sources", "[config][statutory]")
{
    const configuration c = loaded_with("");
    REQUIRE(c.rules.size() == 19);

    const rule& late = named(c, "repeated-lateness");
    CHECK(late.measure == "late_sessions");
    CHECK(late.window == rule_window{rule_window::unit::school_days, 10});
    REQUIRE(late.stages.size() == 3);
    CHECK(late.stages[2].name == "panel");
    CHECK(late.stages[2].window == rule_window{rule_window::unit::half_term, 0});
    CHECK(late.clearing_level() == 3);
    CHECK_THAT(late.source, Contains("not statutory"));

    const rule& penalty = named(c, "penalty-notice");
    CHECK(penalty.measure == "unauthorised_sessions");
    CHECK(penalty.window == rule_window{rule_window::unit::school_weeks, 10});
    REQUIRE(penalty.stages.size() == 1);
    CHECK(penalty.stages[0].name == "met");
    CHECK(penalty.stages[0].at_least == 10);
    CHECK(penalty.needs_decision);
    CHECK(penalty.cohort.compulsory_school_age);
    CHECK_THAT(penalty.source, Contains("2024-08-19"));

    const rule& overdue = named(c, "reason-overdue");
    CHECK(overdue.measure == "reason_age");
    REQUIRE(overdue.stages.size() == 3);
    CHECK(overdue.stages[0].name == "amber");
    CHECK(overdue.stages[0].at_least == 3);
    CHECK(overdue.stages[1].at_least == 5);
    CHECK(overdue.stages[2].at_least == 6);
    CHECK_THAT(overdue.source, Contains("2024/208"));

    for (const rule& each : c.rules) {
        CHECK(each.pack == "england");
        CHECK_FALSE(each.source.empty());
    }
}

TEST_CASE("an override replaces the keys it names and leaves the rest", "[config]")
{
    const configuration c = loaded_with("[[rule]]\nid = \"repeated-lateness\"\nwindow = \"3 school weeks\"\n"
                                        "cohort = { years = [\"7\"] }\nwhen_unknown = \"tell\"\n");
    const rule& late = named(c, "repeated-lateness");
    CHECK(late.window == rule_window{rule_window::unit::school_weeks, 3});
    CHECK(late.cohort.years == std::vector<std::string>{"7"});
    CHECK(late.when_unknown == rule::unknown::tell);
    CHECK(late.stages.size() == 3);
    CHECK(late.measure == "late_sessions");
    CHECK(late.pack == "england");
    CHECK(c.rules.size() == 19);
}

TEST_CASE("per cent in the file are hundredths in the rule", "[config]")
{
    const configuration shipped = loaded_with("");
    const rule& absence = named(shipped, "persistent-absence");
    CHECK(absence.stages[0].at_least == 800);
    CHECK(absence.stages[2].at_least == 5000);
    CHECK(absence.min_possible == 20);
    const configuration c = loaded_with("[[rule]]\nid = \"persistent-absence\"\nclear_below = 7\n");
    CHECK(named(c, "persistent-absence").clear_below == 700);
}

TEST_CASE("a cohort is read with its groups, flags and watch list", "[config]")
{
    const configuration c = loaded_with("[[rule]]\nid = \"repeated-lateness\"\ncohort = { groups = [\"9A\"], "
                                        "flags = [\"fsm\", \"looked_after\"], watch_list = true }\n");
    const rule_cohort& cohort = named(c, "repeated-lateness").cohort;
    CHECK(cohort.groups == std::vector<std::string>{"9A"});
    CHECK(cohort.flags == std::vector<std::string>{"fsm", "looked_after"});
    CHECK(cohort.watch_list);
    CHECK(named(c, "missing-child").cohort.asks_of_flags());
    CHECK(named(c, "missing-child").safety);
}

TEST_CASE("what a rule cannot say is refused with its line", "[config]")
{
    const auto [why, text, line, what] = GENERATE(table<std::string, std::string, int, std::string>({
        {"a flag that is none",
         "id = \"a\"\nmeasure = \"late_sessions\"\nwindow = \"term\"\n"
         "stages = [ { name = \"s\", at_least = 1 } ]\ncohort = { flags = [\"tall\"] }",
         5,
         "is not a flag"},
        {"0 where no clock runs",
         "id = \"a\"\nmeasure = \"late_sessions\"\nwindow = \"term\"\n"
         "stages = [ { name = \"s\", at_least = 0 } ]",
         4,
         "at_least"},
        {"a measure of another unit without stages",
         "id = \"penalty-notice\"\nmeasure = \"absence_percentage\"",
         2,
         "another unit"},
        {"a measure that is none", "id = \"penalty-notice\"\nmeasure = \"lateness\"", 2, "lateness"},
    }));
    CAPTURE(why);
    school_folder school;
    const loaded_configuration loaded = with_rules(school, "[[rule]]\n" + text + "\n").load();
    REQUIRE_FALSE(loaded.has_value());
    const configuration_errors errors = loaded.error();
    const std::size_t first = school.main.substr(0, school.main.find("[[rule]]")).size();
    const auto rule_line =
        static_cast<int>(std::count(school.main.begin(), school.main.begin() + static_cast<long>(first), '\n')) + 1;
    CHECK(errors.problems[0].line == rule_line + line);
    CHECK_THAT(problems_of(loaded), Contains(what));
}

TEST_CASE("a pack or a school's rules can be checked by themselves", "[config]")
{
    const school_folder school;
    const auto pack = load_rules(school_folder::packs() / "england.toml", school_folder::packs());
    REQUIRE(pack.has_value());
    CHECK(pack->rules.size() == 19);
    school.write("rules.toml", "[rules]\npacks = [\"england\"]\n[[rule]]\nid = \"incidents\"\nenabled = 1\n");
    const auto own = load_rules(school.path() / "rules.toml", school_folder::packs());
    REQUIRE_FALSE(own.has_value());
    const configuration_errors errors = own.error();
    CHECK(errors.problems[0].line == 5);
}

TEST_CASE("the watch list is read by line, and what stands in it is not repeated", "[config]")
{
    const auto [why, rows, problem] = GENERATE(table<std::string, std::string, std::string>({
        {"as it should be", "pupil,reason,tell,review\nG990000126001,A,dsl,2026-12-18\nmis:12,B,,\n", ""},
        {"other headings", "upn,reason,tell,review\nG990000126001,A,,\n", "watchlist.csv:1"},
        {"no reason", "pupil,reason,tell,review\nG990000126001,,,\n", "watchlist.csv:2"},
        {"a date that is none", "pupil,reason,tell,review\nG990000126001,A,,18 December\n", "watchlist.csv:2"},
        {"named twice", "pupil,reason,tell,review\nG990000126001,A,,\nG990000126001,B,,\n", "watchlist.csv:3"},
    }));
    CAPTURE(why);
    school_folder school;
    school.write("watchlist.csv", rows);
    school.main.replace(
        school.main.find("packs = [\"england\"]"), 19, "packs = [\"england\"]\nwatch_list = \"watchlist.csv\""
    );
    const loaded_configuration loaded = school.load();
    CHECK(loaded.has_value() == problem.empty());
    CHECK_THAT(problems_of(loaded), Contains(problem) && !Contains("G990000126001"));
    if (loaded) {
        REQUIRE(loaded->watch_list.size() == 2);
        CHECK(loaded->watch_list[1].pupil == "mis:12");
        CHECK(loaded->watch_list[0].review == parse_day("2026-12-18"));
    }
}

TEST_CASE("an override can switch a rule off", "[config]")
{
    const configuration c = loaded_with("[[rule]]\nid = \"penalty-notice\"\nenabled = false\n");
    CHECK_FALSE(named(c, "penalty-notice").enabled);
    CHECK(named(c, "reason-overdue").enabled);
}

TEST_CASE("an override that would close an alert while it is met is refused", "[config]")
{
    school_folder school;
    with_rules(school, "[[rule]]\nid = \"repeated-lateness\"\nstages = [ { name = \"tutor\", at_least = 2 } ]\n");
    const loaded_configuration loaded = school.load();
    REQUIRE_FALSE(loaded.has_value());
    const configuration_errors errors = loaded.error();
    REQUIRE(errors.problems.size() == 1);
    CHECK(errors.problems[0].key == "rule[1].stages");
    CHECK_THAT(errors.problems[0].what, Contains("clear_below is 3"));
}

TEST_CASE("a school's own rule stands beside the pack's", "[config]")
{
    const configuration c =
        loaded_with("[[rule]]\nid = \"own\"\nmeasure = \"late_sessions\"\nwindow = \"1 school day\"\n"
                    "stages = [ { name = \"any\", at_least = 1 } ]\n");
    CHECK(c.rules.size() == 20);
    CHECK(named(c, "own").pack.empty());
    CHECK(named(c, "own").source == "school policy");
    CHECK(text_of(named(c, "own").window) == "1 school day");
}

TEST_CASE("a pack that is wrong names the pack's file", "[config]")
{
    const school_folder school;
    school.write("england.toml", "[pack]\nname = \"wales\"\ntitle = \"W\"\n[[rule]]\nid = \"x\"\n");
    const loaded_configuration loaded = school.load(school.path());
    REQUIRE_FALSE(loaded.has_value());
    const configuration_errors errors = loaded.error();
    std::vector<std::string> keys;
    for (const configuration_problem& problem : errors.problems)
        if (problem.file.filename() == "england.toml") keys.push_back(problem.key);
    std::ranges::sort(keys);
    CHECK(
        keys ==
        std::vector<std::string>{"pack.dated", "pack.name", "rule[1].measure", "rule[1].stages", "rule[1].window"}
    );
}

TEST_CASE("a rule in two packs is refused", "[config]")
{
    school_folder school;
    const std::string body = "title = \"T\"\ndated = 2026-01-01\n[[rule]]\nid = \"x\"\nmeasure = \"late_sessions\"\n"
                             "window = \"term\"\nstages = [ { name = \"a\", at_least = 1 } ]\nsource = \"S\"\n";
    school.write("one.toml", "[pack]\nname = \"one\"\n" + body);
    school.write("two.toml", "[pack]\nname = \"two\"\n" + body);
    school.main.replace(school.main.find("[\"england\"]"), 11, "[\"one\", \"two\"]");
    const loaded_configuration loaded = school.load(school.path());
    REQUIRE_FALSE(loaded.has_value());
    const configuration_errors errors = loaded.error();
    CHECK_THAT(problems_of(loaded), Contains("two.toml") && Contains("another pack"));
}

TEST_CASE("windows are read and written in one form", "[config]")
{
    for (const auto* text :
         {"10 school days",
          "1 school day",
          "10 school weeks",
          "half-term",
          "term",
          "academic-year",
          "suspension-term"}) {
        CAPTURE(text);
        const std::optional<rule_window> window = parse_rule_window(text);
        REQUIRE(window);
        CHECK(text_of(*window) == text);
    }
    for (const auto* text :
         {"",
          "10",
          "10 ",
          "10 days",
          "0 school days",
          "-1 school days",
          "10  school days",
          "ten school days",
          "99999999999 school days",
          "half term",
          "10 half-term",
          " term",
          "10 school dayss"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_rule_window(text));
    }
}

TEST_CASE("the rules as JSON are canonical, sorted by id and independent of the order given", "[config]")
{
    configuration c;
    rule one;
    one.id = "b";
    one.title = "Käse \"x\"";
    one.measure = "late_sessions";
    one.window = {rule_window::unit::school_days, 10};
    one.stages = {{"s", 3, std::nullopt}, {"t", 4, rule_window{rule_window::unit::half_term, 0}}};
    one.cohort.years = {"7"};
    one.source = "S";
    rule two = one;
    two.id = "a";
    two.pack = "p";
    c.rules = {one, two};
    const std::string json = c.rules_json();
    CHECK_THAT(
        json,
        StartsWith("[{\"clear_below\":0,\"cohort\":{\"compulsory_school_age\":false,\"years\":[\"7\"]},"
                   "\"enabled\":true,\"id\":\"a\",\"measure\":\"late_sessions\",\"needs_decision\":false,"
                   "\"pack\":\"p\",\"source\":\"S\",\"stages\":[{\"at_least\":3,\"name\":\"s\"},{\"at_least\":4,"
                   "\"name\":\"t\",\"window\":\"half-term\"}],\"title\":\"Käse \\\"x\\\"\",\"when_unknown\":"
                   "\"wait\",\"window\":\"10 school days\"},{\"clear_below\":0,")
    );
    c.rules = {two, one};
    CHECK(c.rules_json() == json);
}

TEST_CASE("a rule's version changes with whatever the rule says", "[config]")
{
    const configuration c = loaded_with("");
    const rule& late = named(c, "repeated-lateness");
    const std::string before = rule_version(late);
    CHECK(before.size() == 16);
    CHECK(before == rule_version(rule(late)));
    rule changed = late;
    changed.stages[1].at_least = 6;
    CHECK(rule_version(changed) != before);
    changed = late;
    changed.enabled = false;
    CHECK(rule_version(changed) != before);
}

TEST_CASE("a route that names stages is told when an alert reaches or passes one of them", "[config]")
{
    const configuration c = loaded_with("");
    const rule& missing = named(c, "missing-child"); // call, second-contact, dsl, visit
    route_configuration route;
    route.rules = {"missing-child"};
    route.stages = {"dsl"};
    const auto [why, before, reached, told] = GENERATE(table<std::string, int, int, bool>({
        {"it opens below", -1, 0, false},
        {"it rises below", 0, 1, false},
        {"it reaches the stage", 1, 2, true},
        {"it opens at the stage", -1, 2, true},
        {"it opens above: the stage was passed", -1, 3, true},
        {"it passes the stage", 1, 3, true},
        {"it rises from the stage", 2, 3, false},
    }));
    CAPTURE(why);
    CHECK(route.wants_rise(missing, before, reached) == told);
    CHECK_FALSE(route.wants_rise(named(c, "illness"), -1, 1));
    route.stages.clear();
    CHECK(route.wants_rise(missing, before, reached));
    CHECK(route.wants_alert(missing, "call"));
    route.stages = {"dsl"};
    CHECK_FALSE(route.wants_alert(missing, "call"));
    CHECK(route.wants_alert(missing, "visit"));
    CHECK(route.wants_alert(missing, "a stage of an older rule"));
}

TEST_CASE(
    "a stage that no rule of the route has is refused, and a safety stage that nobody hears of is warned of", "[config]"
)
{
    const auto [why, stages, problem, warning] = GENERATE(table<std::string, std::string, std::string, std::string>({
        {"every stage", "", "", ""},
        {"a stage of another rule", "stages = [\"panel\"]\n", "not a stage of a rule that this route takes", ""},
        {"no stage", "stages = []\n", "is empty", ""},
        {"two of four", "stages = [\"call\", \"dsl\"]\n", "", "second-contact"},
    }));
    CAPTURE(why);
    school_folder school;
    const std::size_t at = school.main.find("rules = [\"missing-child\"]\n");
    REQUIRE(at != std::string::npos);
    school.main.insert(at, stages);
    // The other route takes everything: without it nobody else hears of a missing child.
    const std::size_t all = school.main.find("rules = [\"*\"]");
    REQUIRE(all != std::string::npos);
    school.main.replace(all, std::string("rules = [\"*\"]").size(), "rules = [\"illness\"]");
    const loaded_configuration loaded = school.load();
    INFO(problems_of(loaded));
    CHECK(loaded.has_value() == problem.empty());
    CHECK_THAT(problems_of(loaded), Contains(problem));
    if (!loaded) return;
    std::string warnings;
    for (const std::string& each : loaded->warnings)
        if (each.find("nobody is told") != each.npos) warnings += each;
    CHECK(warnings.empty() == warning.empty());
    CHECK_THAT(warnings, Contains(warning));
}

TEST_CASE("a route may be about years and groups, and by no flag", "[config]")
{
    const auto [why, line, problem] = GENERATE(table<std::string, std::string, std::string>({
        {"years", "cohort = { years = [\"7\"] }\n", ""},
        {"both", "cohort = { years = [\"7\"], groups = [\"7A\"] }\n", ""},
        {"nothing", "cohort = {}\n", "names no year and no group"},
        {"no year", "cohort = { years = [] }\n", "is empty"},
        {"a flag", "cohort = { flags = [\"looked_after\"] }\n", "not a key"},
    }));
    CAPTURE(why);
    school_folder school;
    const std::size_t at = school.main.find("rules = [\"missing-child\"]\n");
    REQUIRE(at != std::string::npos);
    school.main.insert(at, line);
    const loaded_configuration loaded = school.load();
    CHECK(problems_of(loaded).empty() == problem.empty());
    CHECK_THAT(problems_of(loaded), Contains(problem));
    if (loaded) CHECK_FALSE(loaded->routes[1].is_for_all());
}
