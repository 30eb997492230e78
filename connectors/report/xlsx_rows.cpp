#include "connectors/report/headings.hpp"
#include "connectors/report/row_source.hpp"
#include "connectors/report/workbook.hpp"
#include "connectors/report/xml_reader.hpp"
#include "daemon/base/bytes.hpp"

#include <charconv>
#include <cmath>
#include <deque>
#include <optional>

namespace rollbook {

namespace {

constexpr std::size_t sheet_columns_max = 16'384; // of the format itself
constexpr double exact_max = 1e15;                // a spreadsheet keeps 15 figures

// "BC12" -> 54; nothing for what is no such place.
std::optional<std::size_t> column_at(std::string_view place)
{
    std::size_t column = 0;
    std::size_t letters = 0;
    for (; letters < place.size() && place[letters] >= 'A' && place[letters] <= 'Z' && letters < 3; ++letters)
        column = column * 26 + static_cast<std::size_t>(place[letters] - 'A' + 1);
    if (letters == 0 || column > sheet_columns_max) return std::nullopt;
    return column - 1;
}

class sheet_collector final : public xml_events {
public:
    sheet_collector(const workbook& book, const report_form& form, const record_mapping& mapping)
        : book_(book), mapping_(mapping), heading_row_(static_cast<std::uint64_t>(form.heading_row))
    {
    }

    void start(std::string_view name, const attributes& with) override
    {
        if (name == "row") {
            begin_row(with);
        } else if (name == "c" && in_row_) {
            begin_cell(with);
        } else if (name == "rPh") {
            ++spoken_;
        } else if (in_cell_ && spoken_ == 0 && (name == "v" || name == "t")) {
            in_value_ = true;
        }
    }

    void text(std::string_view text) override
    {
        if (in_row_ && (row_bytes_ += text.size()) > row_bytes_max) stop = "a row is longer than 8 MiB";
        if (in_value_ && value_.size() <= cell_bytes_max) value_.append(text);
    }

    void end(std::string_view name) override
    {
        if (name == "v" || name == "t") in_value_ = false;
        if (name == "rPh" && spoken_ > 0) --spoken_;
        if (name == "c" && in_cell_) {
            in_cell_ = false;
            end_cell();
        }
        if (name == "row" && in_row_) {
            in_row_ = false;
            end_row();
        }
    }

    std::optional<headings> columns;
    std::optional<failure> why; // of the headings
    std::deque<table_row> rows;

private:
    void begin_row(const attributes& with)
    {
        in_row_ = true;
        ++row_number_;
        for (const auto& [key, value] : with)
            if (key == "r") row_number_ = parse_decimal(value).value_or(row_number_);
        row_bytes_ = 0;
        next_column_ = 0;
        any_ = false;
        names_.clear();
        row_.clear(mapping_.columns.size());
    }

    void begin_cell(const attributes& with)
    {
        in_cell_ = true;
        column_ = next_column_;
        type_.clear();
        style_ = 0;
        value_.clear();
        for (const auto& [key, value] : with) {
            if (key == "r") {
                const auto column = column_at(value);
                if (column) column_ = *column;
            } else if (key == "t") {
                type_ = value;
            } else if (key == "s") {
                style_ = parse_decimal(value).value_or(0);
            }
        }
        next_column_ = column_ + 1;
        if (next_column_ > sheet_columns_max) stop = "a row has more cells than a sheet can have";
    }

    void end_cell()
    {
        if (row_number_ < heading_row_) return;
        table_cell cell = read_cell();
        if (cell.text.empty() && cell.wrong.empty()) return;
        any_ = true;
        if (!columns) {
            if (column_ >= headings_max) return;
            names_.resize(std::max(names_.size(), column_ + 1));
            names_[column_] = cell.text;
            return;
        }
        for (const std::size_t place : columns->places(column_))
            row_.cells[place] = cell;
    }

    void end_row()
    {
        if (row_number_ < heading_row_) return;
        if (!columns) {
            const auto found = headings::find(names_, mapping_);
            if (!found) {
                why = found.error();
                stop = "headings";
                return;
            }
            columns = *found;
            return;
        }
        if (any_) rows.push_back(std::move(row_));
        row_ = {};
    }

