#include "daemon/web/charts.hpp"

#include "daemon/base/html.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rollbook {
namespace {

constexpr int chart_left = 34, chart_right = 10, chart_bottom = 32, label_width = 44;

std::string number_text(int hundredths)
{
    const std::string text = fmt::format("{}.{:02}", hundredths / 100, hundredths % 100);
    return text.ends_with("00")  ? text.substr(0, text.size() - 3)
           : text.ends_with('0') ? text.substr(0, text.size() - 1)
                                 : text;
}

// Where on the picture a figure and a place lie.
struct plane {
    const chart& of;
    int top = 10;
    int scale = 0;
    plane(const chart& c, int legend)
        : of(c), top(10 + legend), scale(c.scale_max > 0 ? c.scale_max : scale_of(c.series))
    {
    }
    int bottom() const { return of.height - chart_bottom; }
    double step() const
    {
        return double(of.width - chart_left - chart_right) / double(std::max<std::size_t>(of.labels.size(), 1));
    }
    double x(std::size_t place) const { return chart_left + (double(place) + 0.5) * step(); }
    double y(int hundredths) const { return bottom() - double(hundredths) * (bottom() - top) / scale; }
};

std::string begin_svg(const chart& of, const std::string& words)
{
    return fmt::format(
        R"(<svg class="chart" role="img" aria-labelledby="{0}-title {0}-words" viewBox="0 0 {1} {2}" width="{1}" height="{2}">)"
        R"(<title id="{0}-title">{3}</title><desc id="{0}-words">{4} The table says the same.</desc>)",
        of.id,
        of.width,
        of.height,
        html_escaped(of.title),
        html_escaped(words)
    );
}

// Lines across with their numbers, and the labels below, in two lines where they have two words; as many as there is
// room for.
std::string axes(const plane& on)
{
    std::string out;
    for (int part = 0; part <= 4; part += on.of.height < 150 ? 2 : 1) {
        const int value = on.scale * part / 4;
        out += fmt::format(
            R"(<line class="grid" x1="{}" y1="{:.1f}" x2="{}" y2="{:.1f}"/><text class="n" x="{}" y="{:.1f}">{}</text>)",
            chart_left,
            on.y(value),
            on.of.width - chart_right,
            on.y(value),
            chart_left - 5,
            on.y(value) + 4,
            number_text(value)
        );
    }
    const std::size_t every =
        std::max<std::size_t>(1, static_cast<std::size_t>(label_width / std::max(on.step(), 1.0)));
    const std::size_t all = on.of.labels.size();
    for (std::size_t i = 0; i < all; ++i) {
        if (on.step() < 24 && i % (every + 1) != 0) continue;
        const std::string& label = on.of.labels[i];
        const std::size_t gap = label.rfind(' ');
        const std::string first = label.substr(0, gap);
        out += fmt::format(R"(<text x="{:.1f}" y="{}">{}</text>)", on.x(i), on.bottom() + 13, html_escaped(first));
        if (gap != label.npos)
            out += fmt::format(
                R"(<text x="{:.1f}" y="{}">{}</text>)", on.x(i), on.bottom() + 25, html_escaped(label.substr(gap + 1))
            );
    }
    return out;
}

std::string shape(std::size_t series, double x, double y)
{
    switch (series % 4) {
    case 0: return fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="3"/>)", x, y);
    case 1: return fmt::format(R"(<rect x="{:.1f}" y="{:.1f}" width="6" height="6"/>)", x - 3, y - 3);
    case 2: return fmt::format(R"(<path d="M{:.1f} {:.1f}l4 7h-8z"/>)", x, y - 4);
    default: return fmt::format(R"(<path d="M{:.1f} {:.1f}l4 4l-4 4l-4 -4z"/>)", x, y - 4);
    }
}

