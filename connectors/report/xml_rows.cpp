#include "connectors/report/row_source.hpp"
#include "connectors/report/xml_reader.hpp"

#include <algorithm>
#include <deque>
#include <map>

namespace rollbook {

namespace {

constexpr std::size_t xml_piece_bytes = 16 * 1024;

// Collects the elements that are rows. A column is a path from there: "UPN", "Reg/Name", "@Id", or "." for the
// element's own text.
class row_collector final : public xml_events {
public:
    row_collector(const report_form& form, const record_mapping& mapping) : mapping_(mapping), row_path_(form.row)
    {
        if (row_path_.starts_with('/')) row_path_.erase(0, 1);
        for (std::size_t place = 0; place < mapping.columns.size(); ++place)
            places_[mapping.columns[place].from].push_back(place);
        met_.resize(mapping.columns.size());
    }

    void start(std::string_view name, const attributes& with) override
    {
        finish_text();
        lengths_.push_back(path_.size());
        if (!path_.empty()) path_ += '/';
        path_ += name;
        if (!in_row_ && path_ == row_path_) {
            in_row_ = true;
            row_bytes_ = 0;
            row_.clear(mapping_.columns.size());
            given_.assign(mapping_.columns.size(), false);
        }
        if (!in_row_) return;
        count(name.size());
        for (const auto& [key, value] : with) {
            count(value.size());
            const std::string inside = relative();
            take(inside.empty() ? "@" + std::string(key) : inside + "/@" + std::string(key), value);
        }
        begin_text();
    }

    void text(std::string_view text) override
    {
        if (!in_row_) return;
        count(text.size());
        if (wanted_ && text_.size() <= cell_bytes_max) text_.append(text);
    }

    void end(std::string_view) override
    {
        finish_text();
        if (in_row_ && path_ == row_path_) {
            in_row_ = false;
            rows.push_back(std::move(row_));
            row_ = {};
            any_row = true;
        }
        path_.resize(lengths_.back());
        lengths_.pop_back();
    }

    // A column that no row had; null: each was there.
    const mapped_column* never_met() const
    {
        for (std::size_t i = 0; i < met_.size(); ++i)
            if (!met_[i] && !mapping_.columns[i].is_optional) return &mapping_.columns[i];
        return nullptr;
    }

    std::deque<table_row> rows;
    bool any_row = false;

private:
    std::string relative() const
    {
        return path_.size() > row_path_.size() ? path_.substr(row_path_.size() + 1) : std::string();
    }

    void count(std::size_t bytes)
    {
        row_bytes_ += bytes + 1;
        if (row_bytes_ > row_bytes_max) stop = "a row is longer than 8 MiB";
    }

    // Only of an element that is meant is the text kept.
    void begin_text()
    {
        const std::string inside = relative();
        text_of_ = inside.empty() ? "." : inside;
        wanted_ = places_.find(text_of_) != places_.end();
        text_.clear();
    }

    // An element's text ends where its first child begins.
    void finish_text()
    {
        if (in_row_ && wanted_) take(text_of_, text_);
        wanted_ = false;
    }

    void take(const std::string& path, std::string_view value)
    {
        const auto at = places_.find(path);
        if (at == places_.end()) return;
        for (const std::size_t place : at->second) {
            table_cell& cell = row_.cells[place];
            const mapped_column& column = mapping_.columns[place];
            met_[place] = true;
            if (given_[place] && column.split == 0)
                cell.wrong = "stands there more than once";
            else if (value.size() > cell_bytes_max || cell.text.size() > cell_bytes_max)
                cell.wrong = "is longer than 64 KiB";
            else if (given_[place])
                cell.text.append(1, column.split).append(value);
            else
                cell.text = value;
            given_[place] = true;
        }
    }

    const record_mapping& mapping_;
    std::string row_path_;
    std::map<std::string, std::vector<std::size_t>, std::less<>> places_;
    std::string path_;
    std::vector<std::size_t> lengths_; // of path_, before each open element
    bool in_row_ = false;
    std::size_t row_bytes_ = 0;
    table_row row_;
    std::vector<bool> given_; // in this row
    std::vector<bool> met_;   // in any row
    std::string text_of_;
    std::string text_;
    bool wanted_ = false;
};

class xml_rows final : public row_source {
public:
    xml_rows(byte_source& bytes, const report_form& form, const record_mapping& mapping)
        : bytes_(bytes), collected_(form, mapping), reader_(collected_)
    {
    }

    result<bool> next(table_row& into) override
    {
        while (collected_.rows.empty() && !ended_) {
            std::string piece(xml_piece_bytes, '\0');
            const result<std::size_t> got = bytes_.read(piece);
            if (!got) return got.error();
            ended_ = *got == 0;
            const result<void> fed = reader_.feed(std::string_view(piece.data(), *got), ended_);
            if (!fed) return fed.error();
        }
        if (collected_.rows.empty()) return end();
        into = std::move(collected_.rows.front());
        collected_.rows.pop_front();
        return true;
    }

private:
    // An element that is empty may be left out of a row, but not of all.
    result<bool> end()
    {
        const mapped_column* missing = collected_.any_row ? collected_.never_met() : nullptr;
        if (!missing) return false;
        return failure(
            errc::source_misconfigured,
            "no row of the file has \"" + missing->from + "\"",
            "The report was changed, or is another one: correct [columns] in the mapping, or say optional = true there."
        );
    }

    byte_source& bytes_;
    row_collector collected_;
    xml_reader reader_;
    bool ended_ = false;
};

} // namespace

std::unique_ptr<row_source> make_xml_rows(byte_source& bytes, const report_form& form, const record_mapping& mapping)
{
    return std::make_unique<xml_rows>(bytes, form, mapping);
}

} // namespace rollbook
