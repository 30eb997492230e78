#pragma once

#include "daemon/ports/http.hpp"
#include "daemon/ports/mail.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace rollbook {

// Told what the clock of `host` says of ours: that it is ahead by `ahead` at the least, or behind where that is
// negative.
using clock_watch = std::function<void(const std::string& host, std::chrono::milliseconds ahead)>;

// HTTP over libcurl on the thread of `executor`; used from that thread only. Calls under way may outlive the client.
// `watch`: told with each answer that bears a Date (RFC 9110, 6.6.1) and comes out of no cache (RFC 9111, 5.1).
std::unique_ptr<http_client> make_http_client(boost::asio::any_io_executor executor, clock_watch watch = {});

// Mail over libcurl, one mail or mailbox at a time on a thread of its own: libcurl waits for the relay's last answer
// without giving way. Waiters resume on `executor`. Destroying the client gives up the mail under way, within about a
// second.
std::unique_ptr<mail_client> make_mail_client(boost::asio::any_io_executor executor);

} // namespace rollbook
