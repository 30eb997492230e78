#pragma once

#include "daemon/domain/held.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/rules/alert.hpp"

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace rollbook {

// What rules and messages need of a pupil, as the newest entry about the pupil says.
struct pupil_facts {
    entry_index entry = no_entry;
    std::string year;
    std::string group; // registration group
    std::string forename;
    std::string surname;
    std::optional<civil_day> date_of_birth;
    std::optional<civil_day> on_roll_from;
    std::optional<civil_day> on_roll_to;
    flag_set flags; // of those that a rule in force asks for; others are not read
    bool gone = false;

    bool is_on_roll(civil_day day) const
    {
        return !gone && (!on_roll_from || *on_roll_from <= day) && (!on_roll_to || day <= *on_roll_to);
    }
};

// The facts of each pupil, read from the held state once for each version.
class known_pupils {
public:
    // `routes` must outlive it, and are asked for by is_for() alone.
    explicit known_pupils(
        const std::vector<rule>& rules,
        std::vector<watched_pupil> watched = {},
        std::span<const route_configuration> routes = {}
    );

    const pupil_facts& of(const held_state& held, entry_index pupil);
    // The same of one that was looked up already.
    const pupil_facts& of(const held_thing& pupil);
    // Views into of(pupil); valid as long as it is not asked for again.
    judged_pupil judged(const held_state& held, entry_index pupil, pupil_no number);
    // Whether the route is told of the pupil: of sources (no_entry) only one without a cohort is. Of whom no year, or
    // no form, is known each route that goes by it is told, unless one for everybody hears of the same: else nobody
    // would be.
    bool is_for(const route_configuration& route, const held_state& held, entry_index pupil, civil_day day);
    // Looks the pupils of the watch list up again, among those of `source`; to be called when pupils changed.
    void find_watched(const held_state& held, std::string_view source);
    // Learns from actions recorded since when contacts said where pupils are; to be called before judged() is used for
    // rules by the clock.
    void find_contacts(const held_state& held, const time_zone& zone);
    const std::map<entry_index, const watched_pupil*>& watched() const { return watched_; }
    // Places on the list, from 1, that name nobody whom `source` has or had, when it was last looked up.
    const std::vector<std::size_t>& named_nobody() const { return named_nobody_; }
    // Who has a standing marker of priority. Whether that is not what it was.
    bool set_priorities(std::set<entry_index> pupils);

private:
    std::vector<watched_pupil> list_;
    std::span<const route_configuration> routes_;
    std::map<entry_index, const watched_pupil*> watched_;
    std::vector<std::size_t> named_nobody_;
    std::set<entry_index> priorities_;
    flag_set asked_for_;
    // By pupil and action; of the held state of that number, from actions below that entry.
    std::unordered_map<entry_index, std::map<entry_index, local_instant>> contacts_;
    std::uint64_t contacts_of_ = 0;
    entry_index contacts_below_ = 0;
    std::unordered_map<entry_index, pupil_facts> pupils_;
};

} // namespace rollbook
