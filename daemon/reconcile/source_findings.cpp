#include "daemon/base/spoken.hpp"
#include "daemon/reconcile/finding_kinds.hpp"

#include <fmt/format.h>

namespace rollbook {
namespace {

finding about_source(std::string_view kind, const std::string& source)
{
    finding made;
    made.kind = kind;
    made.key = fmt::format("{}/{}", kind, source);
    made.subject_source = source;
    made.subject_id = source;
    made.sources = {source};
    return made;
}

} // namespace

std::optional<finding> stale_finding(
    const freshness& state, const school_calendar& calendar, local_instant now_local, instant now, const time_zone& zone
)
{
    finding made = about_source("source-stale", state.source);
    if (!state.last_success) {
        made.explanation = state.source + " has never been read. Nothing is known from it.";
        return made;
    }
    if (now - *state.last_success > state.stale_after) {
        const local_instant at = zone.to_local(*state.last_success);
        made.explanation = fmt::format(
            "{} was last read in full on {} at {:02}:{:02}; what rests on it may be out of date.",
            state.source,
            spoken_weekday_date(day_of(at)),
            std::chrono::duration_cast<std::chrono::hours>(at - day_of(at)).count(),
            std::chrono::duration_cast<std::chrono::minutes>(at - day_of(at)).count() % 60
        );
        return made;
    }
    if (state.data_as_of && now - *state.data_as_of > state.stale_after &&
        calendar.school_days_between(day_of(zone.to_local(*state.data_as_of)), day_of(now_local)) > 1) {
        made.explanation = fmt::format(
            "{} answers, but its own data is as of {}; what rests on it may be out of date.",
            state.source,
            spoken_weekday_date(day_of(zone.to_local(*state.data_as_of)))
        );
        return made;
    }
    if (!state.is_mis || calendar.empty()) return std::nullopt;
    const auto last_day = calendar.school_day_back(day_of(now_local) - std::chrono::days(1), 0);
    if (!last_day || (state.newest_day && *state.newest_day >= *last_day)) return std::nullopt;
    if (calendar.ordinal_at_or_before(day_of(now_local) - std::chrono::days(1)) < 0) return std::nullopt;
    made.explanation = fmt::format(
        "{} has no mark for {} or later: its newest is of {}. Its own data is behind.",
        state.source,
        spoken_weekday_date(*last_day),
        state.newest_day ? spoken_weekday_date(*state.newest_day) : std::string("no day at all")
    );
    return made;
}

std::optional<finding> incomplete_finding(const std::string& source, std::span<const failure> failures)
{
    if (failures.empty()) return std::nullopt;
    finding made = about_source("source-incomplete", source);
    std::string what;
    for (const failure& each : failures)
        what += (what.empty() ? "" : "; ") + each.what;
    made.explanation = fmt::format(
        "Not all of {} could be read, so what rests on the rest is as of an earlier read, and nothing of it is called "
        "missing: {}. {}",
        source,
        what,
        failures.front().to_do
    );
    return made;
}

findings differing_totals(std::span<const statement_row> statement)
{
    findings all;
    for (const statement_row& row : statement) {
        if (!row.not_read.empty() || !row.source_total || *row.source_total == row.held) continue;
        finding made = about_source("totals-differ", row.source);
        made.key = fmt::format("totals-differ/{}/{}", row.source, name_of(row.record));
        made.subject_id = name_of(row.record);
        made.explanation = fmt::format(
            "{} says that it has {} {} records, but {} are held after reading them all. Some may be hidden by a "
            "permission, or in quarantine.",
            row.source,
            *row.source_total,
            name_of(row.record),
            row.held
        );
        all.push_back(std::move(made));
    }
    return all;
}

std::optional<finding> differing_possible(const std::string& source, const possible_sums& sums)
{
    if (sums.differing == 0) return std::nullopt;
    finding made = about_source("totals-differ", source);
    made.key = fmt::format("totals-differ/{}/possible-sessions", source);
    made.subject_id = "possible-sessions";
    made.explanation = fmt::format(
        "{} counts {} possible sessions this academic year, and {} are held after reading all its marks; {} {} counts "
        "differ. "
        "Marks may be hidden by a permission, or a code may count otherwise there.",
        source,
        sums.stated,
        sums.held,
        sums.differing,
        sums.differing == 1 ? "pupil's" : "pupils'"
    );
    return made;
}

} // namespace rollbook
