#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Figures of a table as inline SVG, beside that table. A picture is drawn from what the table says and from nothing
// else: what is not shown there is a gap here. Told apart by dashes and shapes, so that it reads in print and in grey.
namespace rollbook {

struct chart_series {
    std::string name;
    std::vector<std::optional<int>> hundredths; // one for each label; empty: the table does not say
};

struct chart {
    std::string id; // [a-z0-9-], once on the page
    std::string title;
    std::string unit; // after a number in words: " %"
    std::vector<std::string> labels;
    std::vector<chart_series> series;
    int scale_max = 0; // hundredths at the top of the scale; 0: as the figures ask for
    int width = 640, height = 220;
};

// The number of a cell: "12.34", "4.5", "7". Empty for anything else, such as "not shown" and "fewer than 5".
std::optional<int> hundredths_in(std::string_view cell);
// The top of a scale that holds every figure.
int scale_of(const std::vector<chart_series>& series);

// A line for each series, of at most four. Its text alternative tells of each where it begins and ends, the lowest and
// the highest.
std::string line_chart(const chart& of);
// Of the first series a bar for each label, every second one outlined. The text alternative tells every figure.
std::string bar_chart(const chart& of);

} // namespace rollbook
