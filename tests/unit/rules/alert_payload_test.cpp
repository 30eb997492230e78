#include "daemon/rules/alert.hpp"

#include "tests/support/school.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::support;

namespace {

alert example()
{
    alert made;
    made.pupil = 12;
    made.rule = "penalty-notice";
    made.rule_version = "a1b2";
    made.stage = "met";
    made.value = 10;
    made.threshold = 10;
    made.window = {ymd(2026, 9, 14), ymd(2026, 11, 20)};
    made.opened_for = {ymd(2026, 11, 20), at_time(ymd(2026, 11, 20), 14, 5)};
    made.opened_at = *parse_instant("2026-11-20T14:05:00.250Z");
    made.changed_at = *parse_instant("2026-11-20T14:05:00.250Z");
    made.evidence = {40, 51, 62};
    made.reason = "10 unauthorised sessions in 10 school weeks.";
    return made;
}

// A second entry of the alert that entry 100 opened.
alert amended()
{
    alert made = example();
    made.id = 100;
    made.latest = 105;
    made.state = alert_state::acknowledged;
    made.changed_at = *parse_instant("2026-11-23T09:00:00.000Z");
    made.also_met = {{{ymd(2026, 6, 1), ymd(2026, 6, 5)}, "It was met in June."}};
    return made;
}

void check_same(const alert& a, const alert& b)
{
    CHECK(a.pupil == b.pupil);
    CHECK(a.rule == b.rule);
    CHECK(a.rule_version == b.rule_version);
    CHECK(a.stage == b.stage);
    CHECK(a.state == b.state);
    CHECK(a.value == b.value);
    CHECK(a.threshold == b.threshold);
    CHECK(a.window == b.window);
    CHECK(a.opened_for.as_of == b.opened_for.as_of);
    CHECK(a.opened_for.read_at == b.opened_for.read_at);
    CHECK(a.opened_at == b.opened_at);
    CHECK(a.changed_at == b.changed_at);
    CHECK(a.evidence == b.evidence);
    CHECK(a.reason == b.reason);
    CHECK(a.also_met == b.also_met);
}

std::string replaced(std::string in, std::string_view what, std::string_view by)
{
    const std::size_t at = in.find(what);
    REQUIRE(at != std::string::npos);
    return in.replace(at, what.size(), by);
}

} // namespace

TEST_CASE("an opening's payload is these bytes, and its id is its own place", "[rules]")
{
    const std::string payload = alert_payload(example(), 100);
    CHECK(
        payload ==
        R"({"changed_at":"2026-11-20T14:05:00.250Z","evidence":[40,51,62],"opened_at":"2026-11-20T14:05:00.250Z",)"
        R"("opened_for":{"as_of":"2026-11-20","read_at":"2026-11-20T14:05:00.000"},"pupil":12,)"
        R"("reason":"10 unauthorised sessions in 10 school weeks.","rule":"penalty-notice","rule_version":"a1b2",)"
        R"("stage":"met","state":"open","threshold":10,"value":10,"what":"alert",)"
        R"("window":{"from":"2026-09-14","to":"2026-11-20"}})"
    );
    const std::optional<alert> back = parse_alert_payload(payload, 100);
    REQUIRE(back);
    CHECK(back->id == 100);
    CHECK(back->latest == 100);
    check_same(*back, example());
    CHECK(alert_payload(*back, 100) == payload);
}

TEST_CASE("a later payload names its alert and the entry it replaces", "[rules]")
{
    const std::string payload = alert_payload(amended(), 110);
    CHECK(payload.starts_with(
        R"({"alert":100,"also_met":[{"from":"2026-06-01","says":"It was met in June.","to":"2026-06-05"}],)"
        R"("changed_at":"2026-11-23T09:00:00.000Z",)"
    ));
    CHECK(payload.find(R"("replaces":105,"rule":)") != std::string::npos);
    const std::optional<alert> back = parse_alert_payload(payload, 110);
    REQUIRE(back);
    CHECK(back->id == 100);
    CHECK(back->latest == 110);
    check_same(*back, amended());
}

TEST_CASE("an alert is about a pupil or about a source, and its payload says which", "[rules]")
{
    alert made = example();
    made.pupil = no_entry;
    made.source = "mis";
    const std::string payload = alert_payload(made, 100);
    CHECK(payload.find("\"pupil\"") == std::string::npos);
    const std::optional<alert> back = parse_alert_payload(payload, 100);
    REQUIRE(back);
    CHECK(back->source == "mis");
    check_same(*back, made);
    CHECK_FALSE(parse_alert_payload(replaced(payload, R"("reason")", R"("pupil":12,"reason")"), 100));
    CHECK_FALSE(parse_alert_payload(replaced(payload, R"("source":"mis")", R"("source":"")"), 100));
}

TEST_CASE("every state has one name and is read back from it", "[rules]")
{
    using enum alert_state;
    for (const alert_state state : {baseline, pending, open, acknowledged, resolved, withdrawn}) {
        alert made = amended();
        made.state = state;
        const std::optional<alert> back = parse_alert_payload(alert_payload(made, 110), 110);
        REQUIRE(back);
        CHECK(back->state == state);
        CHECK(parse_alert_state(name_of(state)) == state);
        CHECK(is_ended(state) == (state == resolved || state == withdrawn));
    }
    CHECK_FALSE(parse_alert_state("closed"));
}

TEST_CASE("a payload that is no whole alert is refused", "[rules]")
{
    const auto [what, by] = GENERATE(table<std::string, std::string>({
        {R"("what":"alert")", R"("what":"finding")"},
        {R"("pupil":12,)", ""},
        {R"("pupil":12)", R"("pupil":-1)"},
        {R"("value":10)", R"("value":"10")"},
        {R"("state":"acknowledged")", R"("state":"closed")"},
        {"[40,51,62]", "[40,51,\"62\"]"},
        {"[40,51,62]", "{}"},
        {"2026-11-20T14:05:00.000\"", "2026-11-20T14:05:00.000Z\""},
        {R"("from":"2026-09-14")", R"("from":"2026-09-31")"},
        {R"("from":"2026-06-01",)", ""},
        {R"("alert":100,)", ""},
        {R"("replaces":105,)", ""},
        {R"("replaces":105)", R"("replaces":110)"},
        {R"("replaces":105)", R"("replaces":99)"},
        {"{\"alert\"", "[\"alert\""},
    }));
    CAPTURE(what, by);
    const std::string whole = alert_payload(amended(), 110);
    REQUIRE(parse_alert_payload(whole, 110));
    CHECK_FALSE(parse_alert_payload(replaced(whole, what, by), 110));
}
