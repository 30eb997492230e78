#pragma once

#include "daemon/base/time.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace rollbook {

// When the first certificate of a PEM text stops being valid; empty when there is none that can be read.
std::optional<instant> certificate_ends(std::string_view pem);

// A new key of the curve P-256 and the request for a certificate of the host `name`, which also stands as its
// alternative name; both PEM. Sources: RFC 2986 (the request), RFC 5280, 4.2.1.6 (the name), RFC 5958 (the key).
struct certificate_request {
    std::string private_key;
    std::string request;
};
certificate_request make_certificate_request(const std::string& name);

} // namespace rollbook
