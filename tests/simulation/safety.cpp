#include "tests/simulation/safety.hpp"

#include <algorithm>

namespace rollbook::simulation {

using namespace std::chrono_literals;

namespace {

constexpr std::chrono::minutes closes[] = {9h + 15min, 13h + 30min};
constexpr std::chrono::minutes settles[] = {9h + 45min, 14h};
constexpr std::chrono::minutes school_ends = 16h;

moment local_of(moment at)
{
    return at + offset_at(at);
}

bool has_ended(const safety_version& of)
{
    return of.state == "resolved" || of.state == "withdrawn";
}

int place_of_stage(const safety_rule& rule, const std::string& name)
{
    const auto at = std::ranges::find(rule.stages, name, &std::pair<std::string, int>::first);
    return at == rule.stages.end() ? -1 : static_cast<int>(at - rule.stages.begin());
}

// A child who is at school, in time or not.
bool came(char code)
{
    return code == '/' || code == '\\' || code == 'L' || code == 'U';
}

} // namespace

const std::vector<safety_rule>& safety_rules()
{
    using enum safety_rule::looks_at;
    static const std::vector<safety_rule> all = {
        {"priority", by_day, {{"met", 1}}, true},
        {"missing", missing, {{"call", 0}, {"visit", 120}}, true},
        {"left", left, {{"search", 0}, {"dsl", 60}}, false},
    };
    return all;
}

const safety_rule* find_safety_rule(const std::string& id)
{
    const auto at = std::ranges::find(safety_rules(), id, &safety_rule::id);
    return at == safety_rules().end() ? nullptr : &*at;
}

std::string safety_watch::about(const safety_rule& rule, int pupil) const
{
    return "alert " + rule.id + " of pupil " + std::to_string(pupil);
}

bool safety_watch::is_of(const safety_rule& rule, int pupil) const
{
    return held_.listed[static_cast<std::size_t>(pupil)] && (!rule.only_marked || is_marked(pupil));
}

// Of each school day up to the one that is judged, whether a session that counts was N.
std::vector<bool> safety_watch::days_met(int pupil, int as_of, moment local) const
{
    std::vector<bool> met;
    for (int day = 0; day <= as_of; ++day) {
        const auto place = static_cast<std::size_t>(day);
        bool is_met = false;
        for (const int half : {0, 1}) {
            const moment from = moment(std::chrono::days(truth_.school_days()[place])) + settles[half];
            is_met = is_met || (from <= local && held_.marks[truth_.slot(place, half, pupil)].code == 'N');
        }
        met.push_back(is_met);
    }
    return met;
}

void safety_watch::read_closed(moment started, moment now, const std::vector<safety_version>& versions)
{
    const moment local = local_of(started);
    last_read_ = local;
    int as_of = static_cast<int>(truth_.school_days().size()) - 1;
    while (as_of >= 0 &&
           moment(std::chrono::days(truth_.school_days()[static_cast<std::size_t>(as_of)])) + settles[0] > local)
        --as_of;
    if (as_of < 0) return;
    const safety_rule& rule = safety_rules().front();
    for (const safety_version& each : versions)
        if (!is_marked(each.pupil)) wrong_(about(rule, each.pupil) + " is about somebody who is not on the list");
    for (int pupil = 0; pupil < static_cast<int>(marked_.size()); ++pupil) {
        if (!is_marked(pupil)) continue;
        const std::vector<bool> met = days_met(pupil, as_of, local);
        for (const safety_version& each : versions)
            if (each.pupil == pupil) take_by_day(each, met, local < newest_judged_, now);

        known_before& before = before_[static_cast<std::size_t>(pupil)];
        const bool is_in = is_of(rule, pupil);
        for (int day = 0; is_in && day <= as_of; ++day) {
            const auto at = static_cast<std::size_t>(day);
            // What came to meet the rule since the read before; of today also what met it before the lead's word.
            const bool was_met = at < before.met.size() && before.met[at];
            const bool is_news = day == as_of || (before.in_cohort && !was_met);
            const std::pair which(pupil, truth_.school_days()[at]);
            if (met[at] && is_news && !told_by_.contains(which) && !untold_by_clock_.contains(which))
                wrong_(about(rule, pupil) + " does not tell of " + text_of(which.second));
        }
        if (is_in && met.back() && now_[{rule.id, pupil}].stage < 0)
            wrong_(about(rule, pupil) + " does not stand, and the day meets it");
        before = {is_in, met};
    }
    newest_judged_ = std::max(newest_judged_, local);
}

void safety_watch::take_by_day(
    const safety_version& version, const std::vector<bool>& met, bool clock_is_back, moment now
)
{
    const safety_rule& rule = safety_rules().front();
    const std::string name = about(rule, version.pupil) + " (" + std::to_string(version.id) + ")";
    const auto is_met = [&](day_number day) {
        const auto place = truth_.place_of(day);
        return place && *place < met.size() && met[*place];
    };
    standing& known = now_[{rule.id, version.pupil}];
    if (known.stage >= 0 && known.id != version.id) wrong_(name + " opens beside one that stands");
    if (known.id != version.id) known = {version.id};
    std::set<day_number> news;
    const day_number today = truth_.school_days()[met.size() - 1];
    for (const day_number day : version.told) {
        if (!known.told.insert(day).second) continue;
        std::set<std::uint64_t>& tellers = told_by_[{version.pupil, day}];
        if (!is_met(day)) wrong_(name + " tells of " + text_of(day) + ", which does not meet it");
        // Beside an earlier day an alert names today, though another told of it.
        // Where the clock was put back its day begins anew: better told again than not.
        const bool is_again = day == today && (clock_is_back || untold_by_clock_.contains({version.pupil, day}));
        if (tellers.empty() || is_again)
            news.insert(day);
        else if (day != today)
            wrong_(name + " tells again of " + text_of(day));
        tellers.insert(version.id);
    }
    if (!has_ended(version)) {
        if (!news.empty() && version.state != "open") wrong_(name + " tells of a day and is " + version.state);
        if (known.stage < 0 && news.empty()) wrong_(name + " opens and tells of no day");
        known.stage = place_of_stage(rule, version.stage);
        if (!news.empty()) known.is_acknowledged = false;
        if (known.is_acknowledged != (version.state == "acknowledged"))
            wrong_(name + " becomes " + version.state + " of itself");
        if (!news.empty()) owe(version, version.stage, news, now);
        return;
    }
    if (!news.empty()) wrong_(name + " tells of a day as it ends");
    const bool any_met = std::ranges::any_of(known.told, is_met);
    if (version.state == "withdrawn" && any_met) wrong_(name + " is withdrawn, and a day that it told of meets it");
    if (clock_is_back)
        for (const day_number day : known.told)
            untold_by_clock_.insert({version.pupil, day});
    if (version.state == "resolved" && !any_met && !clock_is_back)
        wrong_(name + " is resolved, and no day that it told of meets it");
    if (met.back() && known.told.contains(today)) wrong_(name + " ends, and the day meets it");
    if (version.state == "withdrawn")
        for (const day_number day : known.told) {
            const auto at = told_by_.find({version.pupil, day});
            at->second.erase(version.id);
            if (at->second.empty()) told_by_.erase(at);
        }
    known.stage = -1;
    owe(version, version.state, {}, now);
}

void safety_watch::owe(const safety_version& version, const std::string& word, std::set<day_number> days, moment now)
{
    bool is_optional = false;
    for (auto at = tellings_.lower_bound({version.id, ""}); at != tellings_.end() && at->first.first == version.id;
         ++at) {
        safety_telling& earlier = at->second;
        if (earlier.newest <= now) continue;
        // The clock went back, and it may still wait: the newer word replaces it.
        earlier.optional = earlier.times;
        is_optional = is_optional || has_ended(version);
    }
    safety_telling& owed = tellings_[{version.id, word}];
    owed.alert = version.id;
    owed.word = word;
    ++owed.times;
    owed.optional += is_optional ? 1 : 0;
    owed.newest = std::max(owed.newest, now);
    owed.days.merge(days);
}

// Most of the form has a mark in the session, and the marks were read since it counts.
bool safety_watch::was_left_out(std::size_t day, int half, int pupil, const marks_at& code) const
{
    const moment from = moment(std::chrono::days(truth_.school_days()[day])) + settles[half];
    if (!last_read_ || *last_read_ < from) return false;
    const auto is_known = [&](int each) {
        const auto at = static_cast<std::size_t>(each);
        return held_.listed[at] && held_.pupils[at].find("registration_group") != std::string::npos;
    };
    if (!is_known(pupil)) return false;
    const auto form_of = [&](int each) { return truth_.pupils()[static_cast<std::size_t>(each)].form % 26; };
    int all = 0;
    int marked = 0;
    for (int each = 0; each < static_cast<int>(marked_.size()); ++each) {
        if (form_of(each) != form_of(pupil) || !is_known(each)) continue;
        ++all;
        marked += code(day, half, each) != 0 ? 1 : 0;
    }
    return marked * 2 > all;
}

// Only on a school day from the moment on when its first register should have closed.
bool safety_watch::may_open(moment local) const
{
    const auto day = std::chrono::floor<std::chrono::days>(local);
    return local - day >= closes[0] && truth_.place_of(static_cast<day_number>(day.time_since_epoch().count()));
}

bool safety_watch::had_mark(int pupil, const marks_at& code)
{
    for (std::size_t day = 0; day < truth_.school_days().size() && !had_mark_.contains(pupil); ++day)
        if (code(day, 0, pupil) != 0 || code(day, 1, pupil) != 0) had_mark_.insert(pupil);
    return had_mark_.contains(pupil);
}

// Of whoever is new and never had a mark, today: or the day from which an alert stands.
day_number safety_watch::expected_from(const safety_rule& rule, int pupil, moment local, const marks_at& code)
{
    if (had_mark(pupil, code)) return 0;
    const auto known = now_.find({rule.id, pupil});
    if (known != now_.end() && known->second.stage >= 0) return known->second.opened_on;
    return static_cast<day_number>(std::chrono::floor<std::chrono::days>(local).time_since_epoch().count());
}

int safety_watch::stage_at(const safety_rule& rule, int pupil, moment local, const marks_at& code)
{
    const day_number first = expected_from(rule, pupil, local, code);
    constexpr auto untaken_after = 10min;
    const bool has_left = rule.of == safety_rule::looks_at::left;
    const auto& days = truth_.school_days();
    // The newest sessions in a row of which nothing is known, the first of them last.
    std::vector<std::pair<std::size_t, int>> row;
    bool came_before = false;
    bool is_over = false;
    for (std::size_t day = days.size(); day-- > 0 && !is_over;)
        for (const int half : {1, 0}) {
            const moment closed = moment(std::chrono::days(days[day])) + closes[half];
            if (closed > local || days[day] < first) continue;
            const char mark = code(day, half, pupil);
            if (mark == 0) {
                const bool speaks = !has_left || was_left_out(day, half, pupil, code);
                if (!speaks || local < closed + untaken_after) continue;
                // Over night only N goes on, but of a child who was there and has left.
                is_over = !has_left && !row.empty() && row.back().first != day;
            } else if (mark != 'N') {
                came_before = came(mark) && half == 0 && !row.empty() && row.back() == std::pair(day, 1);
                is_over = true;
            }
            if (is_over) break;
            row.emplace_back(day, half);
        }
    if (row.empty() || (has_left && !came_before)) return -1;
    std::chrono::milliseconds unknown{};
    for (std::size_t i = row.size(); i-- > 0;) {
        const auto [day, half] = row[i];
        if (i + 1 < row.size() && row[i + 1].first == day) continue;
        const moment midnight{std::chrono::days(days[day])};
        unknown += std::max<std::chrono::milliseconds>(
            0ms, std::min<moment>(local, midnight + school_ends) - (midnight + closes[half])
        );
    }
    int stage = -1;
    for (std::size_t i = 0; i < rule.stages.size(); ++i)
        if (unknown >= std::chrono::minutes(rule.stages[i].second)) stage = static_cast<int>(i);
    return stage;
}

void safety_watch::judged_by_clock(moment now, const std::vector<safety_version>& versions, const marks_at& code)
{
    const moment local = local_of(now);
    for (const safety_version& each : versions) {
        const safety_rule& rule = *find_safety_rule(each.rule);
        const std::string name = about(rule, each.pupil) + " (" + std::to_string(each.id) + ")";
        standing& known = now_[{each.rule, each.pupil}];
        const int met = stage_at(rule, each.pupil, local, code);
        const int stage = place_of_stage(rule, each.stage);
        if (has_ended(each)) {
            if (each.state == "withdrawn") wrong_(name + " unsays what was so at its minute");
            if (met >= 0) wrong_(name + " ends, and nothing is known of the pupil");
            known.stage = -1;
            owe(each, each.state, {}, now);
            continue;
        }
        const bool opens = known.id != each.id;
        if (opens && known.stage >= 0) wrong_(name + " opens beside one that stands");
        if (opens && (!may_open(local) || !is_of(rule, each.pupil))) wrong_(name + " opens, and should not");
        const bool rises = opens || stage > known.stage;
        if (met < 0 || (rises && met != stage))
            wrong_(name + " becomes " + each.stage + ", and meets stage " + std::to_string(met));
        if (stage < known.stage && !opens) wrong_(name + " goes back to " + each.stage);
        // That it goes on to another day is told once, also where the clock was put back in between.
        if (opens) known.told.clear();
        if (rises || (each.last_day > known.last_day && known.told.insert(each.last_day).second))
            owe(each, each.stage, {}, now);
        // Who took note of it knows that it may rise, and nothing of another day.
        const bool is_noted = !opens && known.is_acknowledged && each.last_day <= known.last_day;
        if (each.state != (is_noted ? "acknowledged" : "open")) wrong_(name + " becomes " + each.state);
        const auto today = std::chrono::floor<std::chrono::days>(local).time_since_epoch().count();
        const day_number opened_on = opens ? static_cast<day_number>(today) : known.opened_on;
        known = {each.id, stage, is_noted, known.told, each.last_day, opened_on};
    }
}

void safety_watch::acknowledged(const safety_version& version)
{
    standing& known = now_[{version.rule, version.pupil}];
    if (known.id != version.id || known.stage < 0 || version.state != "acknowledged")
        wrong_("alert " + std::to_string(version.id) + " was taken note of, and is " + version.state);
    known.is_acknowledged = true;
}

std::vector<std::uint64_t> safety_watch::open_alerts() const
{
    std::vector<std::uint64_t> all;
    for (const auto& [of, each] : now_)
        if (each.stage >= 0 && !each.is_acknowledged) all.push_back(each.id);
    return all;
}

void safety_watch::must_stand(moment now)
{
    const moment local = local_of(now);
    const auto code = [&](std::size_t day, int half, int pupil) {
        return held_.marks[truth_.slot(day, half, pupil)].code;
    };
    for (int pupil = 0; pupil < static_cast<int>(marked_.size()); ++pupil)
        had_mark(pupil, code);
    for (const safety_rule& rule : safety_rules()) {
        if (!rule.by_clock()) continue;
        for (int pupil = 0; pupil < static_cast<int>(marked_.size()); ++pupil) {
            if (!is_of(rule, pupil)) continue;
            const auto known = now_.find({rule.id, pupil});
            const int stands = known == now_.end() ? -1 : known->second.stage;
            const int met = stage_at(rule, pupil, local, code);
            if (met < 0 ? stands >= 0 : stands < met && (stands >= 0 || may_open(local)))
                wrong_(
                    about(rule, pupil) + " stands at stage " + std::to_string(stands) + ", and meets " +
                    std::to_string(met)
                );
        }
    }
}

} // namespace rollbook::simulation
