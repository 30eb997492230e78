#pragma once

#include "daemon/ports/configuration.hpp"
#include "daemon/web/http.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// What a proxy in front of the pages is believed: who asks ([web] identity_header, from [web] identity_from), and that
// the browser spoke TLS to it. Pure; nothing is believed of anybody where the configuration names no proxy.
namespace rollbook {

// Whether the address is that of a proxy whose word counts.
bool is_believed(const configuration& settings, std::string_view peer);

struct claimed_identity {
    enum class kind {
        none,         // there is no such header, or none is configured
        not_believed, // there is one, and who sent it is no proxy of ours: it counts for nothing
        unreadable,   // of a believed proxy: twice, or not what an account could be called
        named,        // of a believed proxy
    } is = kind::none;
    std::string name; // where it is named; whether such an account is there, the book of accounts says
};
claimed_identity identity_of(const configuration& settings, const web_request& request);

// Under what the request is counted against the rate of requests: all of a school comes from its proxy's address, and
// is told apart by account.
std::string counted_as(const claimed_identity& who, const web_request& request);

// "https://rollbook.example" of the address of a page, as a browser gives it: small letters, no usual port, no path.
std::string origin_of(std::string_view url);

// Whether the browser speaks TLS, to us or to the proxy: then cookies are for TLS alone. A request that only says so
// harms its own sender's cookies and nobody else's.
bool comes_by_tls(const configuration& settings, const web_request& request);

// Of what happens often and is told once an hour.
class hourly_count {
public:
    // Counts one more. How many there were since it was told last, where it is to be told now.
    std::optional<std::uint64_t> one_more(std::chrono::steady_clock::time_point now);

private:
    std::optional<std::chrono::steady_clock::time_point> told_at_;
    std::uint64_t untold_ = 0;
};

} // namespace rollbook
