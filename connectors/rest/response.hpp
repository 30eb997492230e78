#pragma once

#include "connectors/rest/request_spec.hpp"
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
result<void>
check_response(const http_response& response, std::string_view where, bool first, const decoder_spec& decoder = {});

// The same for an answer that the manifest says may be used whatever its status.
result<void> check_body(const http_response& response, std::string_view where, const decoder_spec& decoder);

// The failure that a rule of the manifest makes of an answer; not for `use` and `skip`.
failure ruled_failure(const error_rule& rule, const http_response& response, std::string_view where);

} // namespace rollbook
