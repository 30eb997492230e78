#include "daemon/cli/output.hpp"

#include <algorithm>
#include <array>
#include <ostream>

namespace rollbook {
namespace {

constexpr std::size_t block_rows = 1000;
constexpr std::string_view column_gap = "  ";

// Characters, as far as a terminal counts them: UTF-8 bytes that do not continue one.
std::size_t width_of(std::string_view text)
{
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

} // namespace

text_table::text_table(std::ostream& out, std::vector<std::string_view> headings) : out_(out)
{
    for (std::string_view heading : headings) {
        right_.push_back(heading.starts_with('>'));
        if (right_.back()) heading.remove_prefix(1);
        headings_.emplace_back(heading);
        widths_.push_back(width_of(heading));
    }
}

void text_table::row(std::vector<std::string> cells)
{
    cells.resize(headings_.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
        cells[i] = plain(cells[i]);
        widths_[i] = std::max(widths_[i], width_of(cells[i]));
    }
    waiting_.push_back(std::move(cells));
    ++rows_;
    if (waiting_.size() >= block_rows) end();
}

void text_table::end()
{
    if (!begun_ && !waiting_.empty()) write(headings_);
    begun_ = begun_ || !waiting_.empty();
    for (const std::vector<std::string>& cells : waiting_)
        write(cells);
    waiting_.clear();
}

void text_table::write(const std::vector<std::string>& cells)
{
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string filling(widths_[i] - width_of(cells[i]), ' ');
        if (i > 0) line += column_gap;
        line += right_[i] ? filling + cells[i] : cells[i] + filling;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out_ << line << '\n';
}

void json_list::end()
{
    buffer_ += any_ ? "\n]\n" : "[]\n";
    flush();
}

void json_list::flush()
{
    out_ << buffer_;
    buffer_.clear();
}

void print_cut(std::ostream& err, std::uint64_t shown, std::uint64_t last)
{
    err << "Only the first " << grouped(static_cast<std::int64_t>(shown)) << " are shown.\nGo on with --after " << last
        << ", or take all with --limit 0.\n";
}

progress_line::~progress_line()
{
    if (any_) err_ << "\r\x1b[K" << std::flush;
}

void progress_line::show(std::string_view text)
{
    if (!shown_) return;
    any_ = true;
    err_ << "\r\x1b[K" << plain(text) << std::flush;
}

} // namespace rollbook
