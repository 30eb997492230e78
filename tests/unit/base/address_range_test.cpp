#include "daemon/base/address_range.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace rollbook {
namespace {

struct range_row {
    const char* range;
    const char* address;
    bool is_in;
};

TEST_CASE("a range holds the addresses that share its first bits, and none of the other kind", "[address]")
{
    const auto [range, address, is_in] = GENERATE(values<range_row>({
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"127.0.0.1", "::ffff:127.0.0.1", true},
        {"127.0.0.1", "::1", false},
        {"127.0.0.1", "::127.0.0.1", false},
        {"127.0.0.1", "", false},
        {"127.0.0.1", "127.0.0.1:80", false},
        {"127.0.0.1", "localhost", false},
        {"10.1.0.0/24", "10.1.0.0", true},
        {"10.1.0.0/24", "10.1.0.255", true},
        {"10.1.0.0/24", "10.1.1.0", false},
        {"10.1.0.0/24", "::ffff:10.1.0.7", true},
        {"10.1.0.128/25", "10.1.0.127", false},
        {"10.1.0.128/25", "10.1.0.128", true},
        {"10.1.0.4/30", "10.1.0.7", true},
        {"10.1.0.4/30", "10.1.0.8", false},
        {"10.1.0.4/32", "10.1.0.4", true},
        {"10.1.0.4/32", "10.1.0.5", false},
        {"0.0.0.0/0", "192.0.2.1", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::ffff:10.1.0.0/120", "10.1.0.9", true},
        {"::ffff:10.1.0.0/120", "10.1.1.9", false},
        {"::1", "::1", true},
        {"::1", "0:0:0:0:0:0:0:1", true},
        {"::1", "::2", false},
        {"::/32", "::1", true},
        {"::/32", "::ffff:10.1.0.7", false}, // else a range of IPv6 would hold all of IPv4
        {"2001:db8::/48", "2001:db8:0:ffff::1", true},
        {"2001:db8::/48", "2001:db8:1::1", false},
    }));
    CAPTURE(range, address);
    const auto parsed = address_range::parse(range);
    REQUIRE(parsed);
    CHECK(parsed->contains(address) == is_in);
}

TEST_CASE("what is no address, or has bits behind its prefix, is no range", "[address]")
{
    const std::string text = GENERATE(
        as<std::string>{},
        "",
        "/",
        "/8",
        "localhost",
        "proxy.example",
        "10.1.0",
        "10.1.0.256",
        "010.1.0.0",
        "10.1.0.0/",
        "10.1.0.0/33",
        "10.1.0.0/-1",
        "10.1.0.0/+8",
        "10.1.0.0/024",
        "10.1.0.0/24 ",
        " 10.1.0.0/24",
        "10.1.0.0/24/8",
        "10.1.0.0/255.255.255.0",
        "10.1.0.1/24",
        "127.0.0.1:80",
        "[::1]",
        "::1/129",
        "::1/64",
        "fe80::1%eth0",
        "::ffff:0:0/95",
        "::ffff:10.1.0.1/120"
    );
    CAPTURE(text);
    CHECK_FALSE(address_range::parse(text));
    CHECK_FALSE(address_range::parse(std::string("10.1.0.1") + '\0' + "x"));
}

} // namespace
} // namespace rollbook
