#include "daemon/cli/output.hpp"

#include "daemon/base/spoken.hpp"

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

std::string two_digits(long number)
{
    std::string text = std::to_string(number);
    return text.size() < 2 ? "0" + text : text;
}

std::string time_of_day(local_instant at)
{
    const auto minutes = std::chrono::floor<std::chrono::minutes>(at - day_of(at)).count();
    return two_digits(minutes / 60) + ":" + two_digits(minutes % 60);
}

} // namespace

std::string plain(std::string_view text)
{
    std::string clean;
    clean.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const bool is_c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
        clean.push_back(byte < 0x20 || byte == 0x7F || is_c1 ? '?' : text[i]);
        if (is_c1) ++i;
    }
    return clean;
}

std::string grouped(std::int64_t number)
{
    std::string text = std::to_string(number);
    const std::size_t first = number < 0 ? 1 : 0;
    for (std::size_t at = text.size(); at > first + 3;) {
        at -= 3;
        text.insert(at, 1, ',');
    }
    return text;
}

std::string clock_text(instant at, const time_zone& zone)
{
    const local_instant local = zone.to_local(at);
    return format_day(day_of(local)) + " " + time_of_day(local);
}

std::string clock_text(const std::optional<instant>& at, const time_zone& zone)
{
    return at ? clock_text(*at, zone) : "-";
}

std::string long_clock_text(instant at, const time_zone& zone)
{
    const local_instant local = zone.to_local(at);
    return spoken_date(day_of(local)) + " at " + time_of_day(local);
}

std::string age_text(std::chrono::milliseconds age)
{
    using namespace std::chrono;
    // A source's clock may be ahead of ours.
    age = std::max(age, milliseconds(0));
    if (age < hours(1)) return std::to_string(duration_cast<minutes>(age).count()) + " min";
    if (age < days(2)) return std::to_string(duration_cast<hours>(age).count()) + " h";
    return std::to_string(duration_cast<days>(age).count()) + " days";
}

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

void write_instant(json_writer& out, std::string_view key, const std::optional<instant>& at)
{
    out.key(key);
    if (at)
        out.value(format_instant(*at));
    else
        out.null();
}

void write_day(json_writer& out, std::string_view key, const std::optional<civil_day>& day)
{
    out.key(key);
    if (day)
        out.value(format_day(*day));
    else
        out.null();
}

void write_text_or_null(json_writer& out, std::string_view key, std::string_view text)
{
    out.key(key);
    if (text.empty())
        out.null();
    else
        out.value(text);
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
