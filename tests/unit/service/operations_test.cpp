#include "daemon/service/operator_messages.hpp"
#include "daemon/service/service_manager.hpp"
#include "daemon/service/troubles.hpp"

#include <catch2/catch.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

using namespace rollbook;
using namespace std::chrono_literals;

namespace {

instant the_instant(const char* text)
{
    return parse_instant(text).value();
}

machine_facts a_good_machine()
{
    machine_facts facts;
    facts.now = the_instant("2026-11-26T12:00:00Z");
    facts.newest_entry = facts.now - 1min;
    facts.clock_kept = true;
    facts.disk_free = 50ull << 30;
    facts.disk_size = 100ull << 30;
    facts.disk_encrypted = true;
    return facts;
}

configuration a_school()
{
    configuration settings;
    settings.school.name = "St Example's";
    settings.ledger.origin = "ledger.example.sch.uk/900001";
    for (const char* name : {"lead", "it"}) {
        route_configuration route;
        route.name = name;
        route.channel = "email";
        settings.routes.push_back(route);
    }
    settings.operations.emplace();
    settings.operations->route = "it";
    return settings;
}

std::vector<event> kinds(const std::vector<trouble>& troubles)
{
    std::vector<event> out;
    for (const trouble& each : troubles)
        out.push_back(each.what);
    return out;
}

std::vector<std::string> ids_at(const configuration& settings, const std::vector<trouble>& troubles, const char* when)
{
    std::vector<std::string> out;
    const time_zone london = time_zone::named("Europe/London").value();
    for (const outbox_message& m :
         operator_messages_due(settings, message_setting_of(settings, false), troubles, {}, london, the_instant(when)))
        out.push_back(m.content.id);
    return out;
}

} // namespace

TEST_CASE("a machine has the troubles it has, at their limits, worst first", "[service]")
{
    configuration settings = a_school();
    CHECK(troubles_of(settings, a_good_machine()).empty());

    struct change {
        const char* why;
        void (*make)(configuration&, machine_facts&);
        std::vector<event> expected;
    };
    const std::vector<change> changes = {
        {"a gibibyte left", [](auto&, auto& f) { f.disk_free = 1ull << 30; }, {}},
        {"less than it", [](auto&, auto& f) { f.disk_free = (1ull << 30) - 1; }, {event::disk_nearly_full}},
        {"a small disk is full by its own measure",
         [](auto&, auto& f) { f.disk_size = 1ull << 30, f.disk_free = 100ull << 20; },
         {}},
        {"an entry of the near future", [](auto&, auto& f) { f.newest_entry = f.now + 5min; }, {}},
        {"an entry of the far future", [](auto&, auto& f) { f.newest_entry = f.now + 6min; }, {event::clock_wrong}},
        {"nothing keeps the clock", [](auto&, auto& f) { f.clock_kept = false; }, {event::clock_wrong}},
        {"others say that the clock is off", [](auto&, auto& f) { f.clock_ahead = -3min; }, {event::clock_wrong}},
        {"where the kernel may not be asked, the clock was set three hours ago",
         [](auto&, auto& f) { f.clock_kept.reset(), f.clock_set = f.now - 3h; },
         {}},
        {"and longer ago",
         [](auto&, auto& f) { f.clock_kept.reset(), f.clock_set = f.now - 3h - 1ms; },
         {event::clock_wrong}},
        {"nobody knows of the clock or disk",
         [](auto&, auto& f) { f.clock_kept.reset(), f.disk_encrypted.reset(), f.disk_free.reset(); },
         {}},
        {"no pages", [](auto&, auto& f) { f.pages_failed = "the port is taken"; }, {event::pages_failed}},
        {"a backup overdue", [](auto&, auto& f) { f.backups.overdue = true; }, {event::backup_overdue}},
        {"messages that did not reach their reader",
         [](auto&, auto& f) { f.undelivered["lead"] = 2; },
         {event::messages_undelivered}},
        {"a backup, a copy and a drill that failed",
         [](auto&, auto& f) {
             f.backups.backup_failed = failure(errc::ledger_in_doubt, "no room", "Make some.");
             f.backups.copies_failed = f.backups.drill_failed = f.backups.backup_failed;
         },
         {event::backup_failed, event::copies_failed, event::drill_failed}},
        {"a certificate of 31 days",
         [](auto&, auto& f) { f.certificate_ends = the_instant("2026-12-27T12:00:00Z"); },
         {}},
        {"a certificate of 30 days",
         [](auto&, auto& f) { f.certificate_ends = the_instant("2026-12-26T12:00:00Z"); },
         {event::expires_soon}},
        {"its last day", [](auto&, auto& f) { f.certificate_ends = f.now; }, {event::expires_soon}},
        {"the day after", [](auto&, auto& f) { f.certificate_ends = f.now - 24h; }, {event::expired}},
        {"a pack of 14 months",
         [](auto& c, auto&) {
             c.packs.push_back({"england", parse_day("2025-09-26").value()});
         },
         {}},
        {"a pack older than that",
         [](auto& c, auto&) {
             c.packs.push_back({"england", parse_day("2025-09-25").value()});
         },
         {event::pack_old}},
        {"two at once",
         [](auto&, auto& f) { f.disk_encrypted = false, f.backups.overdue = true; },
         {event::backup_overdue, event::disk_not_encrypted}},
    };
    for (const change& each : changes) {
        CAPTURE(each.why);
        configuration changed = settings;
        machine_facts facts = a_good_machine();
        each.make(changed, facts);
        CHECK(kinds(troubles_of(changed, facts)) == each.expected);
    }
}

