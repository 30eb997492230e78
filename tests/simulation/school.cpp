#include "tests/simulation/school.hpp"

#include <algorithm>
#include <array>

namespace rollbook::simulation {

using namespace std::chrono_literals;

day_number number_of(std::chrono::year_month_day day)
{
    return std::chrono::sys_days(day).time_since_epoch().count();
}

std::string text_of(day_number day)
{
    const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
    const auto two = [](unsigned n) { return std::string(n < 10 ? "0" : "") + std::to_string(n); };
    return std::to_string(static_cast<int>(date.year())) + "-" + two(static_cast<unsigned>(date.month())) + "-" +
           two(static_cast<unsigned>(date.day()));
}

std::chrono::milliseconds offset_at(moment at)
{
    const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(at)};
    const moment forward =
        std::chrono::sys_days(date.year() / std::chrono::March / std::chrono::Sunday[std::chrono::last]) + 1h;
    const moment back =
        std::chrono::sys_days(date.year() / std::chrono::October / std::chrono::Sunday[std::chrono::last]) + 1h;
    return forward <= at && at < back ? 1h : 0h;
}

moment at_school(day_number day, int hour, int minute)
{
    const moment as_if_utc =
        std::chrono::sys_days(std::chrono::days(day)) + std::chrono::hours(hour) + std::chrono::minutes(minute);
    return as_if_utc - offset_at(as_if_utc - 1h);
}

const std::vector<std::pair<day_number, day_number>>& half_terms()
{
    using std::chrono::year;
    static const std::vector<std::pair<day_number, day_number>> all = {
        {number_of(year(2026) / 9 / 3), number_of(year(2026) / 10 / 23)},
        {number_of(year(2026) / 11 / 2), number_of(year(2026) / 12 / 18)},
        {number_of(year(2027) / 1 / 4), number_of(year(2027) / 2 / 12)},
        {number_of(year(2027) / 2 / 22), number_of(year(2027) / 3 / 25)},
        {number_of(year(2027) / 4 / 12), number_of(year(2027) / 5 / 28)},
        {number_of(year(2027) / 6 / 7), number_of(year(2027) / 7 / 21)},
    };
    return all;
}

