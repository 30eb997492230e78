#pragma once

// Inside daemon/delivery only.

#include "daemon/ports/http.hpp"

#include <string_view>

namespace rollbook::delivery {

// Whether there was an answer at all: delivery_refused where only a person can help, else delivery_unreachable.
result<void> reached_answer(const result<http_response>& answer);

// Whether the answer takes what was posted: 2xx does; 408, 429 and 5xx may later; what else there is does not. `who`
// answered, and `to_do` is what a person does about a refusal.
result<void> judged_answer(const result<http_response>& answer, std::string_view who, std::string_view to_do);

} // namespace rollbook::delivery
