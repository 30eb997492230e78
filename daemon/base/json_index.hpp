#pragma once

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"

#include <cstdint>
#include <optional>

namespace rollbook {

// An entry's place, a tree's size or another count: a whole number from 0 to the largest that json_writer can write
// again. Empty for anything else.
inline std::optional<std::uint64_t> index_in(json_view value)
{
    const auto number = value.int_if();
    if (!number || *number < 0 || *number > json_writer::integer_max) return std::nullopt;
    return static_cast<std::uint64_t>(*number);
}

} // namespace rollbook