TEST_CASE("a backup that failed is told with what to do, in one sentence", "[service]")
{
    machine_facts facts = a_good_machine();
    facts.backups.backup_failed = failure(errc::ledger_in_doubt, "no room", "Make some.");
    const auto found = troubles_of(a_school(), facts);
    REQUIRE(found.size() == 1);
    CHECK(found[0].text == "the backup failed: no room. Make some");
}

TEST_CASE("a secret whose end the school wrote down is told thirty days ahead, wherever it stands", "[service]")
{
    configuration settings = a_school();
    secret_reference token{secret_reference::from::file, "token", parse_day("2026-12-26")};
    setting inner;
    inner.value = token;
    setting oauth;
    oauth.value = setting_table{{"client_secret", inner}};
    settings.routes[0].settings["oauth"] = oauth;
    const auto found = troubles_of(settings, a_good_machine());
    REQUIRE(found.size() == 1);
    CHECK(found[0].text == "route lead: oauth.client_secret stops working on 2026-12-26");
}

TEST_CASE(
    "the operator hears of an error each day, of a warning each month, and nothing without being named", "[service]"
)
{
    configuration settings = a_school();
    settings.operations->monthly_test = false;
    const std::vector<trouble> troubles = {{event::backup_overdue, "no backup"}, {event::pack_old, "old"}};
    CHECK(
        ids_at(settings, troubles, "2026-11-26T12:00:00Z") ==
        std::vector<std::string>{
            "<trouble-backup-overdue-2026-11-26.it@ledger.example.sch.uk>",
            "<trouble-pack-old-2026-11.it@ledger.example.sch.uk>"}
    );
    CHECK(ids_at(settings, troubles, "2026-11-27T06:59:00Z").size() == 1); // a warning wakes nobody
    settings.operations.reset();
    CHECK(ids_at(settings, troubles, "2026-11-26T12:00:00Z").empty());
}

TEST_CASE("the weekly word has one id a week and the monthly test one a month and route", "[service]")
{
    configuration settings = a_school();
    settings.operations->weekly = true;
    route_configuration note;
    note.name = "cpoms";
    note.channel = "note";
    settings.routes.push_back(note);
    const auto monday = ids_at(settings, {}, "2026-11-23T09:00:00Z");
    CHECK(
        monday ==
        std::vector<std::string>{
            "<alive-2026-11-23.it@ledger.example.sch.uk>",
            "<test-2026-11.lead@ledger.example.sch.uk>",
            "<test-2026-11.it@ledger.example.sch.uk>"}
    );
    CHECK(ids_at(settings, {}, "2026-11-29T09:00:00Z") == monday);
    CHECK(ids_at(settings, {}, "2026-11-30T09:00:00Z")[0] == "<alive-2026-11-30.it@ledger.example.sch.uk>");
}