std::string words_of(const chart& of, const chart_series& each)
{
    std::optional<std::size_t> first, last, low, high;
    for (std::size_t i = 0; i < each.hundredths.size(); ++i) {
        if (!each.hundredths[i]) continue;
        if (!first) first = low = high = i;
        last = i;
        if (*each.hundredths[i] < *each.hundredths[*low]) low = i;
        if (*each.hundredths[i] > *each.hundredths[*high]) high = i;
    }
    if (!first) return each.name + ": nothing is shown. ";
    const auto at = [&](std::size_t i) {
        return fmt::format("{}{} ({})", number_text(*each.hundredths[i]), of.unit, of.labels[i]);
    };
    return fmt::format(
        "{}: from {} to {}, lowest {}, highest {}. ", each.name, at(*first), at(*last), at(*low), at(*high)
    );
}

} // namespace

std::optional<int> hundredths_in(std::string_view cell)
{
    const std::size_t point = cell.find('.');
    const std::string_view whole = cell.substr(0, point);
    std::string_view part = point == cell.npos ? std::string_view() : cell.substr(point + 1);
    const auto is_digits = [](std::string_view text) {
        return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    };
    if (whole.empty() || whole.size() > 6 || part.size() > 2 || !is_digits(whole) || !is_digits(part))
        return std::nullopt;
    int value = 0;
    for (const char c : whole)
        value = value * 10 + (c - '0');
    for (std::size_t i = 0; i < 2; ++i)
        value = value * 10 + (i < part.size() ? part[i] - '0' : 0);
    return value;
}

int scale_of(const std::vector<chart_series>& series)
{
    int highest = 0;
    for (const chart_series& each : series)
        for (const std::optional<int>& value : each.hundredths)
            highest = std::max(highest, value.value_or(0));
    for (int scale = 400;; scale *= 10)
        for (const int times : {1, 2, 5})
            if (highest <= scale * times) return scale * times;
}

std::string line_chart(const chart& of)
{
    const plane on(of, of.series.size() > 1 ? 20 : 0);
    std::string words, lines;
    for (std::size_t s = 0; s < of.series.size(); ++s) {
        const chart_series& each = of.series[s];
        words += words_of(of, each);
        std::string path, shapes;
        bool is_after_gap = true;
        for (std::size_t i = 0; i < each.hundredths.size(); ++i) {
            if (!each.hundredths[i]) {
                is_after_gap = true;
                continue;
            }
            const double y = on.y(*each.hundredths[i]);
            path += fmt::format("{}{:.1f} {:.1f}", std::exchange(is_after_gap, false) ? 'M' : 'L', on.x(i), y);
            shapes += shape(s, on.x(i), y);
        }
        std::string legend;
        if (of.series.size() > 1) {
            const int x =
                chart_left + static_cast<int>(s) * (of.width - chart_left) / static_cast<int>(of.series.size());
            legend = fmt::format(
                R"(<path class="run" d="M{} 9h28"/>{}<text class="of" x="{}" y="13">{}</text>)",
                x,
                shape(s, x + 14, 9),
                x + 34,
                html_escaped(each.name)
            );
        }
        lines += fmt::format(R"(<g class="line s{}"><path class="run" d="{}"/>{}{}</g>)", s % 4, path, shapes, legend);
    }
    return begin_svg(of, words) + axes(on) + lines + "</svg>";
}

std::string bar_chart(const chart& of)
{
    const plane on(of, 0);
    std::string words, bars;
    if (!of.series.empty())
        for (std::size_t i = 0; i < of.labels.size(); ++i) {
            const std::optional<int> value = of.series.front().hundredths[i];
            words += fmt::format("{}: {}. ", of.labels[i], value ? number_text(*value) + of.unit : "not shown");
            if (!value) continue;
            bars += fmt::format(
                R"(<rect class="bar{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>)",
                i % 2 == 0 ? "" : " odd",
                on.x(i) - on.step() * 0.36,
                on.y(*value),
                on.step() * 0.72,
                on.bottom() - on.y(*value)
            );
        }
    return begin_svg(of, words) + axes(on) + bars + "</svg>";
}

} // namespace rollbook
