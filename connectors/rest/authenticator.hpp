#pragma once

#include "connectors/rest/dom_fwd.hpp"
#include "connectors/rest/manifest.hpp"
#include "connectors/rest/settings.hpp"
#include "daemon/ports/http.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>

namespace rollbook {

// Reads a secret by its reference; read_secret() with its folder bound.
using secret_reader = std::function<result<std::string>(const secret_reference&)>;

// Who we are to one source: its secrets, and the token that a log-in gave for them. What it keeps goes into requests
// only, never into an address that is kept, a failure or a log.
class authenticator {
public:
    // What is referred to must outlive it.
    authenticator(
        const manifest& m,
        const resolved_settings& settings,
        const std::string& source,
        secret_reader secrets,
        http_client& client
    );

    // Reads the secrets anew; a token that they gave is kept. Fails with configuration_invalid.
    result<void> read_secrets();
    bool has_secrets() const { return has_secrets_; }
    // Logs in where a token is needed and none is good for another minute. Fails with source_*.
    boost::asio::awaitable<result<void>> prepare();
    // After an answer of 401: forgets the token. True if another one may help: a token that was never good is not
    // exchanged, because the next one would not be either.
    bool renew();
    // After an answer that took the credentials.
    void accepted() { token_worked_ = true; }
    // Puts the credentials into a request, and the way to the source: trust anchors and proxy.
    void sign(http_request& request) const;

private:
    using clock = std::chrono::steady_clock;

    std::string secret(std::string_view template_text) const;
    std::string known(std::string_view secret) const;
    void reach(http_request& request) const;
    http_request login_request() const;
    result<void> take_token(http_response answer, const std::string& where);

    const manifest& manifest_;
    const authenticator_spec& spec_;
    const resolved_settings& settings_;
    const std::string& source_;
    const secret_reader read_;
    http_client& client_;

    std::map<std::string, std::string, std::less<>> secrets_;
    bool has_secrets_ = false;
    std::string token_;
    clock::time_point token_ends_{};
    bool token_worked_ = false; // a token that was refused at once is not tried a second time
};

} // namespace rollbook
