#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rollbook {

// The part of an address that says who is asked: scheme, host and port, in lower case, the port always there.
struct url_origin {
    std::string scheme;
    std::string host; // without brackets
    int port = 0;
    bool operator==(const url_origin&) const = default;
    // 127.0.0.0/8, ::1 or localhost.
    bool is_loopback() const;
};

// The origin of an absolute http or https address. Nothing for any other text, nor for an address with a user part, a
// fragment, a backslash, or a character that must be escaped: two programs could read those differently, and one of
// them holds our credentials.
std::optional<url_origin> origin_of(std::string_view url);

// Adds `name=value`, both encoded, with `?` or `&` as needed.
void add_query(std::string& url, std::string_view name, std::string_view value);

} // namespace rollbook