    table_cell read_cell() const
    {
        table_cell cell;
        if (value_.size() > cell_bytes_max) {
            cell.wrong = "is longer than 64 KiB";
        } else if (type_ == "s") {
            const auto number = parse_decimal(value_);
            const std::string* text = number ? book_.shared_text(*number) : nullptr;
            if (text && text->size() <= cell_bytes_max)
                cell.text = *text;
            else
                cell.wrong = text ? "is longer than 64 KiB" : "points to a text that the workbook does not have";
        } else if (type_ == "e") {
            cell.wrong = "is an error of the spreadsheet";
        } else if (type_ == "b") {
            cell.text = value_ == "1" ? "TRUE" : "FALSE";
        } else if (type_ == "d") {
            cell.text = value_;
            cell.is = table_cell::kind::date;
        } else if (type_ == "str" || type_ == "inlineStr") {
            cell.text = value_;
        } else if (!value_.empty()) {
            read_number(cell);
        }
        return cell;
    }

    void read_number(table_cell& cell) const
    {
        double number = 0;
        const auto [end, failed] = std::from_chars(value_.data(), value_.data() + value_.size(), number);
        if (failed != std::errc{} || end != value_.data() + value_.size() || !std::isfinite(number)) {
            cell.wrong = "is no number, though the spreadsheet says so";
            return;
        }
        if (book_.is_date_style(style_)) {
            const auto date = book_.date_text(number);
            if (!date) {
                cell.wrong = "is no day, though the spreadsheet shows it as one";
                return;
            }
            cell.text = *date;
            cell.is = table_cell::kind::date;
            return;
        }
        cell.is = table_cell::kind::number;
        const bool whole = std::abs(number) < exact_max && number == std::floor(number);
        cell.text = whole ? std::to_string(static_cast<std::int64_t>(number)) : value_;
    }

    const workbook& book_;
    const record_mapping& mapping_;
    const std::uint64_t heading_row_;
    std::vector<std::string> names_;
    table_row row_;
    std::uint64_t row_number_ = 0;
    std::size_t row_bytes_ = 0;
    std::size_t column_ = 0;
    std::size_t next_column_ = 0;
    std::string type_;
    std::uint64_t style_ = 0;
    std::string value_;
    int spoken_ = 0;
    bool in_row_ = false;
    bool in_cell_ = false;
    bool in_value_ = false;
    bool any_ = false;
};

class xlsx_rows final : public row_source {
public:
    xlsx_rows(std::unique_ptr<workbook> book, const report_form& form, const record_mapping& mapping)
        : book_(std::move(book)), collected_(*book_, form, mapping), reader_(collected_)
    {
    }

    result<bool> next(table_row& into) override
    {
        while (collected_.rows.empty() && !ended_) {
            const auto piece = book_->read_sheet();
            if (!piece) return piece.error();
            ended_ = piece->empty();
            const result<void> fed = reader_.feed(*piece, ended_);
            if (collected_.why) return *collected_.why;
            if (!fed) return fed.error();
        }
        if (!collected_.columns)
            return failure(
                errc::page_malformed,
                "the sheet has no heading row",
                "Export it again: even without rows it has its headings."
            );
        if (collected_.rows.empty()) return false;
        into = std::move(collected_.rows.front());
        collected_.rows.pop_front();
        return true;
    }

private:
    std::unique_ptr<workbook> book_;
    sheet_collector collected_;
    xml_reader reader_;
    bool ended_ = false;
};

} // namespace

result<std::unique_ptr<row_source>> make_xlsx_rows(int file, const report_form& form, const record_mapping& mapping)
{
    auto book = workbook::open(file);
    if (!book) return book.error();
    if (auto loaded = (*book)->load(form.sheet); !loaded) return loaded.error();
    return std::unique_ptr<row_source>(std::make_unique<xlsx_rows>(std::move(*book), form, mapping));
}

} // namespace rollbook
