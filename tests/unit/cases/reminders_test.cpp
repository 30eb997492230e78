#include "daemon/cases/reminders.hpp"

#include "tests/support/england_rules.hpp"
#include "tests/support/school.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::support;
using namespace std::chrono_literals;

namespace {

// School hours 08:00 to 16:00; 23 November 2026 is a Monday.
struct office {
    school_calendar calendar = example_calendar();
    std::vector<route_configuration> routes;
    rule of = repeated_lateness();
    alert about;
    case_action action;

    office()
    {
        for (const char* name : {"lead", "head"}) {
            route_configuration route;
            route.name = name;
            routes.push_back(route);
        }
        routes[0].rules = {"*"};
        routes[0].reminders = {4h, 10h, "head"};
        about.id = 100;
        about.rule = of.id;
        about.state = alert_state::open;
        action.id = 200;
        action.alert = 100;
        action.kind = "call";
    }

    reminder_setting setting(std::string lead = {}) const { return {calendar, {}, routes, std::move(lead)}; }

    std::string of_alert(civil_day day, int hour, int minute = 0) const
    {
        return said(reminders_of(about, of, setting(), at_time(ymd(2026, 11, 23), 9, 0), at_time(day, hour, minute)));
    }
    std::string of_action(civil_day day, std::string lead = {}) const
    {
        return said(reminders_of(action, about, of, setting(std::move(lead)), at_time(day, 9, 0)));
    }

    static std::string said(const std::vector<due_reminder>& due)
    {
        constexpr const char* words[] = {"remind", "escalate", "overdue", "lead", "review"};
        std::string text;
        for (const due_reminder& each : due)
            text += std::string(text.empty() ? "" : "; ") + words[static_cast<int>(each.of)] + " " + each.route + " " +
                    std::to_string(each.number);
        return text;
    }
};

} // namespace

TEST_CASE("school time is the school hours of school days", "[cases]")
{
    const school_calendar calendar = example_calendar();
    const civil_day friday = ymd(2026, 11, 20);
    const auto between = [&](civil_day a, int h1, civil_day b, int h2) {
        return school_time_between(calendar, {}, at_time(a, h1, 0), at_time(b, h2, 0));
    };
    CHECK(between(friday, 9, friday, 12) == 3h);
    CHECK(between(friday, 6, friday, 9) == 1h);
    CHECK(between(friday, 15, friday, 20) == 1h);
    CHECK(between(friday, 15, friday + std::chrono::days(3), 9) == 2h); // over a weekend
    CHECK(between(friday + std::chrono::days(1), 9, friday + std::chrono::days(2), 15) == 0h);
    CHECK(between(friday, 12, friday, 9) == 0h);
}

TEST_CASE(
    "a message that waits for school hours goes when they begin, and at the end of the calendar at once", "[cases]"
)
{
    const school_calendar calendar = example_calendar();
    const civil_day friday = ymd(2026, 11, 20);
    const civil_day monday = friday + std::chrono::days(3);
    const auto from = [&](civil_day day, int hour) { return next_school_moment(calendar, {}, at_time(day, hour, 0)); };
    CHECK(from(friday, 7) == at_time(friday, 8, 0));
    CHECK(from(friday, 8) == at_time(friday, 8, 0));
    CHECK(from(friday, 15) == at_time(friday, 15, 0));
    CHECK(from(friday, 16) == at_time(monday, 8, 0));
    CHECK(from(friday + std::chrono::days(1), 10) == at_time(monday, 8, 0));
    CHECK(from(ymd(2030, 1, 1), 3) == at_time(ymd(2030, 1, 1), 3, 0));
}

TEST_CASE("an alert that nobody acknowledges is told again in school time, and then to another route", "[cases]")
{
    const office at;
    const civil_day monday = ymd(2026, 11, 23);
    CHECK(at.of_alert(monday, 12, 59).empty());
    CHECK(at.of_alert(monday, 13) == "remind lead 1");
    CHECK(at.of_alert(monday, 23) == "remind lead 1"); // seven hours of school time
    CHECK(at.of_alert(monday + std::chrono::days(1), 8, 59) == "remind lead 1");
    CHECK(at.of_alert(monday + std::chrono::days(1), 9) == "remind lead 2");
    CHECK(at.of_alert(monday + std::chrono::days(1), 11) == "remind lead 2; escalate head 1");
    CHECK(at.of_alert(monday + std::chrono::days(10), 9) == "remind lead 5; escalate head 1"); // no more than five
}

TEST_CASE("only an open alert is reminded of", "[cases]")
{
    const auto [state, expected] = GENERATE(table<alert_state, std::string>({
        {alert_state::baseline, ""},
        {alert_state::pending, ""},
        {alert_state::open, "remind lead 1"},
        {alert_state::acknowledged, ""},
        {alert_state::resolved, ""},
        {alert_state::withdrawn, ""},
    }));
    CAPTURE(name_of(state));
    office at;
    at.about.state = state;
    CHECK(at.of_alert(ymd(2026, 11, 23), 15) == expected);
}

TEST_CASE("what a rule says of reminders goes before what its route says", "[cases]")
{
    office at;
    at.of.reminders = {1h, 0h, ""};
    CHECK(at.of_alert(ymd(2026, 11, 23), 12) == "remind lead 3");
    at.of.reminders = {};
    at.routes[0].reminders = {};
    CHECK(at.of_alert(ymd(2026, 11, 23), 15).empty());
}

TEST_CASE("an overdue action reminds its owner, then the lead, until it is done", "[cases]")
{
    office at;
    const civil_day monday = ymd(2026, 11, 23);
    at.action.owner = "head";
    at.action.due = monday;
    const auto after = [&](int days) { return at.of_action(monday + std::chrono::days(days)); };
    CHECK(after(0).empty());
    CHECK(after(1) == "overdue head 1");
    CHECK(after(2) == "overdue head 1; lead lead 1");
    CHECK(after(9) == "overdue head 2; lead lead 1");                               // the sixth school day
    CHECK(at.of_action(monday + std::chrono::days(2), "head") == "overdue head 1"); // the lead is the owner
    at.action.owner = "Mrs Owner";                                                  // no route
    CHECK(after(1) == "overdue lead 1");
    at.action.is_done = true;
    CHECK(after(2).empty());
    at.action.review = monday + std::chrono::days(3);
    CHECK(after(2).empty());
    CHECK(after(3) == "review lead 1");
    at.action.outcome = "cancelled";
    CHECK(after(3).empty());
    at.action.outcome.clear();
    at.about.state = alert_state::resolved;
    CHECK(after(3).empty());
}

TEST_CASE("a route whose cohort has not the pupil is reminded of nothing, and escalates nothing", "[cases]")
{
    office one;
    one.about.pupil = 7;
    one.action.pupil = 7;
    one.action.due = ymd(2026, 11, 23);
    const auto due = [&](bool has_pupil) {
        reminder_setting setting = one.setting();
        setting.is_about = [&](const route_configuration& route, entry_index pupil) {
            return has_pupil || route.name != "lead" || pupil != 7;
        };
        const local_instant now = at_time(ymd(2026, 11, 24), 16, 0);
        return office::said(reminders_of(one.about, one.of, setting, at_time(ymd(2026, 11, 23), 9, 0), now)) + " / " +
               office::said(reminders_of(one.action, one.about, one.of, setting, now));
    };
    CHECK(due(true) == "remind lead 3; escalate head 1 / overdue lead 1");
    CHECK(due(false) == " / ");
}
