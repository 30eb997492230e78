#include "daemon/service/reminders.hpp"

#include "daemon/base/json.hpp"
#include "daemon/cases/marker.hpp"
#include "daemon/cases/pupil_facts.hpp"
#include "daemon/cases/reminders.hpp"
#include "daemon/cases/silence.hpp"
#include "daemon/service/closing.hpp"
#include "daemon/service/commit.hpp"
#include "daemon/service/messages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace rollbook {
namespace {

constexpr std::chrono::hours told_within = std::chrono::hours(24 * 7); // the end of a silence, or never

time_zone school_zone(const configuration& settings)
{
    return time_zone::named(settings.school.timezone).value_or(time_zone::utc());
}

school_hours hours_of(const configuration& settings)
{
    return {settings.casework.hours_from, settings.casework.hours_to};
}

struct round {
    const configuration& settings;
    ledger& book;
    instant now;
    time_zone zone = school_zone(settings);
    local_instant local = zone.to_local(now);
    message_setting shared = message_setting_of(settings, is_simulated(book.state()));
    reminder_setting setting{settings.calendar, hours_of(settings), settings.routes, settings.casework.lead};
    std::vector<silence> silences = silences_in(book.state());
    transaction t{};
    std::vector<pupil_marker> markers = markers_in(book.state());
    known_pupils pupils{settings.rules, settings.watch_list, settings.routes};

    void tell_by_cohort()
    {
        setting.is_about = [this](const route_configuration& to, entry_index pupil) {
            return pupils.is_for(to, book.state(), pupil, day_of(local));
        };
    }
    const rule* find_rule(const std::string& id) const
    {
        const rule* known = settings.find_rule(id);
        return known && known->enabled ? known : nullptr;
    }
    const route_configuration& route(const std::string& name) const
    {
        return *std::ranges::find(settings.routes, name, &route_configuration::name);
    }
    bool is_silent(const rule& of, entry_index pupil) const { return is_silenced(silences, of, pupil, day_of(local)); }
    void send(outbox_message m, instant at)
    {
        m.content.made_at = at;
        m.next_at = at;
        if (!book.has_message(m.content.id)) t.messages.push_back(std::move(m));
    }
};

std::optional<alert> standing_alert(const ledger& book, const held_thing& thing)
{
    if (thing.gone) return std::nullopt;
    std::optional<alert> found = parse_alert_payload(thing.payload, thing.entry);
    const auto kept = found ? book.value_of(found->id) : std::nullopt;
    if (kept) follow_value(*found, *kept);
    return found;
}

void remind_of_alerts(round& r)
{
    for (const held_thing& thing : std::as_const(r.book.state()).things(what::alert).all()) {
        const auto about = standing_alert(r.book, thing);
        const rule* of = about ? r.find_rule(about->rule) : nullptr;
        if (of == nullptr || r.is_silent(*of, about->pupil)) continue;
        const local_instant since = r.zone.to_local(counts_since(*about));
        for (const due_reminder& due : reminders_of(*about, *of, r.setting, since, r.local)) {
            const route_configuration& to = r.route(due.route);
            const named_pupil pupil = named_subject(r.book.state(), *about);
            const std::string first = r.book.first_message_id(about->id, to.name);
            r.send(alert_reminder(r.shared, to, *of, *about, due, pupil, first), may_go_at(r.settings, to, *of, r.now));
        }
    }
}

void remind_of_actions(round& r)
{
    for (const case_action& about : actions_in(r.book.state())) {
        // Nobody is reminded to write home about a child who is to be handled with care.
        if (goes_home(about.kind) && is_marked(r.markers, marker_kind::handle_with_care, about.pupil)) continue;
        const held_thing* thing = std::as_const(r.book.state()).things(what::alert).find_subject(about.alert);
        const auto whose = thing ? standing_alert(r.book, *thing) : std::nullopt;
        const rule* of = whose ? r.find_rule(about.rule) : nullptr;
        if (of == nullptr) continue;
        for (const due_reminder& due : reminders_of(about, *whose, *of, r.setting, r.local)) {
            const route_configuration& to = r.route(due.route);
            const named_pupil pupil = pupil_named(r.book.state(), about.pupil);
            const std::string first = r.book.first_message_id(about.alert, to.name);
            r.send(action_reminder(r.shared, to, *of, about, due, pupil, first), may_go_at(r.settings, to, *of, r.now));
        }
    }
}

// Alerts that the silence held messages back about, and that still stand.
std::vector<entry_index> alerts_under(const held_state& held, const silence& of)
{
    std::vector<entry_index> found;
    for (const held_thing& thing : held.things(what::alert).all()) {
        if (thing.gone || (of.pupil != no_entry && thing.pupil != of.pupil)) continue;
        if (of.rule.empty() || thing.key == of.rule || thing.key.starts_with(of.rule + "/"))
            found.push_back(thing.subject);
    }
    return found;
}

void end_silences(round& r)
{
    for (silence each : r.silences) {
        const bool expires = each.ended == silence::end::none && !each.stands_on(day_of(r.local));
        if (expires) {
            each.ended = silence::end::by_time;
            each.at = r.now;
            r.t.entries.push_back(silence_entry(each, r.book.size() + r.t.entries.size()));
        }
        if (each.ended == silence::end::none || r.now - each.at > told_within) continue;
        for (const route_configuration& to : r.settings.routes) {
            const bool is_concerned = std::ranges::any_of(r.settings.rules, [&](const rule& of) {
                return (each.rule.empty() || of.id == each.rule) && to.wants(of.id);
            });
            if (!is_concerned || to.channel == "note") continue;
            if (each.pupil != no_entry && !r.setting.is_about(to, each.pupil)) continue;
            r.send(
                silence_message(r.shared, to, each, alerts_under(r.book.state(), each)),
                may_go_at(r.settings, to, rule{}, r.now)
            );
        }
    }
}

// On the day on which the safeguarding lead wanted to look again at a marker, or at a line of the list, its route is
// told once: never why, nor which of them it is.
void remind_of_reviews(round& r)
{
    const std::string& name = r.settings.casework.dsl;
    if (name.empty()) return;
    const route_configuration& to = r.route(name);
    const civil_day today = day_of(r.local);
    const auto is_due = [&](const std::optional<civil_day>& review) {
        return review && *review <= today && today - *review < std::chrono::floor<std::chrono::days>(told_within);
    };
    const auto tell = [&](entry_index pupil, civil_day review, std::string_view id) {
        const named_pupil who = pupil_named(r.book.state(), pupil);
        r.send(review_message(r.shared, to, who, pupil, review, id), may_go_at(r.settings, to, rule{}, r.now));
    };
    for (const pupil_marker& each : r.markers)
        if (!each.ended && is_due(each.review))
            tell(each.pupil, *each.review, fmt::format("{}-{}", each.id, format_day(*each.review)));
    const auto listed = [&](const watched_pupil& each) { return is_due(each.review); };
    if (std::ranges::none_of(r.settings.watch_list, listed)) return;
    r.pupils.find_watched(r.book.state(), r.settings.mis_name());
    for (const auto& [pupil, line] : r.pupils.watched())
        if (is_due(line->review))
            tell(pupil, *line->review, fmt::format("list-{}-{}", pupil, format_day(*line->review)));
}

} // namespace

