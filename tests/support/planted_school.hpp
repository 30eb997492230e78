#pragma once

#include "tests/support/school.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

// A school of 1,200 pupils over the year 2025/26 with all that is ordinary in it, into which faults can be planted. It
// knows nothing of how findings are judged: each plant says which kind it is and whom it is about, from the description
// of the kinds alone. Pupils are invented.
namespace rollbook::support {

struct planted_pupil {
    std::string id;
    std::string safeguarding_id; // empty: not there
    std::string fields;          // further fields of the MIS's record, as JSON members
    std::string safeguarding_fields;
    std::string form;
    civil_day born{};
    std::optional<civil_day> leaves;
    std::vector<std::string> codes; // session by session; empty: no mark
    std::vector<int> minutes;
    std::map<civil_day, std::string> closed_day_marks; // mornings of days that are no school days
    std::set<std::size_t> vanished;                    // sessions whose mark the source lost
};

struct planted_suspension {
    int pupil = 0;
    std::size_t first = 0; // session
    std::size_t sessions = 0;
};

struct planted_incident {
    bool is_concern = false;
    civil_day day{};
    int minute = -1;
    std::string type;
    std::string location;
    std::string told;
    std::vector<int> pupils;
};

class planted_school {
public:
    planted_school(std::uint32_t seed, int pupil_count, school_calendar when = year_of_2025())
        : calendar(std::move(when)), dice_(seed)
    {
        for (const civil_day day : calendar.school_days())
            if (ymd(2025, 9, 1) <= day && day <= ymd(2026, 7, 20)) days.push_back(day);
        if (days.empty()) days = calendar.school_days();
        for (int i = 0; i < pupil_count; ++i)
            add_pupil(i);
        const int years = std::max(1, static_cast<int>(days.size()) / 180);
        for (int i = 0; i < pupil_count * 7 * years; ++i)
            add_incident();
        for (int i = 0; i < pupil_count / 5; ++i)
            add_concern();
    }

    // Plants faults in turn of every kind, each on a pupil of its own. Gives what is to be found: kind and id of the
    // subject.
    std::multiset<std::pair<std::string, std::string>> plant(int count)
    {
        std::vector<int> order(pupils.size());
        for (std::size_t i = 0; i < order.size(); ++i)
            order[i] = static_cast<int>(i);
        std::shuffle(order.begin(), order.end(), dice_);
        std::multiset<std::pair<std::string, std::string>> wanted;
        for (int i = 0; i < count; ++i)
            wanted.insert(plant_one(i % kinds, order.at(static_cast<std::size_t>(i))));
        return wanted;
    }
    static constexpr int kinds = 20;

    static school_calendar year_of_2025() { return example_calendar({{ymd(2025, 11, 28), closed_kind::inset}}); }
    // `years` years that end in July 2025, each of 190 school days or a little more.
    static school_calendar years_before(int years)
    {
        std::vector<term> terms;
        for (int year = 2025 - years; year < 2025; ++year)
            terms.push_back({"Year", {{ymd(year, 9, 3), ymd(year + 1, 5, 26)}}});
        return {terms, {}, {}};
    }

    const school_calendar calendar;
    std::vector<civil_day> days;
    std::vector<planted_pupil> pupils;
    std::vector<planted_suspension> suspensions;
    std::vector<planted_incident> incidents;
    std::vector<std::string> strangers; // of the safeguarding system

private:
    bool chance(double share) { return std::uniform_real_distribution<>(0, 1)(dice_) < share; }
    int below(std::size_t n) { return static_cast<int>(std::uniform_int_distribution<std::size_t>(0, n - 1)(dice_)); }

