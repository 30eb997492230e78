#include "daemon/service/messages.hpp"

#include "tests/support/england_rules.hpp"
#include "tests/support/school.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace rollbook;
using namespace rollbook::support;
using Catch::Matchers::Contains;

namespace {

message_setting example_setting()
{
    message_setting setting;
    setting.school = "St Example's";
    setting.domain = "ledger.example.sch.uk";
    setting.public_url = "https://rollbook.example.sch.uk";
    return setting;
}

route_configuration route_named(const std::string& name, disclosure allowed = disclosure::reference)
{
    route_configuration route;
    route.name = name;
    route.rules = {"*"};
    route.disclose = allowed;
    return route;
}

alert example_alert(entry_index id = 900, const std::string& stage = "letter")
{
    alert a;
    a.id = id;
    a.pupil = 17;
    a.rule = "repeated-lateness";
    a.stage = stage;
    a.state = alert_state::open;
    a.value = 5;
    a.threshold = 5;
    a.reason = "5 late sessions since 7 September.";
    return a;
}

const named_pupil ada{"P-17", "Zoë", "Quillfeather"};

outbox_message
message_of(const route_configuration& route, const alert& a, telling tell, const named_pupil& pupil = ada)
{
    return alert_message(example_setting(), route, repeated_lateness(), a, tell, pupil, "", instant{});
}

bool holds_name(const std::string& text)
{
    return text.find("Zoë") != std::string::npos || text.find("Quillfeather") != std::string::npos;
}

} // namespace

TEST_CASE("a message names a pupil only as far as its route may, and a subject never does", "[service]")
{
    const auto [allowed, shown] = GENERATE(table<disclosure, std::string>({
        {disclosure::reference, "Pupil: P-17\n"},
        {disclosure::initials, "Pupil: ZQ (P-17)\n"},
        {disclosure::name, "Pupil: Zoë Quillfeather (P-17)\n"},
    }));
    const telling tell = GENERATE(telling::opened, telling::stage_up, telling::ended);
    alert a = example_alert();
    if (tell == telling::ended) a.state = alert_state::resolved;
    const outbox_message m = message_of(route_named("lead", allowed), a, tell);
    CHECK_THAT(m.content.text, Contains(shown));
    CHECK(holds_name(m.content.text) == (allowed == disclosure::name));
    CHECK(holds_name(m.content.json) == (allowed == disclosure::name));
    CHECK_FALSE(holds_name(m.content.subject));
    CHECK_FALSE(holds_name(m.content.id));
    CHECK_THAT(m.content.subject, Contains("P-17"));
    CHECK_THAT(m.content.text, Contains("https://rollbook.example.sch.uk/alerts/900"));
}

TEST_CASE("a pupil without a known name is a reference whatever the route may show", "[service]")
{
    const outbox_message m = message_of(
        route_named("lead", GENERATE(disclosure::initials, disclosure::name)),
        example_alert(),
        telling::opened,
        {"P-17", "", ""}
    );
    CHECK_THAT(m.content.text, Contains("Pupil: P-17\n"));
}

TEST_CASE("a message's id is the same each time, and one for each alert, stage and route", "[service]")
{
    std::set<std::string> ids;
    int count = 0;
    for (const entry_index id : {900, 901})
        for (const char* stage : {"tutor", "letter", "panel"})
            for (const char* route : {"lead", "head of year"}) {
                const auto a = example_alert(id, stage);
                const std::string first = message_of(route_named(route), a, telling::opened).content.id;
                CHECK(first == message_of(route_named(route), a, telling::stage_up).content.id);
                CHECK_THAT(first, Catch::Matchers::Matches("<[A-Za-z0-9.-]+@ledger\\.example\\.sch\\.uk>"));
                ids.insert(first);
                ++count;
            }
    alert ended = example_alert();
    for (const alert_state state : {alert_state::resolved, alert_state::withdrawn}) {
        ended.state = state;
        ids.insert(message_of(route_named("lead"), ended, telling::ended).content.id);
        ++count;
    }
    CHECK(ids.size() == static_cast<std::size_t>(count));
}

TEST_CASE("a simulation says so in every subject", "[service]")
{
    message_setting setting = example_setting();
    setting.simulated = GENERATE(false, true);
    const auto m = alert_message(
        setting, route_named("lead"), repeated_lateness(), example_alert(), telling::opened, ada, "", instant{}
    );
    CHECK((m.content.subject.find("SIMULATION") != std::string::npos) == setting.simulated);
    const auto b = baseline_message(setting, route_named("lead"), {repeated_lateness()}, {}, 5, instant{});
    CHECK((b.content.subject.find("SIMULATION") != std::string::npos) == setting.simulated);
}

TEST_CASE("the baseline is one message of counts, without a pupil", "[service]")
{
    const baseline_counts counts = {{"repeated-lateness", {{"letter", 2}, {"tutor", 9}}}, {"gone-rule", {{"met", 1}}}};
    const auto m =
        baseline_message(example_setting(), route_named("lead"), {repeated_lateness()}, counts, 5, instant{});
    CHECK(m.alert == no_entry);
    CHECK(m.pupil == no_entry);
    CHECK(m.content.type == "alert.baseline");
    CHECK_THAT(m.content.text, Contains("Repeated lateness: 11 pupils") && Contains("gone-rule: 1 pupil (met 1)"));
    CHECK_THAT(m.content.text, !Contains("P-"));
    const auto other = baseline_message(example_setting(), route_named("teams"), {}, counts, 5, instant{});
    CHECK(other.content.id != m.content.id);
}
