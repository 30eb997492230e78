#include "daemon/base/ascii.hpp"
#include "daemon/base/utf8.hpp"
#include "daemon/config/sections.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace rollbook {
namespace {

constexpr std::size_t rows_max = 10'000;
constexpr std::size_t list_bytes_max = 1 << 20;
constexpr std::string_view blanks = " \t\r";
constexpr std::string_view form = "pupil,reason,tell,review, of which only pupil and reason must be filled";

std::vector<std::string> cells_of(std::string_view line)
{
    std::vector<std::string> cells;
    for (;;) {
        const std::size_t comma = line.find(',');
        cells.emplace_back(trimmed(line.substr(0, comma), blanks));
        if (comma == std::string_view::npos) return cells;
        line.remove_prefix(comma + 1);
    }
}

} // namespace

// What is wrong is said by line and column heading; what stands in the file is about children and is not repeated.
std::vector<watched_pupil> read_watch_list(const std::filesystem::path& file, findings_of_load& into)
{
    std::vector<watched_pupil> found;
    problem_list problems(file, into);
    std::ifstream file_in(file, std::ios::binary);
    std::string text(list_bytes_max + 1, '\0');
    file_in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file_in.gcount()));
    if (text.size() > list_bytes_max) {
        problems.add(0, {}, "is larger than 1 MiB", "a shorter list");
        return found;
    }
    std::istringstream in(std::move(text));
    std::string line;
    if (!std::getline(in, line)) {
        problems.add(0, {}, "cannot be read, or is empty", "a CSV file with the headings " + std::string(form));
        return found;
    }
    if (line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
    if (cells_of(line) != std::vector<std::string>{"pupil", "reason", "tell", "review"}) {
        problems.add(1, {}, "the headings are others", std::string(form));
        return found;
    }
    for (int number = 2; std::getline(in, line); ++number) {
        if (trimmed(line, blanks).empty()) continue;
        if (!is_valid_utf8(line)) {
            problems.add(number, {}, "is not UTF-8", "a CSV file saved as UTF-8");
            continue;
        }
        std::vector<std::string> cells = cells_of(line);
        if (line.find('"') != std::string::npos || cells.size() != 4 || cells[0].empty() || cells[1].empty()) {
            problems.add(
                number, {}, "is no row of this list", "four cells without quotation marks: " + std::string(form)
            );
            continue;
        }
        const std::optional<civil_day> review = parse_day(cells[3]);
        if (!cells[3].empty() && !review) problems.add(number, "review", "is no date", "a date such as 2026-12-18");
        const auto same = [&](const watched_pupil& each) { return each.pupil == cells[0]; };
        if (std::ranges::any_of(found, same))
            problems.add(number, "pupil", "is named in a line above too", "each pupil once");
        if (found.size() == rows_max) {
            problems.add(number, {}, "has more than 10,000 rows", "a shorter list");
            break;
        }
        found.push_back({std::move(cells[0]), std::move(cells[1]), std::move(cells[2]), review});
    }
    return found;
}

} // namespace rollbook
