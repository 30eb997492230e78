#include "daemon/rules/reason.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/spoken.hpp"
#include "daemon/rules/measures.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rollbook {
namespace {

std::string counted(std::int64_t count, std::string_view of_what)
{
    const std::size_t star = of_what.find('*');
    const std::string_view after = star == std::string_view::npos ? "" : of_what.substr(star + 1);
    return fmt::format("{} {}{}{}", count, of_what.substr(0, star), count == 1 ? "" : "s", after);
}

// "5.5 days": two sessions are one.
std::string days_of_sessions(std::int64_t sessions)
{
    return fmt::format("{}{} {}", sessions / 2, sessions % 2 ? ".5" : "", sessions == 2 ? "day" : "days");
}

const measure_kind& kind_of(const rule& judged_by)
{
    return *find_measure(judged_by.measure);
}

bool is_age(const rule& judged_by)
{
    return judged_by.measure == "reason_age";
}

bool is_by_clock(const rule& judged_by)
{
    return kind_of(judged_by).by_clock;
}

// "3 late sessions", "10.52 %", "5.5 days".
std::string value_in_words(const rule& judged_by, std::int64_t value)
{
    if (judged_by.measure == "suspended_days") return days_of_sessions(value);
    if (judged_by.measure == "absence_percentage" || judged_by.measure == "projected_absence")
        return shown_value(value, true) + " %";
    if (kind_of(judged_by).unit == measure_unit::hundredths) return shown_value(value, true) + " percentage points";
    return counted(value, kind_of(judged_by).counted);
}

const rule_window& window_of(const rule& judged_by, int stage)
{
    return judged_by.window_of(judged_by.stages[static_cast<std::size_t>(std::max(stage, 0))]);
}

// "in 10 school days", "in the last 10 school days", "in this half term".
std::string window_in_words(const rule_window& window, std::string_view in)
{
    switch (window.of) {
    case rule_window::unit::school_days: return fmt::format("{} {}", in, counted(window.count, "school day*"));
    case rule_window::unit::school_weeks: return fmt::format("{} {}", in, counted(window.count, "school week*"));
    case rule_window::unit::half_term: return "in this half term";
    case rule_window::unit::term: return "in this term";
    case rule_window::unit::academic_year: return "in this academic year";
    case rule_window::unit::suspension_term: return "in this term";
    }
    return {};
}

std::string what_is_unexplained(const rule& judged_by, const verdict& now)
{
    const bool has_left = judged_by.measure == "left_unexplained_minutes";
    return fmt::format(
        "{} has not been known for {} since {} register closed ({})",
        has_left ? "The pupil was in school in the morning, and where they are" : "Where the pupil is",
        counted(now.value, "minute*"),
        has_left ? "the afternoon's" : "the",
        days_in_words(now.window)
    );
}

// What the measure is of, where its number alone would not say it.
std::string_view said_of(std::string_view measure)
{
    if (measure == "absence_percentage") return " absent";
    if (measure == "projected_absence")
        return " absent by the end of this half term, if it goes on as in the last 20 school days;";
    if (measure == "weekday_pattern")
        return " more absent on Mondays and Fridays than on other days, beyond the school's own";
    if (measure == "attendance_drop") return " more absent than earlier in the year,";
    if (measure == "suspended_days") return " of suspension";
    return {};
}

// The other count of a rule that does not reuse evidence.
std::string and_in_all(const rule& judged_by, const verdict& now)
{
    if (!now.in_all) return {};
    return fmt::format(
        ", not counting what a decision was already made on: with it {}", value_in_words(judged_by, now.in_all->value)
    );
}

// Without a full stop.
std::string what_is(const rule& judged_by, const verdict& now)
{
    if (is_age(judged_by)) {
        if (now.evidence.empty()) return "No session without a reason (N)";
        return fmt::format(
                   "{} without a reason (N), {}from {}: {} old",
                   counted(now.unexplained, "session*"),
                   now.unexplained == 1 ? "" : "the oldest ",
                   spoken_date(now.window.first),
                   counted(now.value, "school day*")
               ) +
               and_in_all(judged_by, now);
    }
    if (is_by_clock(judged_by)) return what_is_unexplained(judged_by, now);
    std::string said = fmt::format(
        "{}{} {} ({})",
        value_in_words(judged_by, now.value),
        said_of(judged_by.measure),
        window_in_words(window_of(judged_by, now.stage), "in"),
        days_in_words(now.window)
    );
    if (now.parts) said += fmt::format(": {} of {} possible sessions", now.parts->absent, now.parts->possible);
    if (now.unexplained > 0) said += fmt::format(", of which {} not yet explained (N)", now.unexplained);
    if (now.is_predicted)
        said +=
            fmt::format("; at this pace {} by the end of the school year", value_in_words(judged_by, now.threshold));
    return said + and_in_all(judged_by, now);
}

std::string fewer_than(const rule& judged_by, std::int64_t needed)
{
    const measure_kind& kind = kind_of(judged_by);
    if (is_age(judged_by)) return "less than " + counted(needed, "school day*");
    if (kind.unit == measure_unit::hundredths) return "less than " + value_in_words(judged_by, needed);
    if (kind.unit == measure_unit::minutes) return "less than " + counted(needed, "minute*");
    if (judged_by.measure == "suspended_days") return "less than " + days_of_sessions(needed);
    return fmt::format("fewer than {}", needed);
}

} // namespace

std::string shown_value(std::int64_t value, bool in_hundredths)
{
    if (!in_hundredths) return std::to_string(value);
    std::string said = fmt::format("{}.{:02}", value / 100, value % 100);
    while (said.ends_with('0'))
        said.pop_back();
    if (said.ends_with('.')) said.pop_back();
    return said;
}

