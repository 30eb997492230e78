#include "daemon/reports/report.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sys/mman.h>
#include <unistd.h>
#include <xlsxwriter.h>

namespace rollbook {
namespace {

failure_error no_workbook(std::string why)
{
    return failure_error(failure(
        errc::usage, "the report cannot be made as XLSX: " + std::move(why), "Ask for it as CSV, or for fewer days."
    ));
}

void check(lxw_error said)
{
    if (said != LXW_NO_ERROR) throw no_workbook(lxw_strerror(said));
}

// A file in memory: the library writes to a path only, and a report is nobody's file yet.
class memory_file {
public:
    memory_file() : descriptor_(::memfd_create("report", MFD_CLOEXEC))
    {
        if (descriptor_ < 0) throw no_workbook("there is no memory for it");
    }
    ~memory_file() { ::close(descriptor_); }
    memory_file(const memory_file&) = delete;
    memory_file& operator=(const memory_file&) = delete;

    std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }
    std::string bytes() const
    {
        std::string all(static_cast<std::size_t>(std::max<off_t>(::lseek(descriptor_, 0, SEEK_END), 0)), '\0');
        for (std::size_t at = 0; at < all.size();) {
            const ssize_t got = ::pread(descriptor_, all.data() + at, all.size() - at, static_cast<off_t>(at));
            if (got <= 0) throw no_workbook("it cannot be read back");
            at += static_cast<std::size_t>(got);
        }
        return all;
    }

private:
    int descriptor_;
};

struct workbook_closer {
    void operator()(lxw_workbook* book) const { lxw_workbook_free(book); }
};

std::optional<double> number_in(const std::string& text)
{
    double value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool is_whole = failed == std::errc() && end == text.data() + text.size() && std::isfinite(value);
    return is_whole ? std::optional(value) : std::nullopt;
}

// One row for the headings and one for each of the report's; a text is a text, whatever a spreadsheet might take it
// for.
void write_table(lxw_worksheet* sheet, const report_table& of, lxw_format* bold)
{
    constexpr std::size_t widest = 60;
    const auto last = static_cast<lxw_col_t>(of.columns.size() - 1);
    for (lxw_col_t i = 0; i <= last; ++i) {
        const report_column& column = of.columns[i];
        std::size_t width = column.heading.size() + 3; // and the filter's button
        check(worksheet_write_string(sheet, 0, i, column.heading.c_str(), bold));
        for (std::size_t r = 0; r < of.rows.size(); ++r) {
            const std::string& cell = of.rows[r][i];
            const auto row = static_cast<lxw_row_t>(r + 1);
            const auto number = column.is_number ? number_in(cell) : std::nullopt;
            if (number)
                check(worksheet_write_number(sheet, row, i, *number, nullptr));
            else if (!cell.empty())
                check(worksheet_write_string(sheet, row, i, cell.c_str(), nullptr));
            width = std::max(width, cell.size() + 1);
        }
        check(worksheet_set_column(sheet, i, i, static_cast<double>(std::min(width, widest)), nullptr));
    }
    worksheet_freeze_panes(sheet, 1, 0);
    check(worksheet_autofilter(sheet, 0, 0, static_cast<lxw_row_t>(of.rows.size()), last));
}

void write_about(lxw_worksheet* sheet, const report& of, std::string_view made_for, lxw_format* bold)
{
    check(worksheet_write_string(sheet, 0, 0, of.title.c_str(), bold));
    check(worksheet_write_string(sheet, 1, 0, std::string(made_for).c_str(), nullptr));
    lxw_row_t row = 2;
    for (const std::string& note : of.notes)
        check(worksheet_write_string(sheet, row++, 0, note.c_str(), nullptr));
    for (std::size_t i = 0; i < of.more.size(); ++i) {
        const std::string line = "Table " + std::to_string(i + 2) + ": " + of.more[i].title;
        check(worksheet_write_string(sheet, row++, 0, line.c_str(), nullptr));
    }
}

} // namespace

std::string as_xlsx(const report& of, std::string_view made_for, instant at)
{
    const memory_file file;
    std::unique_ptr<lxw_workbook, workbook_closer> book(workbook_new(file.path().c_str()));
    if (!book) throw no_workbook("there is no memory for it");
    lxw_doc_properties about{};
    std::string title = of.title;
    about.title = title.data();
    about.created = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
    check(workbook_set_properties(book.get(), &about));
    lxw_format* bold = workbook_add_format(book.get());
    format_set_bold(bold);
    int number = 0;
    for (const report_table& table : of.tables()) {
        const std::string name = number == 0 ? "Report" : "Table " + std::to_string(number + 1);
        write_table(workbook_add_worksheet(book.get(), name.c_str()), table, bold);
        ++number;
    }
    write_about(workbook_add_worksheet(book.get(), "About"), of, made_for, bold);
    check(workbook_close(book.release()));
    return file.bytes();
}

} // namespace rollbook
