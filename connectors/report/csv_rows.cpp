#include "connectors/report/headings.hpp"
#include "connectors/report/row_source.hpp"
#include "connectors/report/text_decoder.hpp"
#include "daemon/base/utf8.hpp"

#include <optional>

namespace rollbook {

namespace {

failure malformed_csv(std::string what, std::string to_do)
{
    return failure(errc::page_malformed, std::move(what), std::move(to_do));
}

// RFC 4180, and what programs really write: a byte order mark, any delimiter, LF, CRLF or CR, line ends inside quotes,
// an end without a line end.
class csv_rows final : public row_source {
public:
    csv_rows(byte_source& bytes, const report_form& form, const record_mapping& mapping)
        : decoder_(bytes, form.text), form_(form), mapping_(mapping)
    {
    }

    result<bool> next(table_row& into) override
    {
        if (!headings_)
            if (result<bool> found = read_headings(); !found || !*found) return found;
        for (;;) {
            into.clear(mapping_.columns.size());
            begin_row();
            std::string cell;
            while (row_goes_on_) {
                const auto& places = headings_->places(cells_);
                const result<bool> read = read_cell(places.empty() ? nullptr : &cell);
                if (!read) return read.error();
                if (!*read) break;
                for (const std::size_t place : places)
                    take(cell, into.cells[place]);
            }
            if (cells_ == 0) return false;
            if (is_blank_) continue;
            if (cells_ < headings_->columns()) {
                if (at_end_)
                    return malformed_csv(
                        "the file ends inside a row",
                        "The export is not whole: export it again, or wait until it is copied."
                    );
                into.wrong = "the row has fewer cells than the heading row";
            }
            if (too_many_) into.wrong = "the row has more cells than the heading row";
            return true;
        }
    }

private:
    result<bool> read_headings()
    {
        std::vector<std::string> names;
        for (int row = 1; row <= form_.heading_row; ++row) {
            names.clear();
            begin_row();
            std::string cell;
            while (row_goes_on_) {
                const result<bool> read = read_cell(&cell);
                if (!read) return read.error();
                if (!*read) break;
                names.push_back(cell);
                if (names.size() > headings_max)
                    return malformed_csv(
                        "the heading row has more cells than any report", "Check the mapping's delimiter."
                    );
            }
            if (names.empty())
                return malformed_csv(
                    "the file has no heading row", "Export it again: even without rows it has its headings."
                );
        }
        const result<headings> found = headings::find(names, mapping_);
        if (!found) return found.error();
        headings_ = *found;
        return true;
    }

    void begin_row()
    {
        cells_ = 0;
        row_bytes_ = 0;
        row_goes_on_ = true;
        is_blank_ = true;
        too_many_ = false;
        at_end_ = false;
    }

    // The next character; nothing at the end.
    result<std::optional<char>> character()
    {
        while (at_ == piece_.size()) {
            piece_.clear();
            at_ = 0;
            const result<bool> more = decoder_.read(piece_);
            if (!more) return more.error();
            if (!*more) return std::optional<char>();
        }
        if (++row_bytes_ > row_bytes_max)
            return malformed_csv(
                "a row is longer than 8 MiB", "A quotation mark is not closed: export the file again."
            );
        return std::optional<char>(piece_[at_++]);
    }

    // Reads one cell into `into`, if anything is to be kept; false when the file ended before it.
    result<bool> read_cell(std::string* into)
    {
        if (into) into->clear();
        bool quoted = false;
        bool was_quoted = false;
        bool any = false;
        for (;;) {
            const auto got = character();
            if (!got) return got.error();
            if (!*got) {
                if (quoted)
                    return malformed_csv(
                        "the file ends inside a row",
                        "The export is not whole: export it again, or wait until it is copied."
                    );
                row_goes_on_ = false;
                at_end_ = true;
                if (!any && !was_quoted && cells_ == 0) return false;
                return end_cell(any || was_quoted);
            }
            const char c = **got;
            if (quoted) {
                if (c != '"') {
                    if (c != '\r' && c != '\n' && c != ' ') any = true;
                    keep(into, c);
                    continue;
                }
                const auto after = character();
                if (!after) return after.error();
                if (*after && **after == '"') {
                    any = true;
                    keep(into, '"');
                    continue;
                }
                quoted = false;
                if (*after) --at_;
                continue;
            }
            if (c == '"' && !any && !was_quoted) {
                quoted = was_quoted = true;
                continue;
            }
            if (c == form_.delimiter) return end_cell(any);
            if (c == '\n' || c == '\r') {
                row_goes_on_ = false;
                if (c == '\r') {
                    const auto after = character();
                    if (!after) return after.error();
                    if (*after && **after != '\n') --at_;
                }
                return end_cell(any);
            }
            any = true;
            keep(into, c);
        }
    }

    result<bool> end_cell(bool any)
    {
        if (any) is_blank_ = false;
        if (row_goes_on_ && cells_ == 0) is_blank_ = false; // ",,," is a row, if an empty one
        ++cells_;
        if (headings_ && any && cells_ > headings_->columns()) too_many_ = true;
        return true;
    }

    static void keep(std::string* into, char c)
    {
        // One more than the limit, to be seen by take().
        if (into && into->size() <= cell_bytes_max) into->push_back(c);
    }

    static void take(const std::string& cell, table_cell& into)
    {
        if (cell.size() > cell_bytes_max)
            into.wrong = "is longer than 64 KiB";
        else if (cell.find('\0') != cell.npos)
            into.wrong = "holds a NUL byte";
        else if (!is_valid_utf8(cell))
            into.wrong = "is not text in the encoding that the mapping names";
        else
            into.text = cell;
    }

    text_decoder decoder_;
    const report_form& form_;
    const record_mapping& mapping_;
    std::optional<headings> headings_;
    std::string piece_;
    std::size_t at_ = 0;
    std::size_t row_bytes_ = 0;
    std::size_t cells_ = 0;
    bool row_goes_on_ = true;
    bool is_blank_ = true;
    bool too_many_ = false;
    bool at_end_ = false; // the row ended because the file did
};

} // namespace

std::unique_ptr<row_source> make_csv_rows(byte_source& bytes, const report_form& form, const record_mapping& mapping)
{
    return std::make_unique<csv_rows>(bytes, form, mapping);
}

} // namespace rollbook
