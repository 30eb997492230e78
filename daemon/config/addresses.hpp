#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rollbook {

// The parts of a URL that say who is spoken to and how.
struct address {
    std::string scheme; // lower case
    std::string host;   // without the brackets of an IPv6 address; never empty
    int port = 0;       // 0: not given
    bool has_user = false;

    // localhost, 127.0.0.0/8 or ::1, written as such; no name is looked up.
    bool is_loopback() const;
};

// "scheme://[user@]host[:port][/...]"; nothing else.
std::optional<address> parse_url(std::string_view text);

// "127.0.0.1:8480", "[::1]:8480" or "localhost:8480", with a port from 1; nothing else.
std::optional<address> parse_listen(std::string_view text);

} // namespace rollbook
