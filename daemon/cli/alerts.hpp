#pragma once

#include "daemon/cli/output.hpp"
#include "daemon/views/alerts.hpp"

namespace rollbook {

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
