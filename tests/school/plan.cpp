#include "tests/school/plan.hpp"

#include "tests/school/codes.hpp"
#include "tests/school/dice.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace rollbook::school {

using namespace std::chrono;

namespace {

// Rates are those of statutory.md section 8a (secondary, 2025/26), turned into events per pupil and year of 380
// sessions; the numbers beside the codes are percentages of possible sessions.

struct year_shape {
    std::uint64_t seed;
    const academic_year* year;
    int days;
    std::vector<double> season; // absence relative to the year's mean
    urn any, illness, truancy, single, late_am;
    std::vector<int> eid;

    weekday weekday_of(int day) const { return weekday(year->school_days[static_cast<std::size_t>(day)]); }
};

year_shape shape_of(std::uint64_t seed, const academic_year& year)
{
    year_shape s{seed, &year, int(year.school_days.size()), {}, {}, {}, {}, {}, {}, {}};
    // Absence rises through a half-term and is lowest in September (8b "Season", "Secondary by week").
    constexpr std::array<std::pair<double, double>, 6> halves{
        {{0.74, 1.02}, {0.92, 1.20}, {0.95, 1.10}, {0.95, 1.10}, {0.92, 1.05}, {0.95, 1.12}}};
    std::vector<double> even, ill, truant, once, late;
    for (const date day : year.school_days) {
        std::size_t half = 0;
        double along = 0;
        for (const term& t : year.terms) {
            for (const auto& [from, to] : t.half_terms) {
                if (day > to) ++half;
                if (day >= from && day <= to) along = double((day - from).count()) / double((to - from).count() + 1);
            }
        }
        const auto [low, high] = halves[std::min<std::size_t>(half, 5)];
        const double season = low + (high - low) * along;
        const weekday w(day);
        s.season.push_back(season);
        even.push_back(1);
        ill.push_back(season * (w == Friday ? 1.45 : w == Monday ? 1.05 : 0.95));
        truant.push_back(season * (w == Friday ? 1.95 : w == Monday ? 1.08 : 0.95));
        once.push_back(w == Friday ? 1.1 : 1);
        late.push_back(w == Friday || w == Monday ? 0.93 : 1.05);
    }
    s.any = urn(even);
    s.illness = urn(ill);
    s.truancy = urn(truant);
    s.single = urn(once);
    s.late_am = urn(late);
    dice d(seed, "days of the year", std::uint64_t(year.begins));
    for (int i = 0; i < 2; ++i)
        s.eid.push_back(d.below(s.days));
    return s;
}

// One pupil's year while it is being filled in. A session, once given, is not given again.
class pupil_year {
public:
    pupil_year(std::span<planned_mark> marks, dice& chance) : marks_(marks), chance_(chance) {}

    int sessions() const { return static_cast<int>(marks_.size()); }
    int days() const { return sessions() / 2; }
    bool is_free(int session) const { return marks_[std::size_t(session)].code == no_code; }
    bool is_free_day(int day) const { return is_free(day * 2) && is_free(day * 2 + 1); }

    bool give(int session, std::uint8_t what, int unknown_for = 0)
    {
        if (session < 0 || session >= sessions() || !is_free(session)) return false;
        marks_[std::size_t(session)] = {what, static_cast<std::uint8_t>(std::clamp(unknown_for, 0, 255))};
        return true;
    }

    int give_day(int day, std::uint8_t what) { return give(day * 2, what) + give(day * 2 + 1, what); }

    // Gives up to `length` sessions from `first` on, all with the same reason, which the office learns some days later.
    int give_run(int first, int length, std::uint8_t what)
    {
        const int learned = learn_after(what, length);
        int given = 0;
        for (int s = first; s < std::min(first + length, sessions()); ++s) {
            const int left = learned == never_known ? never_known : std::max(0, learned - (s / 2 - first / 2));
            given += give(s, what, left);
        }
        return given;
    }

    const planned_mark& at(int session) const { return marks_[std::size_t(session)]; }

private:
    // School days before the reason is known. How often it is not known the same day, and how soon it then is, is not
    // published; chosen so that N falls to about 0.25 % within two weeks and 0.05 % in the end (8c, 8a).
    int learn_after(std::uint8_t what, int sessions_away)
    {
        static const std::uint8_t O = code("O"), I = code("I"), G = code("G"), C = code("C");
        const double unknown = what == O ? 0.45 : what == I ? 0.30 : what == G ? 0.30 : what == C ? 0.12 : 0.05;
        if (!chance_.chance(unknown)) return 0;
        const double u = chance_.unit();
        if (u < 0.022) return sessions_away <= 4 ? never_known : 9;
        if (u > 0.93) return 6 + chance_.below(8);
        // What nobody explains becomes O, as the rule says, on the fifth day.
        if (what == O) return u < 0.30 ? 1 : u < 0.45 ? 2 : u < 0.55 ? 3 : u < 0.65 ? 4 : 5;
        return u < 0.50 ? 1 : u < 0.70 ? 2 : u < 0.82 ? 3 : u < 0.89 ? 4 : 5;
    }

