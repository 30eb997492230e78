#pragma once

#include "daemon/ports/http.hpp"
#include "daemon/ports/mail.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>

namespace rollbook {

// HTTP over libcurl on the thread of `executor`; used from that thread only. Calls under way may outlive the client.
std::unique_ptr<http_client> make_http_client(boost::asio::any_io_executor executor);

// Mail over libcurl, one mail or mailbox at a time on a thread of its own: libcurl waits for the relay's last answer
// without giving way. Waiters resume on `executor`. Destroying the client gives up the mail under way, within about a
// second.
std::unique_ptr<mail_client> make_mail_client(boost::asio::any_io_executor executor);

} // namespace rollbook
