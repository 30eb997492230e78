#include "tests/simulation/expected.hpp"

#include <algorithm>
#include <array>

namespace rollbook::simulation {

using namespace std::chrono_literals;

const std::vector<plain_rule>& plain_rules()
{
    static const std::vector<plain_rule> all = {
        {"late", plain_rule::counts::late, 10, {{"tutor", 3}, {"letter", 5}}, false},
        {"truant", plain_rule::counts::unauthorised, 0, {{"met", 6}}, true},
        {"trouble", plain_rule::counts::incidents, 10, {{"watch", 2}, {"meeting", 4}}, false},
    };
    return all;
}

expectation::expectation(const school& of) : truth_(of)
{
    pupils.resize(of.pupils().size());
    listed.resize(of.pupils().size());
    marks.resize(of.slots());
    met.resize(of.slots());
    incidents.resize(of.incidents().size());
    incidents_of_.resize(pupils.size());
    for (std::size_t i = 0; i < incidents.size(); ++i) {
        const std::vector<int>& all = of.everyone_in(static_cast<int>(i));
        parts_held.emplace_back(all.size());
        for (const int pupil : all)
            incidents_of_[static_cast<std::size_t>(pupil)].push_back(i);
    }
    // Weeks run from Monday to Sunday; day 4 of 1970 was the first Monday.
    int week = -1;
    int last = -1'000;
    for (const day_number day : of.school_days()) {
        const int monday = (day + 3) / 7;
        if (monday != last) ++week;
        last = monday;
        week_.push_back(week);
    }
}

// A register counts half an hour after it closes: 09:45 and 14:00.
bool expectation::counts_at(int day, int half, moment local) const
{
    const moment from = moment(std::chrono::days(truth_.school_days()[static_cast<std::size_t>(day)])) +
                        (half == 0 ? 9h + 45min : 14h + 0min);
    return from <= local;
}

std::optional<int> expectation::day_judged(moment local) const
{
    for (int day = static_cast<int>(truth_.school_days().size()) - 1; day >= 0; --day)
        if (counts_at(day, 0, local)) return day;
    return std::nullopt;
}

int expectation::first_day(const plain_rule& rule, int as_of) const
{
    if (rule.school_days > 0) return std::max(0, as_of - rule.school_days + 1);
    const int first_week = week_[static_cast<std::size_t>(as_of)] - 9;
    return static_cast<int>(std::lower_bound(week_.begin(), week_.end(), first_week) - week_.begin());
}

std::vector<int> expectation::values(const plain_rule& rule, int as_of, moment read_at, int pupil) const
{
    const int first = first_day(rule, as_of);
    std::vector<int> found(pupils.size());
    if (rule.of == plain_rule::counts::incidents) {
        const auto& days = truth_.school_days();
        const auto count = [&](std::size_t i) {
            const school::incident& each = incidents[i];
            if (!each.exists || each.day < days[static_cast<std::size_t>(first)] ||
                each.day > days[static_cast<std::size_t>(as_of)])
                return;
            const auto& all = truth_.everyone_in(static_cast<int>(i));
            for (std::size_t n = 0; n < all.size(); ++n)
                found[static_cast<std::size_t>(all[n])] += parts_held[i][n] ? 1 : 0;
        };
        if (pupil == everybody)
            for (std::size_t i = 0; i < incidents.size(); ++i)
                count(i);
        else
            for (const std::size_t i : incidents_of_[static_cast<std::size_t>(pupil)])
                count(i);
        return found;
    }
    const std::size_t first_of = pupil == everybody ? 0 : static_cast<std::size_t>(pupil);
    const std::size_t end_of = pupil == everybody ? found.size() : first_of + 1;
    std::array<bool, 128> wanted{};
    for (const char code : std::string_view(rule.of == plain_rule::counts::late ? "LU" : "GNOU"))
        wanted[static_cast<std::size_t>(code)] = true;
    for (int day = first; day <= as_of; ++day)
        for (int half = 0; half < 2; ++half) {
            if (!counts_at(day, half, read_at)) continue;
            const cell* row = &marks[truth_.slot(static_cast<std::size_t>(day), half, 0)];
            for (std::size_t i = first_of; i < end_of; ++i)
                found[i] += wanted[static_cast<std::size_t>(row[i].code)] ? 1 : 0;
        }
    return found;
}

int expectation::unknown(const plain_rule& rule, int as_of, moment then, moment read_at, int today, int pupil) const
{
    constexpr int waited_for = 5;
    const auto is_known = [&](std::size_t each) {
        return listed[each] && pupils[each].find("registration_group") != std::string::npos;
    };
    const auto who = static_cast<std::size_t>(pupil);
    if (rule.of == plain_rule::counts::incidents || !is_known(who)) return 0;
    const auto first_mark = std::find_if(marks.begin(), marks.end(), [](const cell& each) { return each.code != 0; });
    const int began = static_cast<int>((first_mark - marks.begin()) / static_cast<std::ptrdiff_t>(pupils.size() * 2));
    const int first = std::max({first_day(rule, as_of), began, as_of - waited_for, today - waited_for});
    const int form = truth_.pupils()[who].form % 26;
    int found = 0;
    for (int day = first; day <= as_of; ++day)
        for (int half = 0; half < 2; ++half) {
            const cell* row = &marks[truth_.slot(static_cast<std::size_t>(day), half, 0)];
            if (row[who].code != 0 || !counts_at(day, half, then)) continue;
            if (!counts_at(day, half, read_at)) { // it did, and the clock was put back
                ++found;
                continue;
            }
            int all = 0;
            int marked = 0;
            for (std::size_t each = 0; each < pupils.size(); ++each) {
                if (truth_.pupils()[each].form % 26 != form || !is_known(each)) continue;
                ++all;
                marked += row[each].code != 0 ? 1 : 0;
            }
            found += marked * 2 > all ? 0 : 1;
        }
    return found;
}

int expectation::stage_of(const plain_rule& rule, int value) const
{
    int stage = -1;
    for (std::size_t i = 0; i < rule.stages.size(); ++i)
        if (value >= rule.stages[i].second) stage = static_cast<int>(i);
    return stage;
}

std::vector<alert_step>
expectation::judge(moment started, moment now, bool marks_closed, bool first_of_marks, bool first_of_incidents)
{
    std::vector<alert_step> steps;
    const moment local = started + offset_at(started);
    const auto as_of = day_judged(local);
    if (!as_of) return steps;
    for (std::size_t number = 0; number < plain_rules().size(); ++number) {
        const plain_rule& rule = plain_rules()[number];
        const bool of_marks = rule.of != plain_rule::counts::incidents;
        if (of_marks && !marks_closed) continue;
        // Before marks were read nobody is judged.
        const bool first = (marks_closed && first_of_marks) || (!of_marks && first_of_incidents);
        const std::vector<int> values_now = values(rule, *as_of, local);
        // Nothing ends while what is not known yet may be enough.
        const auto may_be_met = [&](int value, int not_known) { return stage_of(rule, value + not_known) >= 0; };
        for (int pupil = 0; pupil < static_cast<int>(pupils.size()); ++pupil) {
            if (pupils[static_cast<std::size_t>(pupil)].empty()) continue;
            state& now_is = alerts_[{number, pupil}];
            const int met_now = stage_of(rule, values_now[static_cast<std::size_t>(pupil)]);
            alert_step step{number, pupil, {}, {}, alert_step::kind::opened, false, now_is.baseline};
            if (!now_is.open) {
                if (met_now < 0 || !listed[static_cast<std::size_t>(pupil)]) continue;
                const auto lately =
                    std::count_if(now_is.ended.begin(), now_is.ended.end(), [&](moment at) { return now - at < 24h; });
                step.flapped = !first && lately >= 2;
                step.was_baseline = first;
                now_is = {true, first, met_now, *as_of, local, {}, now_is.ended};
                step.of = first ? alert_step::kind::baseline : alert_step::kind::opened;
                step.state = first ? "baseline" : "open";
            } else if (met_now > now_is.stage) {
                now_is.stage = met_now;
                now_is.baseline = false;
                step.of = alert_step::kind::raised;
                step.state = "open";
            } else if (met_now < 0) {
                const auto at = static_cast<std::size_t>(pupil);
                if (may_be_met(values_now[at], unknown(rule, *as_of, local, local, *as_of, pupil))) continue;
                const std::optional<bool> met_then = was_met(rule, now_is, pupil, *as_of, local);
                if (!met_then || (*met_then && rule.needs_decision)) continue;
                step.state = *met_then ? "resolved" : "withdrawn";
                step.of = alert_step::kind::ended;
                now_is.open = false;
                now_is.ended.push_back(now);
            } else {
                continue;
            }
            step.stage = rule.stages[static_cast<std::size_t>(now_is.stage)].first;
            steps.push_back(std::move(step));
        }
    }
    return steps;
}

std::optional<alert_step> expectation::take_late(
    const std::string& rule, int pupil, const std::string& stage, day_number opened_for, moment started
)
{
    const auto& rules = plain_rules();
    const auto by = std::ranges::find(rules, rule, &plain_rule::id);
    const auto day = truth_.place_of(opened_for);
    const moment local = started + offset_at(started);
    const auto as_of = day_judged(local);
    if (by == rules.end() || !by->needs_decision || !day || !as_of) return std::nullopt;
    const auto earlier = static_cast<int>(*day);
    const auto number = static_cast<std::size_t>(by - rules.begin());
    state& now_is = alerts_[{number, pupil}];
    if (now_is.open || earlier >= *as_of || !listed[static_cast<std::size_t>(pupil)]) return std::nullopt;
    const int reached = stage_of(*by, values(*by, earlier, local, pupil)[static_cast<std::size_t>(pupil)]);
    if (reached < 0 || by->stages[static_cast<std::size_t>(reached)].first != stage) return std::nullopt;
    now_is = {true, false, reached, earlier, local, {}, now_is.ended};
    return alert_step{number, pupil, "open", stage, alert_step::kind::opened, false, false};
}

bool expectation::also_stands_for(
    const std::string& rule, int pupil, const std::vector<day_number>& days, moment started
)
{
    const auto& rules = plain_rules();
    const auto by = std::ranges::find(rules, rule, &plain_rule::id);
    const moment local = started + offset_at(started);
    const auto as_of = day_judged(local);
    if (by == rules.end() || !as_of) return false;
    state& standing = alerts_[{static_cast<std::size_t>(by - rules.begin()), pupil}];
    standing.besides.clear();
    for (const day_number day : days)
        if (const auto place = truth_.place_of(day)) standing.besides.push_back(static_cast<int>(*place));
    if (!standing.open || standing.besides.size() != days.size()) return false;

    int times = 0;
    bool was_met = false;
    bool is_one = false;
    for (int day = 0; day <= *as_of; ++day) {
        const bool is_met = stage_of(*by, values(*by, day, local, pupil)[static_cast<std::size_t>(pupil)]) >= 0;
        times += is_met && !was_met;
        was_met = is_met;
        is_one = is_one || (is_met && day == standing.besides.back());
    }
    return is_one && times > 1;
}

std::optional<bool>
expectation::was_met(const plain_rule& rule, const state& open, int pupil, int today, moment read_at) const
{
    bool is_known = true;
    const auto meets = [&](int day, moment then) {
        const int value = values(rule, day, then, pupil)[static_cast<std::size_t>(pupil)];
        const bool may_be = stage_of(rule, value + unknown(rule, day, then, read_at, today, pupil)) >= 0;
        is_known = is_known && !may_be;
        return stage_of(rule, value) >= 0;
    };
    if (meets(open.opened_as_of, open.opened_read_at)) return true;
    if (!is_known) return std::nullopt;
    std::vector<int> others = open.besides;
    for (int day = open.opened_as_of; day < today; ++day)
        others.push_back(day);
    if (std::ranges::any_of(others, [&](int day) { return meets(day, read_at); })) return true;
    return is_known ? std::optional(false) : std::nullopt;
}

} // namespace rollbook::simulation
