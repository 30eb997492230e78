#pragma once

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <vector>

namespace rollbook {

// A mail that a relay had taken and that came back.
struct returned_message {
    std::string id;     // its Message-ID, with < and >
    std::string status; // RFC 3463, such as "5.1.1"
};

// The mailbox of one mail route in which what could not be delivered is reported.
class returned_mail {
public:
    virtual ~returned_mail() = default;
    // What was reported as failed for good on or after the day, as often as it is asked. Fails with
    // delivery_unreachable (try again) or delivery_refused (a person must act).
    virtual boost::asio::awaitable<result<std::vector<returned_message>>> since(civil_day day) = 0;
};

} // namespace rollbook
