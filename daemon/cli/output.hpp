#pragma once

#include "daemon/views/text.hpp"

#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// Columns under headings for people. Rows are written in blocks, so that a long list streams; the widths of a block are
// at least those of the block before it.
class text_table {
public:
    // A heading that begins with '>' aligns its column to the right.
    text_table(std::ostream& out, std::vector<std::string_view> headings);
    void row(std::vector<std::string> cells);
    // Writes what is left. Nothing at all is written for a table without rows.
    void end();
    std::uint64_t rows() const { return rows_; }

private:
    void write(const std::vector<std::string>& cells);

    std::ostream& out_;
    std::vector<std::string> headings_;
    std::vector<bool> right_;
    std::vector<std::size_t> widths_;
    std::vector<std::vector<std::string>> waiting_;
    std::uint64_t rows_ = 0;
    bool begun_ = false;
};

// One JSON array, an element a line, written as it is made.
class json_list {
public:
    explicit json_list(std::ostream& out) : out_(out) {}

    // Calls write(json_writer&), which must write one whole value.
    template <class F> void item(F&& write)
    {
        buffer_ += any_ ? ",\n" : "[\n";
        any_ = true;
        json_writer writer(buffer_);
        write(writer);
        if (buffer_.size() >= buffer_bytes) flush();
    }
    void end();

private:
    static constexpr std::size_t buffer_bytes = 64 * 1024;
    void flush();

    std::ostream& out_;
    std::string buffer_;
    bool any_ = false;
};

// Writes one JSON value and a line end: write(json_writer&).
template <class Stream, class F> void print_json(Stream& out, F&& write)
{
    std::string text;
    json_writer writer(text);
    write(writer);
    out << text << '\n';
}

// Rows in order of id, whatever order they come in: those after `after`, at most `limit` (0: all).
template <class T> class id_page {
public:
    id_page(std::optional<std::uint64_t> after, std::uint64_t limit) : after_(after), limit_(limit) {}

    void put(std::uint64_t id, T row)
    {
        if (after_ && id <= *after_) return;
        rows_.insert_or_assign(id, std::move(row));
        if (limit_ == 0 || rows_.size() <= limit_) return;
        rows_.erase(std::prev(rows_.end()));
        is_cut_ = true;
    }
    const std::map<std::uint64_t, T>& rows() const { return rows_; }
    bool is_cut() const { return is_cut_; } // there are more after the last

private:
    std::optional<std::uint64_t> after_;
    std::uint64_t limit_;
    std::map<std::uint64_t, T> rows_;
    bool is_cut_ = false;
};

// Says on the error stream that a list was cut, and how to go on.
void print_cut(std::ostream& err, std::uint64_t shown, std::uint64_t last);

// One line on a terminal that is written over and over, and cleared at the end.
class progress_line {
public:
    progress_line(std::ostream& err, bool shown) : err_(err), shown_(shown) {}
    progress_line(const progress_line&) = delete;
    progress_line& operator=(const progress_line&) = delete;
    ~progress_line();
    void show(std::string_view text);

private:
    std::ostream& err_;
    bool shown_;
    bool any_ = false;
};

} // namespace rollbook