school::school(std::uint64_t seed, const scale& size) : size_(size)
{
    dice chance(seed ^ 0x5c001);
    for (day_number day = size.begins - size.history_days; day < size.begins + size.days + 7; ++day) {
        const std::chrono::weekday weekday{std::chrono::sys_days(std::chrono::days(day))};
        const bool in_term = std::any_of(half_terms().begin(), half_terms().end(), [&](const auto& each) {
            return each.first <= day && day <= each.second;
        });
        if (in_term && weekday != std::chrono::Saturday && weekday != std::chrono::Sunday) days_.push_back(day);
    }
    const int most = size.pupils + (size.is_eventful ? 3 : 0); // who comes later has a place from the start
    pupils_.resize(static_cast<std::size_t>(most));
    for (int i = 0; i < most; ++i) {
        pupils_[static_cast<std::size_t>(i)].listed = i < size.pupils;
        pupils_[static_cast<std::size_t>(i)].form = i / 15;
        lateness_.push_back(chance.one_in(4) ? chance.between(80, 350) : 15);
        truancy_.push_back(chance.one_in(5) ? chance.between(60, 300) : 10);
        fields_.push_back(written_fields(i));
        pupil_ids_.push_back(pupil_id(i));
    }
    marks_.resize(slots());
    for (std::size_t slot = 0; slot < slots(); ++slot)
        mark_ids_.push_back("Qm" + std::to_string(slot));
    for (std::size_t day = 0; day < days_.size(); ++day)
        plan_day(day, chance);
    if (size.is_eventful) {
        const moment begins = at_school(size.begins, 0);
        const auto some_time = [&] {
            return begins + std::chrono::minutes(chance.below(static_cast<std::size_t>(size.days) * 1'440));
        };
        for (int i = size.pupils; i < most; ++i)
            events_.push_back({some_time(), event::kind::list, static_cast<std::size_t>(i), {}, {}});
        for (int i = 0; i < 2; ++i)
            events_.push_back(
                {some_time(), event::kind::unlist, chance.below(static_cast<std::size_t>(size.pupils)), {}, {}}
            );
        for (int i = 0; i < 3; ++i)
            events_.push_back({some_time(), event::kind::rename, chance.below(static_cast<std::size_t>(most)), {}, {}});
    }
    std::stable_sort(events_.begin(), events_.end(), [](const event& a, const event& b) { return a.at < b.at; });
}

void school::plan_day(std::size_t day, dice& chance)
{
    for (int half = 0; half < 2; ++half) {
        const moment closes = half == 0 ? at_school(days_[day], 9, 15) : at_school(days_[day], 13, 30);
        std::array<moment, 100> taken{}; // by form
        for (moment& each : taken)
            each = chance.one_in(14) ? closes + std::chrono::minutes(chance.between(20, 400))
                                     : closes - std::chrono::minutes(chance.between(2, 25));
        for (int i = 0; i < static_cast<int>(pupils_.size()); ++i) {
            const auto at = static_cast<std::size_t>(i);
            cell mark{half == 0 ? '/' : '\\', -1};
            if (chance.per_mille(static_cast<std::size_t>(truancy_[at])))
                mark = {"NNNNGOU"[chance.below(7)], -1};
            else if (chance.per_mille(static_cast<std::size_t>(lateness_[at])))
                mark = {
                    "LLLU"[chance.below(4)], static_cast<std::int8_t>(chance.one_in(3) ? -1 : chance.between(1, 40))};
            else if (chance.per_mille(40))
                mark = {"IIMCV"[chance.below(5)], -1};
            const moment when =
                taken[static_cast<std::size_t>(pupils_[at].form)] + std::chrono::seconds(chance.below(90));
            const std::size_t place = slot(day, half, i);
            events_.push_back({when, event::kind::mark, place, mark, {}});
            if (size_.is_eventful) plan_later(place, mark, when, chance);
        }
    }
    plan_incidents(day, chance);
}

// What the office does to a mark afterwards: a reason comes, a slip is put right, a mark is lost and found.
void school::plan_later(std::size_t place, cell first, moment after, dice& chance)
{
    const auto later = [&](int hours) {
        return after + std::chrono::minutes(chance.below(static_cast<std::size_t>(hours) * 60) + 1);
    };
    if (first.code == 'N' && chance.per_mille(700))
        events_.push_back({later(150), event::kind::mark, place, {"IOGCU"[chance.below(5)], -1}, {}});
    else if ((first.code == 'L' || first.code == 'U') && chance.per_mille(150))
        events_.push_back(
            {later(60),
             event::kind::mark,
             place,
             {"/LUI"[chance.below(4)], static_cast<std::int8_t>(chance.between(-1, 20))},
             {}}
        );
    else if (chance.per_mille(12))
        events_.push_back({later(200), event::kind::mark, place, {"LUONNI"[chance.below(6)], -1}, {}});
    if (!chance.per_mille(6)) return;
    const moment lost = later(100);
    events_.push_back({lost, event::kind::mark, place, {}, {}});
    if (chance.one_in(2))
        events_.push_back(
            {lost + std::chrono::minutes(chance.between(10, 3'000)),
             event::kind::mark,
             place,
             {"/LI"[chance.below(3)], -1},
             {}}
        );
}

void school::plan_incidents(std::size_t day, dice& chance)
{
    const std::size_t many = chance.below(static_cast<std::size_t>(size_.pupils) / 12 + 1);
    for (std::size_t i = 0; i < many; ++i) {
        incident what;
        what.exists = true;
        what.day = days_[day];
        what.kind = chance.between(0, 4);
        const int most = chance.between(1, 3);
        for (int n = 0; n < most; ++n) {
            // The same few have most of them.
            const int who = chance.between(0, chance.one_in(2) ? 5 : size_.pupils - 1);
            if (std::find(what.pupils.begin(), what.pupils.end(), who) == what.pupils.end()) what.pupils.push_back(who);
        }
        std::sort(what.pupils.begin(), what.pupils.end());
        const std::size_t number = incidents_.size();
        incidents_.push_back(std::make_shared<const incident>());
        everyone_.push_back(what.pupils);
        moment when = at_school(days_[day], 10) + std::chrono::minutes(chance.between(0, 420));
        events_.push_back({when, event::kind::incident, number, {}, what});
        if (!size_.is_eventful) continue;
        for (int changes = chance.between(0, 2); changes > 0; --changes) {
            when += std::chrono::minutes(chance.between(5, 2'500));
            what.exists = !chance.one_in(3);
            what.kind = (what.kind + 1) % 5;
            if (chance.one_in(3) && what.pupils.size() > 1) what.pupils.pop_back();
            events_.push_back({when, event::kind::incident, number, {}, what});
        }
    }
}

void school::advance(moment to)
{
    for (; next_ < events_.size() && events_[next_].at <= to; ++next_)
        apply(events_[next_]);
}

void school::apply(const event& what)
{
    switch (what.of) {
    case event::kind::mark: {
        const auto who = what.slot % pupils_.size();
        // Nobody marks a child who is not on the list; what there was of one who left stays.
        if (!pupils_[who].listed && what.mark.code != 0) return;
        marks_[what.slot] = what.mark;
        return;
    }
    case event::kind::list: pupils_[what.slot].listed = true; return;
    case event::kind::unlist: pupils_[what.slot].listed = false; return;
    case event::kind::rename:
        ++pupils_[what.slot].names;
        fields_[what.slot] = written_fields(static_cast<int>(what.slot));
        return;
    case event::kind::incident:
        incidents_[what.slot] = std::make_shared<const incident>(what.what);
        changes_.push_back(static_cast<int>(what.slot));
        return;
    }
}

std::optional<std::size_t> school::place_of(day_number day) const
{
    const auto found = std::lower_bound(days_.begin(), days_.end(), day);
    if (found == days_.end() || *found != day) return std::nullopt;
    return static_cast<std::size_t>(found - days_.begin());
}

std::string school::pupil_id(int pupil)
{
    return "Qp" + std::to_string(1'000 + pupil);
}

std::shared_ptr<const std::string> school::written_fields(int pupil) const
{
    const school::pupil& who = pupils_[static_cast<std::size_t>(pupil)];
    const std::string number = std::to_string(1'000 + pupil);
    return std::make_shared<const std::string>(
        R"({"date_of_birth":"2014-01-)" + std::to_string(10 + pupil % 19) + R"(","forename":"Qanna)" + number +
        R"(","registration_group":"7)" + static_cast<char>('A' + who.form % 26) + R"(","surname":"Qsmith)" + number +
        (who.names > 0 ? "x" + std::to_string(who.names) : "") + R"(","upn":"Q93000000)" + number + R"(","year":"7"})"
    );
}

std::string school::incident_id(int incident)
{
    return "Qi" + std::to_string(incident);
}

std::string school::incident_fields(const incident& of)
{
    return R"({"day":")" + text_of(of.day) + R"(","nature":"behaviour","points":1,"type":"Qkind)" +
           std::to_string(of.kind) + R"("})";
}

std::string school::part_id(int incident, int pupil)
{
    return incident_id(incident) + "/" + pupil_id(pupil);
}

std::string school::part_fields(int incident, const school::incident& of)
{
    return R"({"day":")" + text_of(of.day) + R"(","of":"incident","record":")" + incident_id(incident) + R"("})";
}

} // namespace rollbook::simulation
