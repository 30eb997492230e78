#include "daemon/rules/measures.hpp"

#include "daemon/base/spoken.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rollbook {
namespace {

using namespace std::chrono_literals;

// A register that is not there so long after it should have closed is taken for untaken.
constexpr std::chrono::minutes untaken_after = 10min;
// No session's minutes run on into the evening.
constexpr std::chrono::hours day_ends_at = 16h;
// Longer than any row of sessions of which nothing is known and nobody has heard: a half term.
constexpr int days_looked_back = 40;

enum class standing { explained, unexplained, untaken, too_early };

struct closed_session {
    session_id session{};
    local_instant closes{};
    standing is = standing::explained;
    std::uint32_t entry = held_mark::nothing;
    bool is_left_out = false; // the register was taken, without a mark for this pupil
    bool in_school = false;   // the pupil was there, in time or late
};

closed_session look_at(const reading& read, session_id session, std::chrono::minutes closes)
{
    closed_session found{session, session.day + closes};
    const attendance_register& held = read.history.facts().held;
    const held_mark& mark = held.find(session, read.history.pupil().number);
    const statutory_code* row = mark.is_held() ? held.codes().row_on(mark.code, session.day) : nullptr;
    const bool is_recorded = mark.is_held() && held.codes().class_on(mark.code, session.day) != code_class::none;
    if (is_recorded) {
        found.entry = mark.entry;
        found.is = held.codes().statutory(mark.code) == "N" ? standing::unexplained : standing::explained;
        // U is an absence in law, and the pupil came.
        found.in_school = row && (row->klass == code_class::present || row->late);
        return found;
    }
    // No register waits for a pupil who is not on roll.
    const judged_pupil& who = read.history.pupil();
    if ((who.on_roll_from && session.day < *who.on_roll_from) || (who.on_roll_to && session.day > *who.on_roll_to)) {
        found.is = standing::too_early;
        return found;
    }
    const register_gate* gate = read.history.facts().gate;
    const pupil_no pupil = who.number;
    found.is_left_out = gate && gate->knows(pupil) && gate->reason(session, pupil) == held_back::nothing;
    // What is held back says nothing to other rules. To one about a child's safety not to know is the alarm.
    const bool is_alarm = read.when_unknown == rule::unknown::tell && !read.history.facts().is_half_read;
    const bool speaks = found.is_left_out || is_alarm;
    found.is =
        speaks && read.judged().read_at >= found.closes + untaken_after ? standing::untaken : standing::too_early;
    return found;
}

// Calls use(const closed_session&) for each session whose register should have closed by now, newest first, until that
// is false.
template <class Use> void each_closed_session(const reading& read, Use use)
{
    const school_calendar& calendar = read.calendar();
    const local_instant now = read.judged().read_at;
    const int newest = calendar.ordinal_at_or_before(day_of(now));
    for (int at = newest; at >= 0 && at > newest - days_looked_back; --at) {
        const civil_day day = calendar.school_days()[static_cast<std::size_t>(at)];
        for (const half_day half : {half_day::pm, half_day::am}) {
            const std::optional<session_time> times = calendar.times_of({day, half}, read.history.pupil().year);
            if (times && day + times->closes <= now && !use(look_at(read, {day, half}, times->closes))) return;
        }
    }
}

std::string_view words_of(half_day half)
{
    return half == half_day::am ? "morning" : "afternoon";
}

std::string clock_time(local_instant at)
{
    const auto minutes = std::chrono::floor<std::chrono::minutes>(at - day_of(at)).count();
    return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60);
}

std::string untaken_in_words(const reading& read, const closed_session& untaken)
{
    const session_id session = untaken.session;
    if (untaken.is_left_out)
        return fmt::format(
            "The register of the {} of {} was taken without a mark for this pupil.",
            words_of(session.half),
            spoken_date(session.day)
        );
    std::string said =
        fmt::format("No mark has been read for the {} of {}", words_of(session.half), spoken_date(session.day));
    if (const auto last = read.history.facts().last_read) {
        said += fmt::format("; marks were last read at {}", clock_time(*last));
        if (day_of(*last) != session.day) said += " on " + spoken_date(day_of(*last));
        if (*last < session.day + 24h) said += ". Do first-day calling from the MIS itself";
    }
    return said + ".";
}

// The newest sessions in a row of which nothing is known, in order of time, and the one that was known before them.
struct unknown_row {
    std::vector<closed_session> sessions;
    std::optional<closed_session> before;
};

// Whether a row goes back over the night to a session without a mark. Over N it always does.
enum class over_night { only_unexplained, untaken_too };

