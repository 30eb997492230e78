#pragma once

// Inside daemon/net only.

#include "daemon/ports/mail.hpp"

#include <functional>

namespace rollbook::net {

// Reads the delivery reports of a mailbox, and waits for the server meanwhile: for a thread of its own. `give_up` is
// asked about once a second. See mail_client::delivery_reports().
result<std::vector<std::string>>
read_delivery_reports(const mailbox_query& query, const std::function<bool()>& give_up);

} // namespace rollbook::net
