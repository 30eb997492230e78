#pragma once

#include "daemon/ports/returned_mail.hpp"

#include <optional>
#include <string_view>

namespace rollbook::delivery {

// What a delivery report (multipart/report of RFC 6522 with a message/delivery-status of RFC 3464) says of one mail
// that could not be delivered: its Message-ID, out of the mail or the headers that came back with it, and the status of
// its first recipient for whom it failed. Empty for another mail, for a report of a delay or a success, and where no
// Message-ID came back. `raw` is from outside: nothing of it is trusted, and nothing else of it is kept.
std::optional<returned_message> parse_delivery_report(std::string_view raw);

} // namespace rollbook::delivery