    void add_pupil(int i)
    {
        planted_pupil p;
        p.id = "A" + std::to_string(1000 + i);
        p.safeguarding_id = "C" + std::to_string(1000 + i);
        const int year = 7 + i / 30 % 5;
        p.form = std::to_string(year) + static_cast<char>('A' + i / 150 % 26);
        p.born = ymd(2025 - year - 4, static_cast<unsigned>(1 + i % 8), static_cast<unsigned>(1 + i % 27));
        p.codes.resize(days.size() * 2);
        p.minutes.resize(days.size() * 2, -1);
        const bool suspended = chance(0.05);
        const std::size_t from = static_cast<std::size_t>(20 + below(200));
        const std::size_t length = static_cast<std::size_t>(2 + below(14));
        for (std::size_t s = 0; s < p.codes.size(); ++s) {
            const bool afternoon = s % 2 == 1;
            p.codes[s] = afternoon ? "\\" : "/";
            if (suspended && s >= from && s < from + length) {
                p.codes[s] = (s / 2 - from / 2) < 5 ? "E" : "B";
            } else if (chance(0.07)) {
                static const char* const others[] = {
                    "I", "I", "I", "M", "C", "O", "G", "V", "P", "U", "R", "D", "L", "L"};
                p.codes[s] = others[below(std::size(others))];
                if (p.codes[s] == "L" && chance(0.5)) p.minutes[s] = 1 + below(29);
                if (s / 2 + 4 >= days.size() && chance(0.3)) p.codes[s] = "N";
            }
        }
        if (suspended) suspensions.push_back({i, from, length});
        pupils.push_back(std::move(p));
    }

    bool is_in_school(int pupil, std::size_t session) const
    {
        const std::string& code = pupils[static_cast<std::size_t>(pupil)].codes[session];
        return code == "/" || code == "\\" || code == "L" || code == "U";
    }

    // In school with those who were; on the bus, online and off site with anybody.
    void add_incident()
    {
        static const char* const types[] = {"Disruption", "Uniform", "Mobile phone", "Fighting", "Truancy (internal)"};
        static const char* const inside[] = {"Science corridor", "Canteen", "Room 12", "Playground"};
        static const char* const outside[] = {"School bus", "Online", "Off site", "Walk to school", ""};
        const int pupil = below(pupils.size());
        const std::size_t day = static_cast<std::size_t>(below(days.size()));
        planted_incident made;
        made.day = days[day];
        made.type = types[below(std::size(types))];
        made.minute = chance(0.6) ? 9 * 60 + below(6 * 60) : -1;
        made.pupils = {pupil};
        if (is_in_school(pupil, day * 2) && is_in_school(pupil, day * 2 + 1))
            made.location = chance(0.7) ? inside[below(std::size(inside))] : "";
        else
            made.location = outside[below(std::size(outside))];
        if (is_taken(pupil, made.day)) return;
        taken_.insert({pupil, made.day});
        incidents.push_back(std::move(made));
    }

    void add_concern()
    {
        static const char* const types[] = {
            "Cause for concern", "Mental health", "Home circumstances", "Online safety"};
        planted_incident made;
        const int pupil = below(pupils.size());
        made.is_concern = true;
        made.day = days[static_cast<std::size_t>(below(days.size()))];
        made.minute = 9 * 60 + below(6 * 60);
        made.type = types[below(std::size(types))];
        made.pupils = {pupil};
        if (is_taken(pupil, made.day)) return;
        taken_.insert({pupil, made.day});
        incidents.push_back(std::move(made));
    }
    bool is_taken(int pupil, civil_day day) const { return taken_.contains({pupil, day}); }

    // A school day of the pupil's on which nothing but presence is recorded, and nothing else happened.
    std::size_t plain_day(int pupil)
    {
        for (;;) {
            const std::size_t day = static_cast<std::size_t>(10 + below(days.size() - 40));
            const planted_pupil& p = pupils[static_cast<std::size_t>(pupil)];
            const bool is_plain = p.codes[day * 2] == "/" && p.codes[day * 2 + 1] == "\\";
            if (is_plain && !is_taken(pupil, days[day])) return day;
        }
    }

