#pragma once

#include "daemon/cli/output.hpp"
#include "daemon/cli/people.hpp"
#include "daemon/rules/alert.hpp"

namespace rollbook {

// The alert that a version of an alert thing stands for; empty once erased. A payload that is no alert is a
// failure_error with ledger_in_doubt.
std::optional<alert> read_alert(const thing_view& version);

// The members of `alerts list --json`. `write_history`, where given, writes the value of the member "history".
void write_alert(
    json_writer& out,
    const alert& value,
    const people& everyone,
    const std::function<void(json_writer&)>& write_history = {}
);

// One line an alert, for people.
class alert_table {
public:
    alert_table(std::ostream& out, const time_zone& zone, const people& everyone);
    void row(const alert& value);
    void end() { table_.end(); }
    std::uint64_t rows() const { return table_.rows(); }

private:
    text_table table_;
    const time_zone& zone_;
    const people& everyone_;
};

} // namespace rollbook
