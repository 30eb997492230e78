#pragma once

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"

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

// A mailbox, and what is looked for in it.
struct mailbox_query {
    std::string imap_url; // imap:// (STARTTLS required unless loopback) or imaps://
    std::string user;
    std::string password;
    std::string token; // instead of a password: an OAuth 2.0 access token, for XOAUTH2
    std::string ca_file;
    civil_day since{};
    std::chrono::milliseconds timeout{60'000};

    mailbox_query() = default;
};

class mail_client {
public:
    virtual ~mail_client() = default;
    // The delivery reports (RFC 3464) that came into the inbox on or after `since`, newest first, as they are stored:
    // RFC 5322 with CRLF. Other mail is neither read nor marked. At most 100, and of each the first 256 KiB. Fails as
    // submit() does.
    virtual boost::asio::awaitable<result<std::vector<std::string>>> delivery_reports(mailbox_query query) = 0;
    // Done when the relay has accepted the mail for every recipient. With no recipients nothing is offered: the relay
    // is only reached and logged on to. Fails with delivery_unreachable (no connection, 4xx: try again) or
    // delivery_refused (5xx, TLS does not verify, credentials refused).
    virtual boost::asio::awaitable<result<void>> submit(mail_submission mail) = 0;
};

} // namespace rollbook
