#pragma once

#include "daemon/ports/decision.hpp"
#include "daemon/web/http.hpp"
#include "daemon/web/page.hpp"

#include <string>
#include <vector>

namespace rollbook {

// What a form of an alert's page asks for, decided by the account `user`. Fails with usage, in words for the reader:
// what is not a decision of a page, a text that is missing, a day that is none.
result<decision_request> read_decision(const web_request& form, entry_index alert, const std::string& user);

// What a form of the page of calls asks for: one call for each of its fields "pupil_N", all with one outcome. What was
// not offered on the page is not there: fails with not_found.
result<std::vector<decision_request>>
read_calls(const web_request& form, const std::vector<offered_thing>& offered, const std::string& user);

// What a form of the weekly meeting's page asks for: an action about the alert that its field "alert" names, or the end
// of the action in "action_id". Fails as read_decision() and read_calls() do.
result<decision_request>
read_meeting(const web_request& form, const std::vector<offered_thing>& offered, const std::string& user);

// What a form of a pupil's page asks for: a marker, the end of one that was offered, or that the pupil is opened to an
// auditor's account or closed again. Fails as read_decision() and read_calls() do.
result<decision_request> read_pupil_form(
    const web_request& form, entry_index pupil, const std::vector<offered_thing>& offered, const std::string& user
);

// What a form of a list of alerts asks for: one decision, of take-up, park and close, about each of its fields
// "alert_N", or with "all" about each that was offered under "rule". Fails as read_decision() and read_calls() do.
result<std::vector<decision_request>>
read_triage(const web_request& form, const std::vector<offered_thing>& offered, const std::string& user);

} // namespace rollbook
