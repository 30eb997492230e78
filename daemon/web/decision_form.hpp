#pragma once

#include "daemon/ports/decision.hpp"
#include "daemon/web/http.hpp"

#include <string>

namespace rollbook {

// What a form of an alert's page asks for, decided by the account `user`. Fails with usage, in words for the reader:
// what is not a decision of a page, a text that is missing, a day that is none.
result<decision_request> read_decision(const web_request& form, entry_index alert, const std::string& user);

} // namespace rollbook