TEST_CASE("of a message not taken another route hears, by its number and without a word of the pupil", "[service]")
{
    configuration settings = a_school();
    CHECK(route_instead_of(settings, "lead") == "it");
    CHECK(route_instead_of(settings, "it") == "lead");
    settings.routes.pop_back();
    settings.operations.reset();
    CHECK(route_instead_of(settings, "lead").empty());

    std::vector<outbox_message> dead(3);
    for (outbox_message& each : dead) {
        each.route = "lead";
        each.content.subject = "[Rollbook] Repeated lateness: P-12";
    }
    dead[1].alert = 4711;
    dead[2].alert = 4712;
    const outbox_message told = dead_route_message(
        message_setting_of(settings, false),
        "it",
        dead,
        failure(errc::delivery_refused, "the relay refuses the mail", "Look at it."),
        parse_day("2026-11-26").value(),
        the_instant("2026-11-26T12:00:00Z")
    );
    CHECK(told.content.id == "<dead-route-lead-2026-11-26.it@ledger.example.sch.uk>");
    CHECK_THAT(told.content.text, Catch::Contains("of alerts 4711, 4712.") && !Catch::Contains("P-12"));
    CHECK_THAT(told.content.text, Catch::Contains("alerts show 4711") && Catch::Contains("rollbook alerts list"));
}

namespace {

// A socket that service managers listen on, of that name and no file.
int listening_manager()
{
    const std::string name = "rollbook-notify-" + std::to_string(::getpid());
    const int in = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), at.sun_path + 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    REQUIRE(::bind(in, reinterpret_cast<const sockaddr*>(&at), size) == 0);
    ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
    return in;
}

} // namespace

TEST_CASE("the service manager gets its lines, and no manager or a wrong address harms nobody", "[service]")
{
    ::unsetenv("NOTIFY_SOCKET");
    tell_service_manager("READY=1");
    ::setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
    tell_service_manager("READY=1");

    const int in = listening_manager();
    tell_service_manager("WATCHDOG=1");
    std::array<char, 64> got{};
    CHECK(::recv(in, got.data(), got.size(), MSG_DONTWAIT) == 10);
    CHECK(std::string(got.data()) == "WATCHDOG=1");
    ::close(in);
    ::unsetenv("NOTIFY_SOCKET");

    ::setenv("WATCHDOG_USEC", "180000000", 1);
    CHECK(watchdog_limit() == 3min);
    ::setenv("WATCHDOG_PID", "1", 1);
    CHECK_FALSE(watchdog_limit());
    ::unsetenv("WATCHDOG_PID");
    ::unsetenv("WATCHDOG_USEC");
    CHECK_FALSE(watchdog_limit());
}

TEST_CASE(
    "the watchdog is fed while work goes on that shows no progress, and not for longer than it may take", "[service]"
)
{
    const int in = listening_manager();
    const auto fed = [&](std::chrono::milliseconds within) {
        pollfd some{in, POLLIN, 0};
        std::array<char, 64> got{};
        return ::poll(&some, 1, static_cast<int>(within.count())) == 1 && ::recv(in, got.data(), got.size(), 0) == 10;
    };
    ::setenv("WATCHDOG_USEC", "30000", 1);
    {
        const watchdog_feeder feeder(1h);
        for (int i = 0; i < 4; ++i)
            CHECK(fed(10s));
    }
    while (fed(0ms)) {
    }
    {
        const watchdog_feeder feeder(0s);
        CHECK(fed(10s));
        CHECK_FALSE(fed(200ms));
    }
    ::unsetenv("WATCHDOG_USEC");
    {
        const watchdog_feeder unwatched(1h);
        CHECK_FALSE(fed(50ms));
    }
    ::close(in);
    ::unsetenv("NOTIFY_SOCKET");
}
