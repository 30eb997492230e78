#include "daemon/service/operator_messages.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/utf8.hpp"
#include "daemon/domain/calendar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace rollbook {
namespace {

constexpr std::chrono::hours day_begins{7}; // local; nothing of this is worth waking for

std::string month_of(civil_day day)
{
    return format_day(day).substr(0, 7);
}

outbox_message about_itself(
    const message_setting& setting,
    const std::string& route,
    std::string_view kind,
    std::string_view number,
    std::string_view subject,
    std::string text,
    instant at
)
{
    outbox_message m;
    m.route = route;
    m.stage = kind;
    m.content.type = fmt::format("operator.{}", kind);
    m.content.id = fmt::format("<{}-{}.{}@{}>", kind, number, message_id_part(route), setting.domain);
    m.content.subject = subject_start(setting).append(subject);
    text = as_utf8(text); // a failure's words may be a system's own
    m.content.text = fmt::format("{}\n{}\n", text, setting.school);
    m.content.made_at = at;
    json_writer out(m.content.json);
    out.begin_object();
    out.key("data").begin_object().member("text", text).end_object();
    out.member("timestamp", format_instant(at)).member("type", m.content.type).end_object();
    return m;
}

} // namespace

outbox_message trouble_message(
    const message_setting& setting, const std::string& route, const trouble& about, civil_day today, instant at
)
{
    const event_description& known = describe(about.what);
    const std::string when = known.level == event_level::error ? format_day(today) : month_of(today);
    return about_itself(
        setting,
        route,
        "trouble",
        fmt::format(
            "{}{}{}-{}", message_id_part(known.id), about.which.empty() ? "" : "-", message_id_part(about.which), when
        ),
        "Rollbook's machine needs a hand",
        fmt::format("{}.\n\nWhat to do: {}\n", about.text, known.to_do),
        at
    );
}

outbox_message alive_message(
    const message_setting& setting,
    const std::string& route,
    const std::vector<std::string>& lines,
    const std::vector<trouble>& troubles,
    civil_day today,
    instant at
)
{
    std::string text = "Rollbook is alive. You get this each week; when it stays away, look at the server.\n\n";
    for (const std::string& line : lines)
        text += line + "\n";
    for (const trouble& each : troubles)
        text += fmt::format("\nTo see to: {}.\n  {}\n", each.text, each.to_do());
    if (troubles.empty()) text += "Nothing needs a hand.\n";
    return about_itself(setting, route, "alive", format_day(monday_of(today)), "Alive", text, at);
}

message test_message(const message_setting& setting, const std::string& route, std::string_view id, instant at)
{
    return about_itself(
               setting,
               route,
               "test",
               id,
               "A test message",
               fmt::format("This is a test of the route \"{}\". Nothing is to be done.\n", route),
               at
    )
        .content;
}

outbox_message dead_route_message(
    const message_setting& setting,
    const std::string& route,
    std::span<const outbox_message> not_taken,
    const failure& why,
    civil_day day,
    instant at
)
{
    const std::string& dead = not_taken.front().route;
    std::set<entry_index> alerts;
    for (const outbox_message& each : not_taken)
        if (each.alert != no_entry) alerts.insert(each.alert);
    std::string text =
        fmt::format("The route \"{}\" takes no messages: {}. {}\nIts reader was not told", dead, why.what, why.to_do);
    if (!alerts.empty())
        text += fmt::format(
            " of alert{} {}.\n\nTo see one: rollbook alerts show {}\n",
            alerts.size() == 1 ? "" : "s",
            fmt::join(alerts, ", "),
            *alerts.begin()
        );
    else
        text += ".\n";
    text +=
        "What else of that day it does not take is not told again. Its reader has to go through all alerts that stand: "
        "rollbook alerts list\n";
    text +=
        "Correct the route, then try it, and what it did not take goes out again: rollbook route test " + dead + "\n";
    return about_itself(
        setting,
        route,
        "dead-route",
        fmt::format("{}-{}", message_id_part(dead), format_day(day)),
        "A route takes no messages",
        text,
        at
    );
}

std::string route_instead_of(const configuration& settings, std::string_view dead)
{
    if (settings.operations && settings.operations->route != dead) return settings.operations->route;
    const auto other = std::ranges::find_if(settings.routes, [&](const route_configuration& route) {
        return route.name != dead && route.channel != "note";
    });
    return other == settings.routes.end() ? std::string() : other->name;
}

std::vector<outbox_message> operator_messages_due(
    const configuration& settings,
    const message_setting& setting,
    const std::vector<trouble>& troubles,
    const std::vector<std::string>& standing,
    const time_zone& zone,
    instant now
)
{
    std::vector<outbox_message> due;
    if (!settings.operations) return due;
    const local_instant local = zone.to_local(now);
    const civil_day today = day_of(local);
    const std::string& route = settings.operations->route;
    for (const trouble& each : troubles)
        if (describe(each.what).level == event_level::error || local - local_instant(today) >= day_begins)
            due.push_back(trouble_message(setting, route, each, today, now));
    if (local - local_instant(today) < day_begins) return due;
    if (settings.operations->weekly) due.push_back(alive_message(setting, route, standing, troubles, today, now));
    if (!settings.operations->monthly_test) return due;
    for (const route_configuration& each : settings.routes) {
        if (each.channel == "note") continue; // a test would stand in a pupil's file
        outbox_message m;
        m.route = each.name;
        m.stage = "test";
        m.content = test_message(setting, each.name, month_of(today), now);
        due.push_back(std::move(m));
    }
    return due;
}

} // namespace rollbook
