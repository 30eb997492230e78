#pragma once

#include <optional>
#include <string>

namespace rollbook::net {

// What of an address may be named and decided on; read by libcurl's own parser, so that what is checked is what is
// used.
struct address {
    std::string scheme; // lower case
    std::string host;   // without brackets
    std::string origin; // "https://host:443": no user, path or query, which may carry keys and ids
};

// Empty when the text is no absolute address with a host.
std::optional<address> read_address(const std::string& url);

// 127.0.0.0/8, ::1 or localhost: what never leaves the machine.
bool is_loopback(const std::string& host);

} // namespace rollbook::net
