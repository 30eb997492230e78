#include "daemon/cases/pupil_facts.hpp"

#include "daemon/base/json.hpp"
#include "daemon/cases/action.hpp"
#include "daemon/domain/attendance_code.hpp"
#include "daemon/domain/pupil_flags.hpp"

#include <algorithm>

namespace rollbook {
namespace {

std::string preferred_name(json_view fields, std::string_view preferred, std::string_view legal)
{
    if (const auto name = fields[preferred].string_if(); name && !name->empty()) return std::string(*name);
    return std::string(fields[legal].string_if().value_or(""));
}

flag_set flags_asked_for(const std::vector<rule>& rules)
{
    flag_set asked;
    for (const rule& by : rules)
        for (std::size_t i = 0; by.enabled && i < known_flags.size(); ++i)
            if (std::ranges::find(by.cohort.flags, known_flags[i]) != by.cohort.flags.end()) asked.set(i);
    return asked;
}

// Whether `of` is told of everybody whatever `route` is told of some.
bool hears_all_of(const route_configuration& of, const route_configuration& route)
{
    return of.is_for_all() && of.stages.empty() && of.channel != "note" &&
           std::ranges::all_of(route.rules, [&](const std::string& each) { return of.wants(each); });
}

} // namespace

known_pupils::known_pupils(
    const std::vector<rule>& rules, std::vector<watched_pupil> watched, std::span<const route_configuration> routes
)
    : list_(std::move(watched)), routes_(routes), asked_for_(flags_asked_for(rules))
{
}

// A list is typed by hand, and a pupil may have been given another UPN since.
void known_pupils::find_watched(const held_state& held, std::string_view source)
{
    watched_.clear();
    named_nobody_.clear();
    if (list_.empty()) return;
    std::unordered_map<std::string, const watched_pupil*> names;
    for (const watched_pupil& each : list_) {
        names.emplace(each.pupil, &each);
        names.emplace(normalised_code(each.pupil), &each);
    }
    std::set<const watched_pupil*> met;
    for (const held_thing& thing : held.things(what::pupil).all()) {
        if (thing.source != source) continue;
        const auto parsed = json_document::parse(thing.payload);
        const auto number = [&](std::string_view field) {
            return normalised_code(parsed ? parsed->root()["fields"][field].string_if().value_or("") : "");
        };
        for (const std::string& name :
             {"P-" + std::to_string(thing.subject),
              std::string(thing.source) + ":" + thing.key,
              number("upn"),
              number("former_upn")})
            if (const auto at = names.find(name); at != names.end()) {
                watched_.emplace(thing.subject, at->second);
                met.insert(at->second);
            }
    }
    for (std::size_t at = 0; at < list_.size(); ++at)
        if (!met.contains(&list_[at])) named_nobody_.push_back(at + 1);
}

void known_pupils::find_contacts(const held_state& held, const time_zone& zone)
{
    if (contacts_of_ != held.number()) {
        contacts_.clear();
        contacts_of_ = held.number();
        contacts_below_ = 0;
    }
    entry_index below = contacts_below_;
    for (const held_thing& thing : held.things(what::action).all()) {
        if (thing.entry < contacts_below_ || !thing.source.empty()) continue;
        below = std::max(below, thing.entry + 1);
        const auto action = parse_action_payload(thing.payload, thing.entry);
        if (!action) continue;
        if (const auto at = accounts_at(*action, zone))
            contacts_[action->pupil][action->id] = *at;
        else
            contacts_[action->pupil].erase(action->id);
    }
    contacts_below_ = below;
}

bool known_pupils::set_priorities(std::set<entry_index> pupils)
{
    const bool changed = pupils != priorities_;
    priorities_ = std::move(pupils);
    return changed;
}

const pupil_facts& known_pupils::of(const held_state& held, entry_index pupil)
{
    const held_thing* thing = held.things(what::pupil).find_subject(pupil);
    return thing ? of(*thing) : pupils_[pupil];
}

const pupil_facts& known_pupils::of(const held_thing& pupil)
{
    pupil_facts& known = pupils_[pupil.subject];
    known.gone = pupil.gone;
    if (known.entry == pupil.entry || pupil.gone) return known; // of a leaver the last known facts stay
    known.entry = pupil.entry;
    const auto parsed = json_document::parse(pupil.payload);
    if (!parsed) return known;
    const json_view fields = parsed->root()["fields"];
    known.year = fields["year"].string_if().value_or("");
    known.group = fields["registration_group"].string_if().value_or("");
    known.forename = preferred_name(fields, "forename", "legal_forename");
    known.surname = preferred_name(fields, "surname", "legal_surname");
    known.date_of_birth = parse_day(fields["date_of_birth"].string_if().value_or(""));
    known.on_roll_from = parse_day(fields["on_roll_from"].string_if().value_or(""));
    known.on_roll_to = parse_day(fields["on_roll_to"].string_if().value_or(""));
    known.flags = flags_in(fields["flags"]) & asked_for_;
    return known;
}

bool known_pupils::is_for(const route_configuration& route, const held_state& held, entry_index pupil, civil_day day)
{
    if (route.is_for_all()) return true;
    if (pupil == no_entry) return false;
    const judged_pupil who = judged(held, pupil, 0);
    if (in_cohort(route.cohort, who, day)) return true;
    rule_cohort known = route.cohort;
    if (who.year.empty()) known.years.clear();
    if (who.group.empty()) known.groups.clear();
    return known != route.cohort && in_cohort(known, who, day) &&
           std::ranges::none_of(routes_, [&](const route_configuration& each) { return hears_all_of(each, route); });
}

judged_pupil known_pupils::judged(const held_state& held, entry_index pupil, pupil_no number)
{
    const pupil_facts& facts = of(held, pupil);
    judged_pupil who{number, pupil, facts.year, facts.date_of_birth};
    who.group = facts.group;
    who.flags = facts.flags;
    who.on_roll_from = facts.on_roll_from;
    who.on_roll_to = facts.on_roll_to;
    who.is_watched = watched_.contains(pupil) || priorities_.contains(pupil);
    if (const auto contacts = contacts_.find(pupil); contacts != contacts_.end())
        for (const auto& [action, at] : contacts->second)
            who.accounted_at = std::max(who.accounted_at.value_or(at), at);
    return who;
}

} // namespace rollbook