void write_value(json_writer& out, std::int64_t value, bool in_hundredths)
{
    if (in_hundredths)
        out.number(static_cast<double>(value) / 100);
    else
        out.value(value);
}

std::string days_in_words(const day_range& days)
{
    const std::chrono::year_month_day first(days.first);
    const std::chrono::year_month_day last(days.last);
    if (first == last) return spoken_date(days.last);
    const auto first_day = static_cast<unsigned>(first.day());
    if (first.year() != last.year()) return fmt::format("{} to {}", spoken_date(days.first), spoken_date(days.last));
    if (first.month() != last.month())
        return fmt::format("{} {} to {}", first_day, month_name(first.month()), spoken_date(days.last));
    return fmt::format("{} to {}", first_day, spoken_date(days.last));
}

std::string what_is_held_back(const pupil_history& history)
{
    constexpr std::size_t shown_max = 3;
    const std::span<const session_id> all = history.held_back();
    const std::string_view form = history.pupil().group;
    std::string said;
    for (const session_id session : all.last(std::min(all.size(), shown_max))) {
        if (!said.empty()) said += "; ";
        said += fmt::format(
            "the register{}{} on {}, {}, ",
            form.empty() ? "" : " of ",
            form,
            spoken_weekday_date(session.day),
            session.half == half_day::am ? "morning" : "afternoon"
        );
        switch (history.facts().gate->reason(session, history.pupil().number)) {
        case held_back::source_refused: said += "is refused by the source"; break;
        case held_back::read_incomplete: said += "could not be read to its end"; break;
        case held_back::not_read_yet: said += "has not been read yet"; break;
        default: said += "has not been taken";
        }
    }
    if (all.size() > shown_max) said += fmt::format("; and {} before", counted(all.size() - shown_max, "register*"));
    return said;
}

std::string why_open(
    const rule& judged_by, const verdict& now, int reached, std::string_view kept_open, std::optional<day_range> was_met
)
{
    if (kind_of(judged_by).by_source)
        return now.stage >= 0 ? now.detail : why_resolved(judged_by, now) + " The alert stays until a person decides.";
    std::string said = what_is(judged_by, now) + ".";
    if (!now.detail.empty()) said += " " + now.detail;
    if (!kept_open.empty()) {
        said += fmt::format(
            " That is {} now. Kept open: {}.", fewer_than(judged_by, judged_by.stages.front().at_least), kept_open
        );
    } else if (now.stage < 0) {
        const std::string needed = fewer_than(judged_by, judged_by.stages.front().at_least);
        const std::string until = judged_by.needs_decision
                                      ? "a person decides"
                                      : "it is " + fewer_than(judged_by, judged_by.clearing_level());
        said += fmt::format(" That is {} now; the alert stays until {}.", needed, until);
        if (was_met && judged_by.needs_decision)
            said += fmt::format(" The threshold was met {}; no decision is recorded.", days_in_words(*was_met));
    } else if (now.stage < reached) {
        said += fmt::format(
            " The stage \"{}\" was reached earlier and stays.", judged_by.stages[static_cast<std::size_t>(reached)].name
        );
    }
    return said;
}

std::string why_before(const rule& judged_by, const verdict& earlier, civil_day day)
{
    return fmt::format(
        "What came late shows that the stage \"{}\" was met on {} as well: {}. {} that too.",
        judged_by.stages[static_cast<std::size_t>(earlier.stage)].name,
        spoken_date(day),
        what_is(judged_by, earlier),
        judged_by.needs_decision ? "Decide about" : "Look into"
    );
}

std::string why_resolved(const rule& judged_by, const verdict& now)
{
    if (judged_by.measure == "failed_rule") return "The rule is judged again.";
    if (kind_of(judged_by).by_source) return "The source is up to date again.";
    const std::string needed = fewer_than(judged_by, judged_by.clearing_level());
    if (is_by_clock(judged_by)) return "Stand down: it is known now where the pupil is.";
    if (is_age(judged_by)) return fmt::format("{}; {}.", what_is(judged_by, now), needed);
    if (judged_by.measure == "projected_absence" && now.parts && is_persistent(*now.parts))
        return fmt::format(
            "{} of {} possible sessions are missed: that is persistent absence now, and no projection.",
            now.parts->absent,
            now.parts->possible
        );
    return fmt::format(
        "{}{} {}; {}.",
        value_in_words(judged_by, now.value),
        said_of(judged_by.measure),
        window_in_words(window_of(judged_by, now.stage), "in the last"),
        needed
    );
}

std::string why_withdrawn(const rule& judged_by, const verdict& then, bool rule_changed)
{
    const measure_kind& kind = kind_of(judged_by);
    const std::string_view records = kind.reads_marks ? kind.reads_cases ? "Records" : "Marks" : "Records";
    const std::string what_changed = std::string(records) + (rule_changed ? ", the calendar or the rule were changed"
                                                                          : " or the calendar were changed");
    const std::int64_t needed = judged_by.stages.front().at_least;
    if (is_age(judged_by)) {
        return fmt::format(
            "{}: by what is known now no session had been {} without a reason (N) when it opened.",
            what_changed,
            counted(needed, "school day*")
        );
    }
    if (kind.unit != measure_unit::sessions || judged_by.measure == "suspended_days") {
        return fmt::format(
            "{}: by what is known now it was {} when it opened; {} is needed.",
            what_changed,
            value_in_words(judged_by, then.value),
            value_in_words(judged_by, needed)
        );
    }
    return fmt::format(
        "{}: by what is known now {} counted when it opened; {} {} needed.",
        what_changed,
        counted(then.value, "session*"),
        needed,
        needed == 1 ? "is" : "are"
    );
}

std::string why_outside()
{
    return "The rule is no longer about this pupil.";
}

} // namespace rollbook
