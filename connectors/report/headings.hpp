#pragma once

#include "daemon/base/error.hpp"
#include "daemon/ports/record_mapping.hpp"

#include <optional>
#include <string>
#include <vector>

namespace rollbook {

// Which columns of a file a mapping names.
class headings {
public:
    // From the file's heading row. Fails with source_misconfigured: a heading is missing, or one that is meant stands
    // there twice.
    static result<headings> find(const std::vector<std::string>& row, const record_mapping& mapping);

    std::size_t columns() const { return columns_; }
    // The places of the column in a row's cells; one column may feed several fields.
    const std::vector<std::size_t>& places(std::size_t column) const;

private:
    std::vector<std::vector<std::size_t>> places_;
    std::size_t columns_ = 0;
};

inline constexpr std::size_t headings_max = 2'000;

} // namespace rollbook
