#pragma once

#include "daemon/base/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace rollbook {

// Unpacks a gzip file (RFC 1952), or several that follow one another. Never makes more than `bytes_max`, whatever the
// file claims. Fails with page_malformed: not gzip, damaged, cut short, or longer than that.
result<std::string> gunzipped(std::string_view packed, std::size_t bytes_max);

} // namespace rollbook
