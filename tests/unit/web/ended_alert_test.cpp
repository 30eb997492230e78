#include "tests/unit/web/site_fixture.hpp"

namespace rollbook {
namespace {

// An alert that an incident opened, and that ended once nothing counted any more.
struct ended_alert_fixture : site_fixture {
    entry_index opened = 0, ended = 0, watched = 0;

    ended_alert_fixture()
    {
        const entry_index part =
            record(what::involvement, "mis", "i7/A1", ana, R"({"of":"incident","record":"i1","role":"aggressor"})");
        alert one;
        one.pupil = ana;
        one.rule = "incidents";
        one.stage = "met";
        one.state = alert_state::open;
        one.value = one.threshold = 1;
        one.evidence = {part};
        one.opened_at = one.changed_at = second_read;
        one.window = {on("2026-11-09"), on("2026-11-23")};
        one.opened_for = {on("2026-11-23"), local_instant(second_read.time_since_epoch())};
        one.reason = "1 incident.";
        opened = ledger->append(entry_kind::record, second_read, alert_payload(one, ledger->size()));
        one.id = one.latest = opened;
        one.state = alert_state::resolved;
        one.value = 0;
        one.evidence.clear();
        ended = ledger->append(entry_kind::record, second_read, alert_payload(one, ledger->size()));
        watched = ledger->append(
            entry_kind::record,
            second_read,
            R"({"name":"watch/)" + std::to_string(ana) + R"(","pupil":)" + std::to_string(ana) +
                R"(,"value":{"digest":"0","state":"standing"},"what":"settings"})"
        );
    }

    int status_of(const std::string& path, entry_index index) { return get(path + std::to_string(index)).status; }
};

} // namespace

TEST_CASE_METHOD(
    ended_alert_fixture,
    "an alert that ended is for whoever might see what it had opened on, and for nobody else",
    "[web]"
)
{
    const auto [who, sees] = GENERATE(table<role, bool>({{role::lead, true}, {role::office, false}}));
    CAPTURE(name_of(who));
    log_in(who);
    CHECK((get("/alerts.json?state=all").body.find(R"("rule":"incidents")") != std::string::npos) == sees);
    CHECK(status_of("/alerts/", opened) == (sees ? 200 : 404));
    for (const entry_index version : {opened, ended})
        CHECK(status_of("/entries/", version) == (sees ? 200 : 404));
}

TEST_CASE_METHOD(ended_alert_fixture, "who is on the safeguarding lead's list is told to nobody else", "[web]")
{
    const auto [who, sees] =
        GENERATE(table<role, bool>({{role::dsl, true}, {role::lead, false}, {role::auditor, false}}));
    CAPTURE(name_of(who));
    log_in(who);
    CHECK(status_of("/entries/", watched) == (sees ? 200 : 404));
}

} // namespace rollbook