    std::span<planned_mark> marks_;
    dice& chance_;
};

std::uint8_t present_code(int session)
{
    static const std::uint8_t am = code("/"), pm = code("\\");
    return session % 2 ? pm : am;
}

// --- suspensions: E 0.289, 22.6 in 100 pupils a year, the shape of lengths from 8d ---

int suspension_sessions(dice& d)
{
    const double u = d.unit();
    if (u < 0.05) return 1;
    if (u < 0.44) return 2;
    if (u < 0.62) return 4;
    if (u < 0.77) return 6;
    if (u < 0.80) return 8;
    if (u < 0.96) return 10;
    return 16;
}

std::vector<planned_suspension> plan_suspensions(const year_shape& s, const roll& who)
{
    constexpr double by_year[] = {0.7, 1.0, 1.35, 1.3, 0.65};
    std::vector<double> weights;
    for (const pupil& p : who.pupils)
        weights.push_back((p.incidents_a_year + 0.3) * by_year[p.year - 7]);
    const urn pupils(weights);
    dice d(s.seed, "suspensions", std::uint64_t(s.year->begins));
    std::vector<planned_suspension> made;
    const int n = static_cast<int>(0.226 * static_cast<double>(who.pupils.size()) + 0.5);
    std::vector<int> sessions_of(who.pupils.size());
    for (int tries = 0; static_cast<int>(made.size()) < n && tries < n * 20; ++tries) {
        const int pupil = pupils.draw(d);
        const int sessions = suspension_sessions(d);
        const int first = s.illness.draw(d) * 2 + (d.chance(0.15) ? 1 : 0);
        const int reason = d.below(8);
        if (first + sessions > s.days * 2) continue;
        // Not within a week of the pupil's last one, and never more than the year's 45 school days.
        const bool close = std::any_of(made.begin(), made.end(), [&](const planned_suspension& x) {
            return x.pupil == pupil && first < x.first_session + x.sessions + 10 &&
                   x.first_session < first + sessions + 10;
        });
        if (close || sessions_of[std::size_t(pupil)] + sessions > 88) continue;
        sessions_of[std::size_t(pupil)] += sessions;
        made.push_back({pupil, first, sessions, reason});
    }
    std::stable_sort(made.begin(), made.end(), [](const auto& a, const auto& b) {
        return a.first_session < b.first_session;
    });
    return made;
}

// --- attended elsewhere: V 0.73, P 0.142, W 0.31, B 0.30, K 0.079 ---

void plan_elsewhere(const year_shape& s, const pupil& p, dice& d, pupil_year& marks)
{
    static const std::uint8_t V = code("V"), P = code("P"), W = code("W"), B = code("B"), K = code("K");
    dice form_days(s.seed, "trips", std::uint64_t(p.form), std::uint64_t(s.year->begins));
    for (int i = 0; i < 2; ++i) {
        const int day = form_days.below(s.days);
        if (d.chance(p.absence > 0.3 ? 0.3 : 0.72)) marks.give_day(day, V);
    }
    if (d.chance(0.112)) {
        for (int i = 0; i < 6; ++i) {
            const int day = s.any.draw(d);
            marks.give(day * 2 + 1, P);
        }
    }
    if (p.year == 10 && d.chance(0.63)) {
        dice when(s.seed, "work experience", std::uint64_t(p.form % 2), std::uint64_t(s.year->begins));
        const int first = s.days - 22 + when.below(8);
        for (int day = first; day < first + 5; ++day)
            marks.give_day(day, W);
    }
    const auto weekly = [&](double share, std::uint8_t what) {
        if (!d.chance(share)) return;
        const weekday w = Monday + days(d.below(5));
        for (int day = 0; day < s.days; ++day) {
            if (s.weekday_of(day) == w) marks.give_day(day, what);
        }
    };
    weekly(p.incidents_a_year > 15 ? 0.04 : 0.006, B);
    weekly(0.0050, K);
}

// --- absence with a reason of its own: C2 0.32, G 0.31, C 0.43, M 0.38, R 0.058, S 0.100, T, C1, J1 ---

int plan_reasons(const year_shape& s, const pupil& p, dice& d, pupil_year& marks, int budget)
{
    static const std::uint8_t C2 = code("C2"), G = code("G"), C = code("C"), M = code("M"), R = code("R"),
                              S = code("S"), T = code("T"), C1 = code("C1"), J1 = code("J1");
    int used = 0;
    const double load = std::min(1.6, p.absence / 0.06);
    if (p.absence > 0.15 && d.chance(0.158)) {
        const int first = d.below(s.days);
        for (int day = first; day < std::min(first + 75, s.days); ++day)
            used += marks.give(day * 2 + 1, C2);
    }
    if (p.year == 11) {
        for (int i = 0; i < 2; ++i)
            used += marks.give(s.days * 2 - 60 + d.below(48), S);
    }
    if (p.absence > 0.025 && d.chance(0.205)) {
        const int length = 2 * (2 + d.below(5));
        used += marks.give_run(s.illness.draw(d) * 2, std::min(length, budget), G);
    }
    for (int n = d.poisson(0.98 * load); n > 0 && used + 2 <= budget; --n) {
        used += marks.give_run(s.single.draw(d) * 2, 2, C);
    }
    for (int n = d.poisson(1.62 * load); n > 0 && used < budget; --n) {
        used += marks.give_run(s.single.draw(d) * 2 + (d.chance(0.45) ? 1 : 0), 1, M);
    }
    if (d.chance(0.052)) {
        for (const int day : s.eid)
            used += marks.give_day(day, R);
    }
    if (p.absence > 0.1 && d.chance(0.004)) used += marks.give_run(s.any.draw(d) * 2, 14, T);
    if (d.chance(0.0025)) used += marks.give_run(s.any.draw(d) * 2, 8, C1);
    if (p.year >= 10 && d.chance(0.16)) used += marks.give(s.any.draw(d) * 2 + d.below(2), J1);
    return used;
}

// --- illness, I 3.63, and unexplained absence, O 2.61: what is left of the pupil's absence ---

double share_unexplained(double absence)
{
    if (absence < 0.05) return 0.08;
    if (absence < 0.10) return 0.22;
    if (absence < 0.15) return 0.38;
    if (absence < 0.25) return 0.52;
    return absence < 0.5 ? 0.64 : 0.74;
}

int illness_days(dice& d)
{
    const double u = d.unit();
    return u < 0.46 ? 1 : u < 0.72 ? 2 : u < 0.86 ? 3 : u < 0.93 ? 4 : u < 0.97 ? 5 : 6 + d.below(5);
}

void plan_absence(const year_shape& s, const pupil& p, dice& d, pupil_year& marks, int left)
{
    static const std::uint8_t I = code("I"), O = code("O");
    const int long_runs = p.absence > 0.5 ? 5 : p.absence > 0.25 ? 2 : 1;
    const double unexplained = share_unexplained(p.absence);
    // Runs of O are shorter than runs of I, so that more of them make the same share.
    const double pick_O = unexplained * 1.52 / (unexplained * 1.52 + (1 - unexplained));
    for (int tries = 0; left > 0 && tries < 4000; ++tries) {
        if (d.chance(pick_O)) {
            const int day = s.truancy.draw(d);
            const double u = d.unit();
            const int first = day * 2 + (u < 0.16 ? 1 : 0);
            const int length = u < 0.22 ? 1 : 2 * (1 + (d.chance(0.22) ? 1 : 0)) * long_runs;
            left -= marks.give_run(first, std::min(length, left), O);
        } else {
            int first = s.illness.draw(d) * 2;
            if (d.chance(0.14)) ++first; // sent home at lunch time
            int length = 2 * illness_days(d) * long_runs - first % 2;
            // Half of the runs that reach a weekend are over by Monday.
            if (long_runs == 1 && d.chance(0.5)) {
                int day = first / 2;
                while (day + 1 < s.days &&
                       s.year->school_days[std::size_t(day + 1)] == s.year->school_days[std::size_t(day)] + days(1)) {
                    ++day;
                }
                length = std::min(length, (day + 1) * 2 - first);
            }
            left -= marks.give_run(first, std::min(length, left), I);
        }
    }
}

// --- lateness: L 2.79, U 0.30, three quarters in the morning ---

void plan_lateness(const year_shape& s, const pupil& p, dice& d, pupil_year& marks)
{
    static const std::uint8_t L = code("L"), U = code("U");
    int left = d.poisson(p.lates_a_year);
    for (int tries = 0; left > 0 && tries < 3000; ++tries) {
        const bool afternoon = d.chance(0.25);
        const int session = s.late_am.draw(d) * 2 + (afternoon ? 1 : 0);
        const bool after_close = d.chance(0.097);
        // Some who come late were first marked as absent.
        const int unknown_for = d.chance(after_close ? 0.15 : 0.03) ? 1 : 0;
        left -= marks.give(session, after_close ? U : L, unknown_for);
    }
}

void plan_pupil(const year_shape& s, const roll& who, int i, year_plan& plan)
{
    const pupil& p = who.pupils[std::size_t(i)];
    dice d(s.seed, "year of a pupil", std::uint64_t(i), std::uint64_t(s.year->begins));
    pupil_year marks(std::span(plan.marks).subspan(std::size_t(i) * s.days * 2, std::size_t(s.days) * 2), d);

    static const std::uint8_t E = code("E"), B = code("B");
    int suspended = 0;
    for (const planned_suspension& x : plan.suspensions) {
        if (x.pupil != i) continue;
        // From the sixth consecutive day there must be provision, and the pupil attends that.
        for (int n = 0; n < x.sessions; ++n)
            suspended += marks.give(x.first_session + n, n < 10 ? E : B) && n < 10;
    }
    const int budget = std::max(0, static_cast<int>(p.absence * s.days * 2 + 0.5) - suspended / 2);
    plan_elsewhere(s, p, d, marks);
    const int reasons = plan_reasons(s, p, d, marks, budget);
    plan_absence(s, p, d, marks, budget - reasons);
    plan_lateness(s, p, d, marks);
    // A register mistake, put right the next day.
    for (int n = d.poisson(0.2); n > 0; --n) {
        const int session = d.below(s.days * 2);
        marks.give(session, present_code(session), 1);
    }
    for (int session = 0; session < s.days * 2; ++session)
        marks.give(session, present_code(session));
}

int classmate(const roll& who, int i, dice& d)
{
    const auto n = static_cast<int>(who.pupils.size());
    for (int tries = 0; tries < 200; ++tries) {
        const int other = d.below(n);
        if (other != i && who.pupils[std::size_t(other)].year == who.pupils[std::size_t(i)].year) return other;
    }
    return -1;
}

bool in_school(const year_plan& plan, int pupil, int day)
{
    static const std::uint8_t am = code("/"), pm = code("\\"), L = code("L");
    const std::uint8_t a = plan.mark(pupil, day, 0).code, b = plan.mark(pupil, day, 1).code;
    return (a == am || a == L) && (b == pm || b == L);
}

void plan_incidents(const year_shape& s, const roll& who, year_plan& plan)
{
    for (int i = 0; i < static_cast<int>(who.pupils.size()); ++i) {
        const pupil& p = who.pupils[std::size_t(i)];
        dice d(s.seed, "incidents", std::uint64_t(i), std::uint64_t(s.year->begins));
        int left = d.poisson(p.incidents_a_year);
        for (int tries = 0; left > 0 && tries < 1000; ++tries) {
            const int day = s.any.draw(d);
            if (!in_school(plan, i, day)) continue;
            --left;
            planned_incident x{day, 8 * 60 + 50 + d.below(6 * 60), i, -1, d.below(100), 1 + d.below(4), 1 + d.below(6)};
            if (d.chance(0.10)) {
                const int other = classmate(who, i, d);
                if (other >= 0 && in_school(plan, other, day)) x.second_pupil = other;
            }
            plan.incidents.push_back(x);
        }
    }
    std::stable_sort(plan.incidents.begin(), plan.incidents.end(), [](const auto& a, const auto& b) {
        return std::pair(a.day, a.minute) < std::pair(b.day, b.minute);
    });
}

void plan_concerns(const year_shape& s, const roll& who, year_plan& plan)
{
    for (int i = 0; i < static_cast<int>(who.pupils.size()); ++i) {
        const pupil& p = who.pupils[std::size_t(i)];
        dice d(s.seed, "concerns", std::uint64_t(i), std::uint64_t(s.year->begins));
        for (int left = d.poisson(p.concerns_a_year); left > 0; --left) {
            const int entered = d.below(s.days);
            const int happened = d.chance(0.08) ? std::max(0, entered - 1 - d.below(15)) : entered;
            const int minute = 8 * 60 + 45 + d.below(6 * 60 + 30);
            planned_concern x{entered, 0, happened, minute, i, -1, d.below(100), d.chance(0.15), 3 + d.below(40)};
            x.entered_minute = std::max(minute, 9 * 60) + 5 + d.below(90);
            if (d.chance(0.12)) x.second_pupil = classmate(who, i, d);
            plan.concerns.push_back(x);
        }
    }
    std::stable_sort(plan.concerns.begin(), plan.concerns.end(), [](const auto& a, const auto& b) {
        return std::pair(a.entered_day, a.entered_minute) < std::pair(b.entered_day, b.entered_minute);
    });
}

} // namespace

year_plan make_plan(std::uint64_t seed, const roll& who, const academic_year& year)
{
    const year_shape s = shape_of(seed, year);
    year_plan plan{s.days, {}, {}, {}, {}};
    plan.marks.assign(who.pupils.size() * std::size_t(s.days) * 2, planned_mark{no_code, 0});
    plan.suspensions = plan_suspensions(s, who);
    for (int i = 0; i < static_cast<int>(who.pupils.size()); ++i)
        plan_pupil(s, who, i, plan);
    plan_incidents(s, who, plan);
    plan_concerns(s, who, plan);
    return plan;
}

} // namespace rollbook::school
