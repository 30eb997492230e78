#include "tests/school/school.hpp"

#include "tests/school/dice.hpp"

#include <algorithm>
#include <charconv>

namespace rollbook::school {

namespace {

constexpr std::uint64_t first_mark_id = 2000000001u;
constexpr std::uint64_t first_pupil_id = 1000000001u;

// Compulsory school age ends on the last Friday of June of the academic year by whose end a pupil is 16. Source:
// statutory.md.
bool is_past_school_age(const pupil& who, date on)
{
    using namespace std::chrono;
    const year_month_day day(on);
    const year ends = day.month() >= September ? day.year() + years(1) : day.year();
    return who.born < date((ends - years(16)) / September / 1) && on > date(ends / June / Friday[last]);
}

std::optional<std::uint64_t> number_of(std::string_view id)
{
    std::uint64_t n = 0;
    if (id.size() < 2 || id[0] != 'A') return {};
    const auto [end, ec] = std::from_chars(id.data() + 1, id.data() + id.size(), n);
    if (ec != std::errc() || end != id.data() + id.size()) return {};
    return n;
}

} // namespace

simulated_school::simulated_school(const school_options& options)
    : options_(options), calendar_(options.today, options.school_days),
      roll_(make_roll(
          options.seed,
          options.pupils,
          calendar_.years()[std::size_t(calendar_.place(calendar_.last()).first)].begins,
          calendar_.day(calendar_.first())
      ))
{
    if (options.is_tidy) roll_.strangers.clear();
    const int first = calendar_.first();
    // A suspension that began before the period still explains the E marks inside it.
    const auto [which, day] = calendar_.place(first);
    const int year_start = first - day;
    for (const planned_suspension& x : plan_of(which).suspensions) {
        if (x.first_session < day * 2 && x.first_session + x.sessions > day * 2) {
            const int number = static_cast<int>(suspensions_.size()) + 1;
            suspensions_.push_back({number, x.pupil, year_start * 2 + x.first_session, x.sessions, x.reason});
        }
    }
    marks_.reserve(std::size_t(options.pupils) * options.school_days * 2);
    for (int ordinal = first; ordinal <= calendar_.last(); ++ordinal)
        show_day(ordinal);
    for (pupil& p : roll_.pupils)
        p.updated_at = std::min(p.updated_at, now_);
}

const year_plan& simulated_school::plan_of(int which_year)
{
    auto found = plans_.find(which_year);
    if (found == plans_.end()) {
        const academic_year& year = calendar_.years()[std::size_t(which_year)];
        found = plans_.emplace(which_year, make_plan(options_.seed, roll_, year)).first;
    }
    return found->second;
}

void simulated_school::show_day(int ordinal)
{
    static const std::uint8_t N = code("N"), C2 = code("C2"), X = code("X");
    now_ = utc_of_local(calendar_.day(ordinal), 15, 30);
    // What became known since yesterday.
    std::erase_if(pending_, [&](std::uint32_t at) {
        mark& m = marks_[at];
        if (m.settles_on > ordinal) return false;
        m.code = m.settled;
        return true;
    });
    const auto [which, day] = calendar_.place(ordinal);
    const year_plan& plan = plan_of(which);
    for (std::uint8_t session = 0; session < 2; ++session) {
        for (int i = 0; i < static_cast<int>(roll_.pupils.size()); ++i) {
            if (!roll_.pupils[std::size_t(i)].on_roll) continue;
            const planned_mark& p = plan.mark(i, day, session);
            mark m{std::uint16_t(i), std::uint16_t(ordinal), session, p.code, p.code, false, 0};
            if (options_.is_tidy && m.code == C2 &&
                is_past_school_age(roll_.pupils[std::size_t(i)], calendar_.day(ordinal)))
                m.code = m.settled = X;
            const auto at = static_cast<std::uint32_t>(marks_.size());
            const std::uint8_t unknown_for =
                options_.is_tidy ? std::min<std::uint8_t>(p.unknown_for, 2) : p.unknown_for;
            if (unknown_for > 0) {
                m.code = N;
                m.settles_on = unknown_for == never_known ? never : std::uint16_t(ordinal + unknown_for);
                if (m.settles_on != never) pending_.push_back(at);
            }
            marks_.push_back(m);
            listed_.push_back(at);
        }
    }
    // The office touches a few records a day, mostly in fields that are not served.
    dice office(options_.seed, "office", std::uint64_t(calendar_.day(ordinal).time_since_epoch().count()));
    for (pupil& p : roll_.pupils) {
        if (p.on_roll && office.chance(0.004)) {
            p.updated_at =
                utc_of_local(calendar_.day(ordinal), 9 + office.below(6), office.below(60), office.below(60));
        }
    }
    const int year_start = ordinal - day;
    for (const planned_suspension& x : plan.suspensions) {
        if (x.first_session / 2 != day || !roll_.pupils[std::size_t(x.pupil)].on_roll) continue;
        const int number = static_cast<int>(suspensions_.size()) + 1;
        suspensions_.push_back({number, x.pupil, year_start * 2 + x.first_session, x.sessions, x.reason});
    }
    for (const planned_incident& x : plan.incidents) {
        if (x.day != day || !roll_.pupils[std::size_t(x.pupil)].on_roll) continue;
        incidents_.push_back({static_cast<int>(incidents_.size()) + 1, ordinal, x});
    }
    for (const planned_concern& x : plan.concerns) {
        if (x.entered_day != day) continue;
        concerns_.push_back({static_cast<int>(concerns_.size()) + 1, ordinal, year_start + x.happened_day, x});
    }
}

std::string simulated_school::mark_id(std::uint32_t position)
{
    return "A" + std::to_string(first_mark_id + position);
}

std::optional<std::uint32_t> simulated_school::find_mark(std::string_view id) const
{
    const auto n = number_of(id);
    if (!n || *n < first_mark_id || *n - first_mark_id >= marks_.size()) return {};
    return static_cast<std::uint32_t>(*n - first_mark_id);
}

std::optional<int> simulated_school::find_pupil(std::string_view id) const
{
    const auto n = number_of(id);
    if (!n || *n < first_pupil_id || *n - first_pupil_id >= roll_.pupils.size()) return {};
    return static_cast<int>(*n - first_pupil_id);
}

std::optional<std::uint32_t> simulated_school::find_mark(int pupil, date day, int session) const
{
    const int ordinal = calendar_.find(day);
    const auto from =
        std::lower_bound(marks_.begin(), marks_.end(), ordinal, [](const mark& m, int o) { return m.ordinal < o; });
    for (auto at = from; at != marks_.end() && at->ordinal == ordinal; ++at) {
        if (at->pupil == pupil && at->session == session) return static_cast<std::uint32_t>(at - marks_.begin());
    }
    return {};
}

void simulated_school::advance()
{
    calendar_.advance();
    show_day(calendar_.last());
}

void simulated_school::amend(std::uint32_t at, std::uint8_t to)
{
    marks_[at].code = to;
    marks_[at].settles_on = never;
    std::erase(pending_, at);
    ++now_;
}

std::vector<std::uint32_t>
simulated_school::pick_unexplained(int count, int older_than_days, std::optional<int> pupil) const
{
    static const std::uint8_t N = code("N");
    std::vector<std::uint32_t> found;
    for (const std::uint32_t at : listed_) {
        const mark& m = marks_[at];
        if (m.code == N && calendar_.last() - m.ordinal >= older_than_days && (!pupil || m.pupil == *pupil)) {
            found.push_back(at);
        }
    }
    if (!pupil) {
        dice d(options_.seed, "marks to amend", std::uint64_t(calendar_.last()));
        d.shuffle(found);
    }
    if (static_cast<int>(found.size()) > count) found.resize(std::size_t(std::max(count, 0)));
    std::sort(found.begin(), found.end());
    return found;
}

void simulated_school::delete_mark(std::uint32_t at)
{
    if (marks_[at].deleted) return;
    marks_[at].deleted = true;
    deletions_.push_back(mark_id(at));
    ++now_;
    relist();
}

void simulated_school::restore_mark(std::uint32_t at)
{
    marks_[at].deleted = false;
    std::erase(deletions_, mark_id(at));
    ++now_;
    relist();
}

void simulated_school::delete_pupil(int i)
{
    pupil& p = roll_.pupils[std::size_t(i)];
    if (!p.on_roll) return;
    p.on_roll = false;
    deletions_.push_back(p.id);
    touch(i);
}

void simulated_school::restore_pupil(int i)
{
    pupil& p = roll_.pupils[std::size_t(i)];
    p.on_roll = true;
    std::erase(deletions_, p.id);
    touch(i);
    p.restored_at = now_;
}

pupil& simulated_school::change_pupil(int i)
{
    touch(i);
    return roll_.pupils[std::size_t(i)];
}

void simulated_school::relist()
{
    listed_.clear();
    for (std::uint32_t at = 0; at < marks_.size(); ++at) {
        if (!marks_[at].deleted) listed_.push_back(at);
    }
}

void simulated_school::touch(int i)
{
    roll_.pupils[std::size_t(i)].updated_at = ++now_;
}

std::vector<figures> simulated_school::truth(date from, date to) const
{
    static const std::uint8_t L = code("L"), U = code("U");
    std::vector<figures> sums(roll_.pupils.size());
    for (const std::uint32_t at : listed_) {
        const mark& m = marks_[at];
        const date day = calendar_.day(m.ordinal);
        if (day < from || day > to) continue;
        figures& f = sums[m.pupil];
        switch (code_list()[m.code].counts_as) {
        case code_class::present:
        case code_class::approved_educational: ++f.present; break;
        case code_class::authorised: ++f.authorised; break;
        case code_class::unauthorised: ++f.unauthorised; break;
        default: continue;
        }
        ++f.possible;
        f.late += m.code == L || m.code == U;
    }
    return sums;
}

} // namespace rollbook::school
