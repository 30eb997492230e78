#pragma once

#include "daemon/base/error.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct zip;
struct zip_file;

namespace rollbook {

// The parts of an XLSX file (ECMA-376) that its sheets need. Everything is bounded by what is really unpacked, not by
// what the file claims.
class workbook {
public:
    // Does not take `file` over. Fails with page_malformed.
    static result<std::unique_ptr<workbook>> open(int file);
    ~workbook();
    workbook(const workbook&) = delete;
    workbook& operator=(const workbook&) = delete;

    // Looks up the sheet (empty: the first), the shared texts and the styles. Fails with page_malformed, or with
    // source_misconfigured when there is no such sheet.
    result<void> load(const std::string& sheet);

    // The next piece of the sheet's XML; empty at its end. Fails with page_malformed.
    result<std::string_view> read_sheet();

    // Nothing when there is no such text.
    const std::string* shared_text(std::uint64_t number) const;
    bool is_date_style(std::uint64_t style) const;
    // The number of a cell of date style as YYYY-MM-DD, or YYYY-MM-DDTHH:MM:SS where it has a time of day. Nothing for
    // what is no day after February 1900: below that the count of days has a known mistake.
    std::optional<std::string> date_text(double serial) const;

    static constexpr std::uint64_t part_bytes_max = 64 << 20; // of texts, styles and lists of parts, each
    static constexpr std::uint64_t sheet_bytes_max = std::uint64_t{1} << 30;

private:
    workbook() = default;
    result<std::string> read_part(const std::string& name, bool is_optional);
    result<void> read_styles();
    result<void> read_shared_texts();

    zip* archive_ = nullptr;
    zip_file* sheet_ = nullptr;
    std::uint64_t sheet_bytes_ = 0;
    std::string piece_;
    bool from_1904_ = false;
    std::vector<bool> date_styles_;
    std::vector<std::string> texts_;
};

} // namespace rollbook
