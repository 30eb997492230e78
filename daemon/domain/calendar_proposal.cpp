#include "daemon/domain/calendar_proposal.hpp"

#include "daemon/base/ascii.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

namespace rollbook {
namespace {

using std::chrono::days;

constexpr int half_term_gap = 5;   // weekdays
constexpr int term_gap = 9;        // weekdays; a bank holiday or two may be among them
constexpr days half_term_max{200}; // what the calendar file takes
constexpr int years_max = 3;       // a published event further ahead is a mistake

bool is_working_day(civil_day day)
{
    return std::chrono::weekday(day).iso_encoding() <= 5;
}

std::optional<closed_kind> kind_of(std::string_view title)
{
    const std::string text = lowered(title);
    const auto has = [&](std::initializer_list<std::string_view> words) {
        return std::ranges::any_of(words, [&](std::string_view word) { return text.find(word) != text.npos; });
    };
    if (has({"inset", "training day", "staff day", "non-pupil", "non pupil", "development day"}))
        return closed_kind::inset;
    if (has({"holiday", "half term", "half-term", "break"})) return closed_kind::holiday;
    if (has({"closed", "closure", "snow day"})) return closed_kind::closure;
    return std::nullopt;
}

// "20261127", with whatever time behind it.
std::optional<civil_day> ical_day(std::string_view value)
{
    if (value.size() < 8) return std::nullopt;
    std::string text(value.substr(0, 8));
    text.insert(6, "-").insert(4, "-");
    return parse_day(text);
}

// The content lines, unfolded.
std::vector<std::string> ical_lines(std::string_view text)
{
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string line(text.substr(0, end));
        text.remove_prefix(std::min(text.size(), end + 1));
        if (line.ends_with('\r')) line.pop_back();
        if (!lines.empty() && (line.starts_with(' ') || line.starts_with('\t')))
            lines.back() += line.substr(1);
        else
            lines.push_back(std::move(line));
    }
    return lines;
}

struct raw_event {
    std::optional<civil_day> first;
    std::optional<civil_day> end; // as written
    bool end_is_day = false;      // a day, and then not part of the event
    bool repeats = false;
    std::string title;
};

void take_line(raw_event& event, const std::string& line)
{
    const std::size_t colon = line.find(':');
    if (colon == line.npos) return;
    const std::string name = line.substr(0, std::min(line.find(';'), colon));
    const std::string value = line.substr(colon + 1);
    if (name == "DTSTART") event.first = ical_day(value);
    if (name == "RRULE") event.repeats = true;
    if (name == "SUMMARY") event.title = value;
    if (name != "DTEND") return;
    event.end = ical_day(value);
    event.end_is_day = value.find('T') == value.npos;
}

std::string term_name(civil_day first)
{
    const std::chrono::year_month_day day(first);
    const unsigned month = unsigned(day.month());
    const char* season = month >= 8 ? "Autumn " : month < 4 ? "Spring " : "Summer ";
    return season + std::to_string(int(day.year()));
}

// Days with marks, and after the last of them what published events leave.
std::set<civil_day>
school_days_of(const std::map<civil_day, std::int64_t>& marks_by_day, const std::vector<calendar_event>& published)
{
    std::set<civil_day> out;
    if (marks_by_day.empty()) return out;
    std::vector<std::int64_t> counts;
    for (const auto& [day, count] : marks_by_day)
        counts.push_back(count);
    std::ranges::nth_element(counts, counts.begin() + static_cast<std::ptrdiff_t>(counts.size() / 2));
    const std::int64_t middle = counts[counts.size() / 2];
    for (const auto& [day, count] : marks_by_day)
        if (count * 2 >= middle && is_working_day(day)) out.insert(day);
    const civil_day last = marks_by_day.rbegin()->first;
    civil_day end = last;
    for (const calendar_event& event : published)
        if (event.days.first - last < days(366 * years_max)) end = std::max(end, event.days.first);
    for (civil_day day = last + days(1); day < end; day += days(1)) {
        const bool off = std::ranges::any_of(published, [&](const auto& event) { return event.days.contains(day); });
        if (is_working_day(day) && !off) out.insert(day);
    }
    return out;
}

} // namespace

published_calendar read_published_calendar(std::string_view ical)
{
    published_calendar out;
    std::optional<raw_event> open;
    for (const std::string& line : ical_lines(ical)) {
        if (line == "BEGIN:VEVENT")
            open.emplace();
        else if (line != "END:VEVENT" && open)
            take_line(*open, line);
        if (line != "END:VEVENT" || !open) continue;
        const auto kind = kind_of(open->title);
        if (kind && open->first && open->repeats) ++out.repeating;
        if (kind && open->first && !open->repeats) {
            civil_day last = open->end.value_or(*open->first);
            if (open->end && open->end_is_day) last -= days(1);
            out.events.push_back({{*open->first, std::max(*open->first, last)}, *kind});
        }
        open.reset();
    }
    return out;
}

calendar_proposal
propose_calendar(const std::map<civil_day, std::int64_t>& marks_by_day, const std::vector<calendar_event>& published)
{
    calendar_proposal out;
    std::optional<civil_day> before;
    for (const civil_day day : school_days_of(marks_by_day, published)) {
        std::vector<civil_day> gap;
        for (civil_day each = before ? *before + days(1) : day; each < day; each += days(1))
            if (is_working_day(each)) gap.push_back(each);
        const int length = static_cast<int>(gap.size());
        // Of a break in one season, however long, both sides are the same term: some have two weeks in October.
        const bool begins = !before || (length >= term_gap && out.terms.back().name != term_name(day));
        if (!begins && length < half_term_gap && day - out.terms.back().half_terms.back().first > half_term_max)
            break; // nobody published the holidays between
        if (begins) out.terms.push_back({term_name(day), {}});
        std::vector<day_range>& halves = out.terms.back().half_terms;
        if (halves.empty() || length >= half_term_gap) {
            halves.push_back({day, day});
        } else {
            halves.back().last = day;
            for (const civil_day closed : gap) {
                const auto why =
                    std::ranges::find_if(published, [&](const auto& event) { return event.days.contains(closed); });
                if (why == published.end()) out.guessed.push_back(closed);
                out.closed.push_back({closed, why == published.end() ? closed_kind::closure : why->kind});
            }
        }
        before = day;
    }
    return out;
}

std::string calendar_text(const calendar_proposal& proposal)
{
    std::string text = "# Drafted from the marks held and from what was published: check every line.\n";
    for (const term& each : proposal.terms) {
        text += "\n[[term]]\nname = \"" + each.name + "\"\nhalf_terms = [\n";
        for (const day_range& half : each.half_terms)
            text += "  { first_day = " + format_day(half.first) + ", last_day = " + format_day(half.last) + " },\n";
        text += "]\n";
    }
    for (const closed_day& each : proposal.closed) {
        text += "\n[[closed]]\nday = " + format_day(each.day) + "\nkind = \"" + std::string(name_of(each.kind)) + "\"";
        const bool guessed = std::ranges::find(proposal.guessed, each.day) != proposal.guessed.end();
        text += guessed ? " # no marks that day: inset, holiday or closure?\n" : "\n";
    }
    return text;
}

} // namespace rollbook