unknown_row newest_unknown(const reading& read, over_night back)
{
    unknown_row row;
    const std::optional<local_instant> accounted = read.history.pupil().accounted_at;
    each_closed_session(read, [&](closed_session each) {
        // A contact said since where the pupil was: that a later session is not known begins anew.
        if (accounted && *accounted >= each.closes && each.is != standing::explained) {
            each.is = standing::explained;
            each.in_school = false;
        }
        if (each.is == standing::too_early) return true;
        if (each.is == standing::explained) {
            row.before = each;
            return false;
        }
        const bool is_earlier_day = !row.sessions.empty() && row.sessions.back().session.day != each.session.day;
        if (is_earlier_day && each.is == standing::untaken && back == over_night::only_unexplained) return false;
        row.sessions.push_back(each);
        return true;
    });
    std::ranges::reverse(row.sessions);
    return row;
}

// Over night and in holidays the minutes stand still: a day that goes by is no news of a child.
measured minutes_of(const reading& read, const std::vector<closed_session>& row)
{
    measured found;
    found.is_enough = false; // a stage at 0 minutes must not be met by nothing
    found.window = {read.judged().as_of, read.judged().as_of};
    if (row.empty()) return found;
    const local_instant now = read.judged().read_at;
    std::optional<civil_day> counted;
    for (const closed_session& each : row) {
        if (each.entry != held_mark::nothing) found.evidence.push_back(each.entry);
        found.unexplained += each.is == standing::unexplained ? 1 : 0;
        if (counted == each.session.day) continue;
        counted = each.session.day;
        const local_instant until = std::min<local_instant>(now, each.session.day + day_ends_at);
        found.value += std::max<std::int64_t>(0, std::chrono::floor<std::chrono::minutes>(until - each.closes).count());
    }
    found.is_enough = true;
    found.window = {row.front().session.day, row.back().session.day};
    if (row.back().is == standing::untaken) found.detail = untaken_in_words(read, row.back());
    return found;
}

} // namespace

// Unit: minutes in school time since the register closed on the first of the newest sessions in a row of which nothing
// is known: still N, or without a mark ten minutes after it should have closed, where its register was taken or the
// rule tells when it does not know. Any other mark ends the row, and so does a contact that says where the pupil is,
// for the sessions before it. A row goes back to an earlier day only over N.
measured unexplained_minutes(const reading& read)
{
    return minutes_of(read, newest_unknown(read, over_night::only_unexplained).sessions);
}

// Unit: minutes in school time since the afternoon's register closed, of a pupil whose mark of that morning says that
// they came, and of whom nothing is known from the afternoon on. It goes on over night, whatever the next register says
// of nobody.
measured left_unexplained_minutes(const reading& read)
{
    const unknown_row row = newest_unknown(read, over_night::untaken_too);
    const bool has_left = !row.sessions.empty() && row.before && row.before->in_school &&
                          row.sessions.front().session.half == half_day::pm &&
                          row.before->session == session_id{row.sessions.front().session.day, half_day::am};
    measured found = minutes_of(read, has_left ? row.sessions : std::vector<closed_session>());
    if (has_left && row.before->entry != held_mark::nothing && found.is_enough)
        found.evidence.insert(found.evidence.begin(), row.before->entry);
    return found;
}

std::optional<local_instant>
next_clock_change(const school_calendar& calendar, std::span<const rule> rules, local_instant after)
{
    constexpr int school_days_ahead = 2;
    std::vector<std::chrono::minutes> waits;
    for (const rule& each : rules) {
        if (!each.enabled || !find_measure(each.measure)->by_clock) continue;
        waits.insert(waits.end(), {0min, untaken_after});
        for (const rule_stage& stage : each.stages)
            waits.emplace_back(stage.at_least);
    }
    std::optional<local_instant> next;
    const auto& days = calendar.school_days();
    auto at = static_cast<std::size_t>(std::max(0, calendar.ordinal_at_or_before(day_of(after))));
    for (int ahead = 0; ahead <= school_days_ahead && at < days.size(); ++ahead, ++at) {
        for (const half_day half : {half_day::am, half_day::pm}) {
            const std::vector<session_time> all = calendar.all_times_of({days[at], half});
            for (const session_time& times : all) {
                for (const std::chrono::minutes wait : waits) {
                    const local_instant then = days[at] + times.closes + wait;
                    if (then > after && (!next || then < *next)) next = then;
                }
            }
        }
    }
    return next;
}

} // namespace rollbook
