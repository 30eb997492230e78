#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rollbook {

// One IP address, or all that share its first bits, as CIDR writes them: "127.0.0.1", "10.1.0.0/24", "2001:db8::/48".
//
// Invariant: a range is of IPv4 or of IPv6 and holds no address of the other kind. An IPv4 address in IPv6's clothes
//            (::ffff:10.1.0.7), as a socket open to both gives it, is the IPv4 address.
class address_range {
public:
    // Empty: there is no such address, or it has bits behind the prefix, so that its writer meant something else.
    static std::optional<address_range> parse(std::string_view text);

    bool is_ipv4() const { return is_ipv4_; }
    int prefix() const { return prefix_; } // in bits: up to 32, or 128 of IPv6
    // `address` without a port. False for what is no address.
    bool contains(std::string_view address) const;
    bool operator==(const address_range&) const = default;

private:
    std::array<std::uint8_t, 16> bytes_{}; // of IPv4 the first four
    bool is_ipv4_ = false;
    int prefix_ = 0;
};

} // namespace rollbook
