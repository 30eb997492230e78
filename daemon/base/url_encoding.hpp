#pragma once

#include <string>
#include <string_view>

namespace rollbook {

// Percent-encoded for use as one part of a path, or one name or value of a query or of a form (RFC 3986 section 2.3:
// unreserved characters stay).
std::string url_encoded(std::string_view text);

} // namespace rollbook
