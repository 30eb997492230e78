#pragma once

#include "tests/simulation/dice.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// A school as it really is, day by day, made from one number. It includes nothing of Rollbook's: what the daemon says
// is held against it.
namespace rollbook::simulation {

using moment = std::chrono::sys_time<std::chrono::milliseconds>;
using day_number = int; // days since 1970-01-01

day_number number_of(std::chrono::year_month_day day);
std::string text_of(day_number day); // YYYY-MM-DD
// A moment of the British clock: GMT, and an hour ahead of it from the last Sunday of March to the last of October.
std::chrono::milliseconds offset_at(moment at);
moment at_school(day_number day, int hour, int minute = 0);
// First and last days of the half terms of 2026/27.
const std::vector<std::pair<day_number, day_number>>& half_terms();

// One session of one pupil as the office recorded it.
struct cell {
    char code = 0; // of the statutory table; 0: no mark
    std::int8_t minutes = -1;
    bool operator==(const cell&) const = default;
};

struct scale {
    int pupils = 30;
    day_number begins = 0; // the first day that is polled
    int days = 14;
    int history_days = 11;   // before that, recorded when it begins
    bool is_eventful = true; // amendments, deletions, people who come and go
};

class school {
public:
    school(std::uint64_t seed, const scale& size);

    struct pupil {
        bool listed = false;
        int names = 0; // how often renamed
        int form = 0;
    };
    struct incident {
        bool exists = false;
        day_number day = 0;
        int kind = 0;
        std::vector<int> pupils;
        bool operator==(const incident&) const = default;
    };

    // What happened until then is recorded. Never goes back.
    void advance(moment to);

    const std::vector<day_number>& school_days() const { return days_; }
    std::optional<std::size_t> place_of(day_number day) const; // among the school days
    std::size_t slots() const { return days_.size() * 2 * pupils_.size(); }
    std::size_t slot(std::size_t day, int half, int pupil) const
    {
        return (day * 2 + static_cast<std::size_t>(half)) * pupils_.size() + static_cast<std::size_t>(pupil);
    }

    const std::vector<pupil>& pupils() const { return pupils_; }
    const std::vector<cell>& marks() const { return marks_; }
    // As they stand now, whatever is done to them later.
    using all_incidents = std::vector<std::shared_ptr<const incident>>;
    const all_incidents& incidents() const { return incidents_; }
    // Numbers of incidents in the order in which something was done to them.
    const std::vector<int>& changes() const { return changes_; }

    // Everybody who ever had a part in it.
    const std::vector<int>& everyone_in(int incident) const { return everyone_[static_cast<std::size_t>(incident)]; }

    // What systems call them. Everything private begins with Q, so that it can be looked for.
    static std::string pupil_id(int pupil);
    // The same, and the id of a slot's mark, as texts that stay where they are.
    std::string_view id_of_pupil(int pupil) const { return pupil_ids_[static_cast<std::size_t>(pupil)]; }
    std::string_view id_of_mark(std::size_t slot) const { return mark_ids_[slot]; }
    // As they stand now, likewise.
    const std::shared_ptr<const std::string>& pupil_fields(int pupil) const
    {
        return fields_[static_cast<std::size_t>(pupil)];
    }
    static std::string incident_id(int incident);
    static std::string incident_fields(const incident& of);
    static std::string part_id(int incident, int pupil);
    static std::string part_fields(int incident, const school::incident& of);

private:
    struct event {
        moment at{};
        enum class kind { mark, list, unlist, rename, incident } of = kind::mark;
        std::size_t slot = 0; // or the pupil, or the incident
        cell mark;
        incident what;
    };

    void plan_day(std::size_t day, dice& chance);
    void plan_later(std::size_t slot, cell first, moment after, dice& chance);
    void plan_incidents(std::size_t day, dice& chance);
    void apply(const event& what);
    std::shared_ptr<const std::string> written_fields(int pupil) const;

    scale size_;
    std::vector<day_number> days_;
    std::vector<pupil> pupils_;
    std::vector<int> lateness_; // each pupil's own, per mille
    std::vector<int> truancy_;
    std::vector<cell> marks_;
    std::vector<std::shared_ptr<const std::string>> fields_; // by pupil
    std::vector<std::string> pupil_ids_;
    std::vector<std::string> mark_ids_; // by slot
    all_incidents incidents_;
    std::vector<std::vector<int>> everyone_; // by incident
    std::vector<int> changes_;
    std::vector<event> events_; // by time
    std::size_t next_ = 0;
};

} // namespace rollbook::simulation