instant may_go_at(const configuration& settings, const route_configuration& route, const rule& of, instant now)
{
    if (of.safety || (!route.only_in_school_hours && !route.digest)) return now;
    const time_zone zone = school_zone(settings);
    const local_instant local = zone.to_local(now);
    const local_instant moment = route.digest ? next_school_day_at(settings.calendar, *route.digest, local)
                                              : next_school_moment(settings.calendar, hours_of(settings), local);
    return moment == local ? now : zone.to_instant(moment);
}

bool is_in_school_hours(const configuration& settings, local_instant at)
{
    return school_time_between(settings.calendar, hours_of(settings), at, at + std::chrono::minutes(1)).count() > 0;
}

instant next_morning(const configuration& settings, instant now)
{
    const time_zone zone = school_zone(settings);
    return zone.to_instant(next_school_day_at(settings.calendar, settings.casework.hours_from, zone.to_local(now)));
}

std::size_t remind(const configuration& settings, ledger& book, instant now)
{
    round r{settings, book, now};
    r.tell_by_cohort();
    remind_of_alerts(r);
    remind_of_actions(r);
    end_silences(r);
    remind_of_reviews(r);
    if (r.t.empty()) return 0;
    commit_and_apply(book, r.t, now);
    if (!r.t.entries.empty()) book.sign_checkpoint(now);
    return r.t.messages.size();
}

} // namespace rollbook
