#pragma once

#include "daemon/base/error.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace rollbook {

// One mail and the relay that takes it.
struct mail_submission {
    std::string smtp_url; // smtp:// (STARTTLS required unless loopback) or smtps://
    std::string user;     // empty: the relay asks for none
    std::string password;
    std::string token; // instead of a password: an OAuth 2.0 access token, for XOAUTH2
    std::string ca_file;
    std::string from;
    std::vector<std::string> to;
    std::string message; // RFC 5322, CRLF line ends, ready to send
    std::chrono::milliseconds timeout{60'000};

    mail_submission() = default;
};

class mail_client {
public:
    virtual ~mail_client() = default;
    // Done when the relay has accepted the mail for every recipient. With no recipients nothing is offered: the relay
    // is only reached and logged on to. Fails with delivery_unreachable (no connection, 4xx: try again) or
    // delivery_refused (5xx, TLS does not verify, credentials refused).
    virtual boost::asio::awaitable<result<void>> submit(mail_submission mail) = 0;
};

} // namespace rollbook
