#include "daemon/config/sections.hpp"
#include "daemon/domain/year_group.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace rollbook {
namespace {

// Longer than any half term or holiday, and short enough that a mistyped year cannot fill the memory.
constexpr std::chrono::days range_max{200};

struct placed_range {
    day_range days;
    int line = 0;
};

struct placed_closure {
    day_range days;
    closed_kind kind{};
    int line = 0;
    std::string path;
};

bool overlap(const day_range& a, const day_range& b)
{
    return a.first <= b.last && b.first <= a.last;
}

// False, and noted, when the days are in the wrong order or too many.
bool check_range(table_reader& table, std::string_view last_key, const day_range& days)
{
    if (days.last < days.first) {
        table.wrong(last_key, "is before its first day", "a day on or after " + format_day(days.first));
        return false;
    }
    if (days.last - days.first > range_max) {
        table.wrong(last_key, "is more than 200 days after its first day", "the year to be right");
        return false;
    }
    return true;
}

std::optional<day_range> read_half_term(table_reader& table)
{
    for (const std::string_view key : {"first_day", "last_day"})
        if (!table.has(key)) table.missing(key, "a date such as 2026-09-01");
    const std::optional<civil_day> first = table.day("first_day");
    const std::optional<civil_day> last = table.day("last_day");
    table.refuse_unknown();
    if (!first || !last || !check_range(table, "last_day", {*first, *last})) return std::nullopt;
    return day_range{*first, *last};
}

term read_term(table_reader& table, std::vector<placed_range>& half_terms)
{
    term out;
    out.name = table.required_text("name", "a name such as \"Autumn 2026\"");
    constexpr std::string_view expected = "a list such as [ { first_day = 2026-09-03, last_day = 2026-10-23 } ]";
    if (!table.has("half_terms")) table.missing("half_terms", expected);
    std::vector<table_reader> rows = table.tables("half_terms");
    const toml_value* given = table.find("half_terms");
    if (given != nullptr && rows.empty() && std::holds_alternative<toml_value::list>(given->value))
        table.wrong("half_terms", "is empty", std::string(expected));
    for (table_reader& row : rows) {
        const std::optional<day_range> days = read_half_term(row);
        if (!days) continue;
        const auto other =
            std::ranges::find_if(half_terms, [&](const auto& each) { return overlap(each.days, *days); });
        if (other != half_terms.end())
            row.wrong(
                "first_day",
                "this half term overlaps the one in line " + std::to_string(other->line) + ", from " +
                    format_day(other->days.first) + " to " + format_day(other->days.last),
                "half terms that do not share a day"
            );
        half_terms.push_back({*days, row.line()});
        out.half_terms.push_back(*days);
    }
    table.refuse_unknown();
    return out;
}

std::vector<term> read_terms(table_reader& root, std::vector<placed_range>& half_terms)
{
    std::vector<term> out;
    if (!root.has("term")) root.missing("term", "at least one [[term]] table");
    for (table_reader& table : root.tables("term")) {
        term one = read_term(table, half_terms);
        if (!one.name.empty() && std::ranges::find(out, one.name, &term::name) != out.end())
            table.wrong("name", in_quotes(one.name) + " is the name of another term too", "a name of its own");
        out.push_back(std::move(one));
    }
    return out;
}

std::optional<placed_closure> read_closure(table_reader& table)
{
    constexpr std::array<std::string_view, 3> kinds = {"inset", "holiday", "closure"};
    if (!table.has("day")) table.missing("day", "a date such as 2026-11-27");
    if (!table.has("kind")) table.missing("kind", "inset, holiday or closure");
    const std::optional<civil_day> first = table.day("day");
    const std::optional<civil_day> last = table.has("last_day") ? table.day("last_day") : first;
    (void)table.find("last_day");
    const std::optional<std::size_t> kind = table.choice("kind", kinds);
    table.refuse_unknown();
    if (!first || !last || !kind || !check_range(table, "last_day", {*first, *last})) return std::nullopt;
    return placed_closure{{*first, *last}, static_cast<closed_kind>(*kind), table.line(), table.path()};
}

std::vector<closed_day> read_closed(table_reader& root, const std::vector<placed_range>& half_terms)
{
    std::vector<closed_day> out;
    std::vector<placed_closure> given;
    for (table_reader& table : root.tables("closed")) {
        const std::optional<placed_closure> one = read_closure(table);
        if (!one) continue;
        const auto same =
            std::ranges::find_if(given, [&](const auto& other) { return overlap(other.days, one->days); });
        if (same != given.end()) {
            table.wrong(
                "day",
                "this day is closed by the table in line " + std::to_string(same->line) + " too",
                "each day closed once"
            );
            continue;
        }
        const auto in_term = [&](const placed_range& range) { return overlap(range.days, one->days); };
        if (std::ranges::none_of(half_terms, in_term))
            table.warn("day", format_day(one->days.first) + " is outside every half term: closing it changes nothing");
        for (civil_day day = one->days.first; day <= one->days.last; day += std::chrono::days(1))
            out.push_back({day, one->kind});
        given.push_back(*one);
    }
    return out;
}

std::vector<std::string> read_years(table_reader& table)
{
    std::vector<std::string> years;
    const auto given = table.texts("years", R"(a list of years such as ["7", "8"]; left out: every year)");
    for (const std::string& each : given.value_or(std::vector<std::string>())) {
        std::string bare(bare_year(each));
        if (std::ranges::find(years, bare) != years.end())
            table.wrong("years", in_quotes(each) + " is named twice", "each year once");
        years.push_back(std::move(bare));
    }
    std::ranges::sort(years);
    if (!years.empty())
        table.warn(
            "years",
            "registers at other times for some years; \"Working together to improve school attendance\" says at the "
            "same "
            "time for all pupils"
        );
    return years;
}

weekday_set read_weekdays(table_reader& table)
{
    weekday_set days;
    const std::string form =
        "a list of " + one_of({weekday_names.begin(), weekday_names.end()}) + "; left out: every day";
    const auto given = table.texts("weekdays", form);
    for (const std::string& each : given.value_or(std::vector<std::string>())) {
        const auto* const at = std::ranges::find(weekday_names, each);
        const auto place = static_cast<std::size_t>(at - weekday_names.begin());
        if (at == weekday_names.end())
            table.wrong("weekdays", in_quotes(each) + " is not a weekday", form);
        else if (days.test(place))
            table.wrong("weekdays", in_quotes(each) + " is named twice", "each weekday once");
        else
            days.set(place);
    }
    return days;
}

std::optional<session_time> read_session(table_reader& table)
{
    constexpr std::array<std::string_view, 2> halves = {"AM", "PM"};
    session_time out;
    out.years = read_years(table);
    out.weekdays = read_weekdays(table);
    if (!table.has("name")) table.missing("name", "AM or PM");
    for (const std::string_view key : {"register_opens", "register_closes"})
        if (!table.has(key)) table.missing(key, "a time such as 08:45:00");
    if (!table.has("from")) table.missing("from", "the first day it holds, such as 2026-09-01");
    const auto half = table.choice("name", halves);
    const auto opens = table.time_of_day("register_opens");
    const auto closes = table.time_of_day("register_closes");
    const auto from = table.day("from");
    const auto settle = table.duration("settle", true).value_or(std::chrono::minutes(5));
    table.refuse_unknown();
    out.settle = std::chrono::ceil<std::chrono::minutes>(settle);
    if (out.settle > std::chrono::hours(12)) {
        table.wrong("settle", "is longer than half a day", "a short time such as \"5m\"");
        return std::nullopt;
    }
    if (!half || !opens || !closes || !from) return std::nullopt;
    if (*closes <= *opens) {
        table.wrong("register_closes", "is not after register_opens", "a later time");
        return std::nullopt;
    }
    if (*closes - *opens > std::chrono::minutes(30))
        table.warn(
            "register_closes",
            "the register is open for more than 30 minutes; \"Working together to improve school attendance\" says not "
            "more than 30"
        );
    out.half = static_cast<half_day>(*half);
    out.opens = *opens;
    out.closes = *closes;
    out.from = *from;
    return out;
}

void warn_of_missing_times(
    table_reader& root, const std::vector<session_time>& sessions, const std::vector<placed_range>& half_terms
)
{
    std::optional<civil_day> first_day;
    for (const placed_range& range : half_terms)
        first_day = std::min(first_day.value_or(range.days.first), range.days.first);
    for (const half_day half : {half_day::am, half_day::pm}) {
        std::optional<civil_day> from;
        for (const session_time& time : sessions)
            if (time.half == half && time.is_for_all()) from = std::min(from.value_or(time.from), time.from);
        const std::string name(name_of(half));
        const std::string instead = half == half_day::am ? "12:00" : "16:00";
        if (!from)
            root.warn("session", "no times for " + name + ": its register counts as closed at " + instead);
        else if (first_day && *first_day < *from)
            root.warn(
                "session",
                "no times for " + name + " from " + format_day(*first_day) + " to " + format_day(*from) +
                    ": its register counts as closed at " + instead
            );
    }
}

// Of two rows that hold from the same day neither could go before the other.
bool shares_years(const session_time& a, const session_time& b)
{
    if (a.years.empty() || b.years.empty()) return a.years.empty() && b.years.empty();
    return std::ranges::any_of(a.years, [&](const std::string& year) {
        return std::ranges::find(b.years, year) != b.years.end();
    });
}

std::vector<session_time> read_sessions(table_reader& root, const std::vector<placed_range>& half_terms)
{
    std::vector<session_time> out;
    for (table_reader& table : root.tables("session")) {
        const std::optional<session_time> one = read_session(table);
        if (!one) continue;
        const auto same = [&](const session_time& other) {
            return other.half == one->half && other.from == one->from && shares_years(other, *one) &&
                   other.weekdays.none() == one->weekdays.none() &&
                   (one->weekdays.none() || (other.weekdays & one->weekdays).any());
        };
        if (std::ranges::any_of(out, same))
            table.wrong("from", "another table gives times for this session from this day", "one table for each day");
        out.push_back(*one);
    }
    warn_of_missing_times(root, out, half_terms);
    return out;
}

} // namespace

school_calendar read_calendar(const std::filesystem::path& file, findings_of_load& into)
{
    problem_list problems(file, into);
    const std::optional<toml_value> document = read_toml_file(problems);
    if (!document) return {};
    table_reader root(*document, {}, problems);
    std::vector<placed_range> half_terms;
    std::vector<term> terms = read_terms(root, half_terms);
    std::vector<closed_day> closed = read_closed(root, half_terms);
    std::vector<session_time> sessions = read_sessions(root, half_terms);
    root.refuse_unknown();
    if (!into.problems.empty()) return {};
    return school_calendar(std::move(terms), std::move(closed), std::move(sessions));
}

} // namespace rollbook