    std::pair<std::string, std::string> plant_one(int kind, int pupil)
    {
        planted_pupil& p = pupils[static_cast<std::size_t>(pupil)];
        // Their own suspension goes: what is planted must be the only thing that is wrong.
        std::erase_if(suspensions, [&](const planted_suspension& each) { return each.pupil == pupil; });
        for (std::size_t s = 0; s < p.codes.size(); ++s)
            if (p.codes[s] == "E" || p.codes[s] == "B") p.codes[s] = s % 2 ? "\\" : "/";
        const std::size_t day = plain_day(pupil);
        const auto add = [&](planted_incident made) {
            made.day = days[day];
            made.pupils = {pupil};
            incidents.push_back(std::move(made));
            return (incidents.back().is_concern ? "K" : "B") + std::to_string(incidents.size() - 1);
        };
        switch (kind) {
        case 0: p.codes[day * 2] = "Q9"; return {"mark-unmapped", p.id};
        case 1: p.codes[day * 2 + 1] = ""; return {"mark-missing", p.id};
        case 2:
            p.fields += ",\"on_roll_from\":\"" + format_day(days[1]) + "\"";
            p.codes[1] = "";
            p.codes[0] = "/";
            return {"mark-off-roll", p.id};
        case 3: p.closed_day_marks[ymd(2025, 11, 28)] = "/"; return {"mark-on-closed-day", p.id};
        case 4: p.codes[day * 2] = "N"; return {"reason-overdue", p.id};
        case 5: p.codes[day * 2] = "X"; return {"code-wrong-for-pupil", p.id};
        case 6: p.codes[day * 2 + 1] = "/"; return {"code-wrong-for-time", p.id};
        case 7: p.codes[day * 2] = "H"; return {"code-withdrawn", p.id};
        case 8:
            for (std::size_t s = day * 2; s < day * 2 + 11; ++s)
                p.codes[s] = "E";
            // Nobody who is suspended is in the canteen.
            for (planted_incident& each : incidents)
                if (each.pupils.front() == pupil) each.location = "Off site";
            suspensions.push_back({pupil, day * 2, 11});
            return {"code-needs-evidence", p.id};
        case 9:
            suspensions.push_back({pupil, day * 2, 2});
            p.codes[day * 2] = "E";
            return {"suspension-without-e", p.id};
        case 10: p.codes[day * 2] = "E"; return {"e-without-suspension", p.id};
        case 11:
            p.codes[day * 2] = p.codes[day * 2 + 1] = "I";
            return {"incident-contradicts-mark", add({false, {}, 10 * 60 + 40, "Fighting", "Canteen", "", {}})};
        case 12:
            add({false, {}, 11 * 60, "Fighting", "Canteen", "", {}});
            return {"incident-duplicate", add({true, {}, 11 * 60 + 5, "Cause for concern", "", "", {}})};
        case 13: return {"restraint-not-reported", add_late({false, {}, -1, "Physical intervention", "", "", {pupil}})};
        case 14: p.safeguarding_id.clear(); return {"pupil-only-in-mis", p.id};
        case 15: strangers.push_back("Z" + p.id); return {"pupil-only-in-safeguarding", strangers.back()};
        case 16:
            p.leaves = days[day];
            for (std::size_t s = day * 2 + 2; s < p.codes.size(); ++s)
                p.codes[s] = "";
            return {"leaver-still-active", p.id};
        case 17:
            p.fields += ",\"flags\":[\"sen_support\"]";
            p.safeguarding_fields += ",\"flags\":[\"child_protection\"]";
            return {"flag-differs", p.id};
        case 18: p.vanished.insert(day * 2); return {"record-vanished", p.id};
        default: return {"incident-in-one-system", add({false, {}, -1, "Bullying", "", "", {}})};
        }
    }

    // After 1 April 2026.
    std::string add_late(planted_incident made)
    {
        made.day = days[days.size() - 20];
        incidents.push_back(std::move(made));
        return "B" + std::to_string(incidents.size() - 1);
    }

    std::mt19937 dice_;
    std::set<std::pair<int, civil_day>> taken_;
};

} // namespace rollbook::support
