#pragma once

#include "connectors/mapping/table_row.hpp"
#include "daemon/base/error.hpp"
#include "daemon/ports/record_mapping.hpp"

#include <cstddef>
#include <memory>
#include <span>

namespace rollbook {

// Where the bytes of a file come from, from its beginning to its end.
class byte_source {
public:
    virtual ~byte_source() = default;
    // How many bytes were put into `into`; 0 at the end. Fails with source_unreachable.
    virtual result<std::size_t> read(std::span<char> into) = 0;
};

// The rows of one report file, one after the other. Holds one row and one piece of the file at a time.
class row_source {
public:
    virtual ~row_source() = default;
    // The next row's mapped cells; false at the end of a file that is whole. Fails with page_malformed when the file
    // ends inside a row, is not what it should be or passes a limit, and with source_misconfigured when it lacks a
    // heading that the mapping names.
    virtual result<bool> next(table_row& into) = 0;
};

// No cell that is mapped may be longer, and no row as a whole.
inline constexpr std::size_t cell_bytes_max = 64 * 1024;
inline constexpr std::size_t row_bytes_max = 8 * 1024 * 1024;

// `bytes`, `form` and `mapping` must outlive what is made.
std::unique_ptr<row_source> make_csv_rows(byte_source& bytes, const report_form& form, const record_mapping& mapping);
std::unique_ptr<row_source> make_xml_rows(byte_source& bytes, const report_form& form, const record_mapping& mapping);
// The file behind `file` (open for reading, at any place; not closed) must be a workbook. Fails as next() does.
result<std::unique_ptr<row_source>> make_xlsx_rows(int file, const report_form& form, const record_mapping& mapping);

} // namespace rollbook
