#pragma once

#include "daemon/base/error.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rollbook {

struct http_request {
    std::string method = "GET";       // GET or POST
    std::string url;                  // absolute; http only to loopback, https elsewhere
    std::vector<std::string> headers; // "Name: value"
    std::string body;
    std::string user; // HTTP Basic when not empty
    std::string password;
    std::string ca_file; // further trust anchors; empty: the system's
    std::string proxy;   // empty: none
    // Who we are to the proxy: a user and a password, or the Kerberos ticket of the account the program runs as.
    enum class sign_in { basic, negotiate } proxy_sign_in = sign_in::basic;
    std::string proxy_user; // basic; empty: nobody
    std::string proxy_password;
    std::chrono::milliseconds timeout{30'000};
    std::size_t body_bytes_max = 32u << 20; // a longer answer is refused as page_malformed, never cut

    http_request() = default;
    explicit http_request(std::string address) : url(std::move(address)) {}
};

struct http_response {
    int status = 0;
    std::string content_type;                                 // lower case, without parameters
    std::vector<std::pair<std::string, std::string>> headers; // names in lower case
    std::string body;

    // The first header of that lower-case name, or empty.
    std::string_view header(std::string_view name) const;

    // Takes a line of the head as it came (RFC 9112 section 5). A status line begins the head anew: an interim answer
    // may have come before.
    void take_head_line(std::string_view line);
    // The head is whole: takes content_type out of it.
    void end_head();
};

// One request under way. Destroying it cancels it.
class http_call {
public:
    virtual ~http_call() = default;
    // The answer, whatever its status. Asked once. Fails with source_unreachable (no connection, no answer in time),
    // source_misconfigured (TLS does not verify, with the issuer seen; a proxy that refuses us; bad address, http
    // beyond loopback) or page_malformed (body too long, transfer cut short). Redirects are not followed: a 3xx is an
    // answer.
    virtual boost::asio::awaitable<result<http_response>> answer() = 0;
};

// The only way out over HTTP. TLS is always verified. Connections are kept and used again.
class http_client {
public:
    virtual ~http_client() = default;
    // Sends at once, so that the source works while we do; the answer waits in the call.
    virtual std::unique_ptr<http_call> start(http_request request) = 0;
};

} // namespace rollbook
