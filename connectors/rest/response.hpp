#pragma once

#include "daemon/ports/http.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace rollbook {

// The wait a source asks for in Retry-After: whole seconds, or a date, which is held against the answer's own Date so
// that our clock does not matter. A wait in the past is none; one of more than a day is a day.
std::optional<std::chrono::seconds> retry_after(const http_response& response);

// Whether an answer may be read as a page, by its status, its content type and the look of its body. `where` names the
// request for the failure ("GET /students, page 3"). `first` is false for an address that the source itself gave.
result<void> check_response(const http_response& response, std::string_view where, bool first);

} // namespace rollbook
