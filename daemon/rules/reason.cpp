#include "daemon/rules/reason.hpp"

#include "daemon/base/spoken.hpp"

#include <fmt/format.h>

namespace rollbook {
namespace {

std::string counted(std::int64_t count, std::string_view of_what)
{
    return fmt::format("{} {}{}", count, of_what, count == 1 ? "" : "s");
}

std::string_view sessions_of(std::string_view measure)
{
    if (measure == "late_sessions") return "late session";
    if (measure == "unauthorised_sessions") return "unauthorised session";
    return "session";
}

bool is_age(const rule& judged_by)
{
    return judged_by.measure == "reason_age";
}

const rule_window& window_of(const rule& judged_by, int stage)
{
    const rule_stage& at = judged_by.stages[static_cast<std::size_t>(stage < 0 ? 0 : stage)];
    return at.window ? *at.window : judged_by.window;
}

// "in 10 school days", "in the last 10 school days", "in this half term".
std::string window_in_words(const rule_window& window, std::string_view in)
{
    switch (window.of) {
    case rule_window::unit::school_days: return fmt::format("{} {}", in, counted(window.count, "school day"));
    case rule_window::unit::school_weeks: return fmt::format("{} {}", in, counted(window.count, "school week"));
    case rule_window::unit::half_term: return "in this half term";
    case rule_window::unit::term: return "in this term";
    case rule_window::unit::academic_year: return "in this academic year";
    }
    return {};
}

// Without a full stop.
std::string what_is(const rule& judged_by, const verdict& now)
{
    if (is_age(judged_by)) {
        if (now.evidence.empty()) return "No session without a reason (N)";
        return fmt::format(
            "{} without a reason (N), {}from {}: {} old",
            counted(now.unexplained, "session"),
            now.unexplained == 1 ? "" : "the oldest ",
            spoken_date(now.window.first),
            counted(now.value, "school day")
        );
    }
    std::string said = fmt::format(
        "{} {} ({})",
        counted(now.value, sessions_of(judged_by.measure)),
        window_in_words(window_of(judged_by, now.stage), "in"),
        days_in_words(now.window)
    );
    if (now.unexplained > 0) said += fmt::format(", of which {} not yet explained (N)", now.unexplained);
    return said;
}

std::string fewer_than(const rule& judged_by, std::int64_t needed)
{
    return is_age(judged_by) ? "less than " + counted(needed, "school day") : fmt::format("fewer than {}", needed);
}

} // namespace

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

std::string why_open(const rule& judged_by, const verdict& now, int reached)
{
    std::string said = what_is(judged_by, now) + ".";
    if (now.stage < 0) {
        const std::string needed = fewer_than(judged_by, judged_by.stages.front().at_least);
        const std::string until = judged_by.needs_decision
                                      ? "a person decides"
                                      : "it is " + fewer_than(judged_by, judged_by.clearing_level());
        said += fmt::format(" That is {} now; the alert stays until {}.", needed, until);
    } else if (now.stage < reached) {
        said += fmt::format(
            " The stage \"{}\" was reached earlier and stays.", judged_by.stages[static_cast<std::size_t>(reached)].name
        );
    }
    return said;
}

std::string why_resolved(const rule& judged_by, const verdict& now)
{
    const std::string needed = fewer_than(judged_by, judged_by.clearing_level());
    if (is_age(judged_by)) return fmt::format("{}; {}.", what_is(judged_by, now), needed);
    return fmt::format(
        "{} {}; {}.",
        counted(now.value, sessions_of(judged_by.measure)),
        window_in_words(window_of(judged_by, now.stage), "in the last"),
        needed
    );
}

std::string why_withdrawn(const rule& judged_by, const verdict& then, bool rule_changed)
{
    const std::string_view what_changed = rule_changed ? "Marks or the rule were changed" : "Marks were changed";
    const std::int64_t needed = judged_by.stages.front().at_least;
    if (is_age(judged_by)) {
        return fmt::format(
            "{}: by what is known now no session had been {} without a reason (N) when it opened.",
            what_changed,
            counted(needed, "school day")
        );
    }
    return fmt::format(
        "{}: by what is known now {} counted when it opened; {} {} needed.",
        what_changed,
        counted(then.value, "session"),
        needed,
        needed == 1 ? "is" : "are"
    );
}

std::string why_outside()
{
    return "The rule is no longer about this pupil.";
}

} // namespace rollbook
