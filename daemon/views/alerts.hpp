#pragma once

#include "daemon/rules/alert.hpp"
#include "daemon/views/actions.hpp"
#include "daemon/views/people.hpp"

#include <functional>
#include <optional>
#include <vector>

namespace rollbook {

// The alert that a version of an alert thing stands for; empty once erased. A payload that is no alert is a
// failure_error with ledger_in_doubt.
std::optional<alert> read_alert(const thing_view& version);
// The same, kept where the workplace keeps what it knows and the alert has not ended.
std::optional<alert> known_alert(const workplace& at, const thing_view& version);

// The newest alert of the rule about the pupil; empty where there never was one.
std::optional<alert> last_alert_of(const workplace& at, const rule& by, entry_index pupil);

// The alerts' newest values, which follow every closed read, at the size asked about: read once for a whole list.
class newest_values {
public:
    explicit newest_values(const workplace& at);
    void apply(alert& version) const;

private:
    std::vector<alert_value> all_; // by alert
};

// The members of `alerts list --json`. `write_history`, where given, writes the value of the member "history".
void write_alert(
    json_writer& out,
    const alert& value,
    const people& everyone,
    const std::function<void(json_writer&)>& write_history = {}
);

// Whom or what it is about: P-N of the person, or the source's name.
std::string subject_of(const alert& value, const people& everyone);

// What is told of one alert besides its newest version.
struct alert_story {
    std::vector<alert> versions;            // oldest first, at least one
    alert now;                              // the last of them, with what its value has become since
    std::vector<case_action> actions;       // about it, by id
    evidence_count for_letter;              // of its evidence, for the next letter of the rule
    std::optional<referral_check> referral; // of a rule that a penalty notice may follow from
};
// An unknown id is a failure_error with not_found.
alert_story story_of(const workplace& at, entry_index id);
// The members of `alerts show --json`.
void write_alert_story(json_writer& out, const alert_story& story, const people& everyone);

// Every version of the alert `id`, oldest first; empty when no alert has that id.
std::vector<alert> alert_versions(const workplace& at, entry_index id);
void write_alert_history(json_writer& out, const std::vector<alert>& versions);

} // namespace rollbook
