#include "daemon/web/heat_map.hpp"

#include "daemon/base/html.hpp"
#include "daemon/base/spoken.hpp"
#include "daemon/domain/calendar.hpp"
#include "daemon/views/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace rollbook {
namespace {

constexpr int cell_width = 17;
constexpr int cell_height = 14;
constexpr int day_height = 2 * cell_height + 3;
constexpr int left = 34;
constexpr int top = 18;
constexpr std::array<std::string_view, 5> weekdays = {"Mon", "Tue", "Wed", "Thu", "Fri"};

// At most the last character but the code's own: a letter in a small box.
std::string letter_of(const mark_line& mark)
{
    if (is_not_recorded(mark.raw)) return "";
    const std::string_view text = mark.code.empty() ? std::string_view(mark.raw) : std::string_view(mark.code);
    if (text == "/" || text == "\\") return "";
    return plain(text.substr(0, 2));
}

std::string_view class_of(const mark_line& mark)
{
    if (mark.is_late) return "late";
    return name_of(mark.klass);
}

std::string words_of(code_class klass)
{
    std::string words(name_of(klass));
    std::ranges::replace(words, '_', ' ');
    return words;
}

} // namespace

std::vector<week_row> week_rows(const std::vector<mark_line>& marks, const day_range& days)
{
    std::map<civil_day, week_row> weeks;
    for (const mark_line& each : marks) {
        const unsigned weekday = std::chrono::weekday(each.session.day).iso_encoding();
        if (weekday > 5 || !days.contains(each.session.day)) continue;
        const civil_day monday = monday_of(each.session.day);
        week_row& row = weeks[monday];
        row.monday = monday;
        row.cells[(weekday - 1) * 2 + static_cast<unsigned>(each.session.half)] = plain(each.raw);
    }
    std::vector<week_row> rows;
    for (auto& [monday, row] : weeks)
        rows.push_back(std::move(row));
    std::ranges::reverse(rows); // the newest week first
    return rows;
}

std::string heat_map(const std::vector<mark_line>& marks, const day_range& days, const school_calendar& calendar)
{
    // Weeks without a school day or a mark are left out; a gap shows where.
    std::map<civil_day, int> column;
    const auto add = [&](civil_day day) {
        if (days.contains(day)) column.emplace(monday_of(day), 0);
    };
    for (const civil_day day : calendar.school_days())
        add(day);
    for (const mark_line& each : marks)
        add(each.session.day);
    int x = left;
    std::optional<civil_day> before;
    for (auto& [monday, at] : column) {
        if (before && monday - *before > std::chrono::days(7)) x += 8;
        at = x;
        x += cell_width;
        before = monday;
    }
    const int width = x + 2;
    const int height = top + 5 * day_height + 2;

    std::string cells;
    int counts[3] = {0, 0, 0}; // present, absent, late
    for (const mark_line& each : marks) {
        const unsigned weekday = std::chrono::weekday(each.session.day).iso_encoding();
        if (weekday > 5 || !days.contains(each.session.day)) continue;
        const int at_x = column[monday_of(each.session.day)];
        const int at_y =
            top + static_cast<int>(weekday - 1) * day_height + static_cast<int>(each.session.half) * (cell_height + 1);
        counts[0] += each.klass == code_class::present || each.klass == code_class::approved_educational;
        counts[1] += each.klass == code_class::authorised || each.klass == code_class::unauthorised;
        counts[2] += each.is_late;
        cells += fmt::format(
            R"(<g class="s {}"><title>{} {}: {}, {}</title><rect x="{}" y="{}" width="{}" height="{}"/>)",
            class_of(each),
            spoken_weekday_date(each.session.day),
            name_of(each.session.half),
            html_escaped(plain(each.raw)),
            words_of(each.klass),
            at_x,
            at_y,
            cell_width - 2,
            cell_height
        );
        if (const std::string letter = letter_of(each); !letter.empty())
            cells += fmt::format(
                R"(<text x="{}" y="{}">{}</text>)", at_x + (cell_width - 2) / 2, at_y + 11, html_escaped(letter)
            );
        cells += "</g>";
    }

    std::string out = fmt::format(
        R"(<svg class="heat" role="img" aria-labelledby="heat-title heat-words" viewBox="0 0 {0} {1}" width="{0}" height="{1}">)"
        R"(<title id="heat-title">Sessions by week</title><desc id="heat-words">{2} sessions present, {3} absent, {4} late, )"
        R"(from {5} to {6}. The table below says the same.</desc>)",
        width,
        height,
        counts[0],
        counts[1],
        counts[2],
        spoken_date(days.first),
        spoken_date(days.last)
    );
    for (std::size_t i = 0; i < weekdays.size(); ++i)
        out += fmt::format(
            R"(<text class="axis" x="0" y="{}">{}</text>)", top + static_cast<int>(i) * day_height + 19, weekdays[i]
        );
    std::optional<std::chrono::month> shown;
    for (const auto& [monday, at] : column) {
        // The month that most of the week lies in, over its first column.
        const std::chrono::year_month_day ymd(std::chrono::floor<std::chrono::days>(monday + std::chrono::days(2)));
        if (shown == ymd.month()) continue;
        shown = ymd.month();
        out += fmt::format(R"(<text class="axis" x="{}" y="12">{}</text>)", at, month_name(ymd.month()).substr(0, 3));
    }
    return out + cells + "</svg>";
}

} // namespace rollbook
