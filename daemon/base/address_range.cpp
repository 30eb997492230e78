#include "daemon/base/address_range.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <string>

namespace rollbook {
namespace {

struct plain_address {
    std::array<std::uint8_t, 16> bytes{};
    bool is_ipv4 = false;
    bool was_mapped = false; // written as ::ffff:a.b.c.d
};

std::optional<plain_address> parse_address(std::string_view text)
{
    const std::string ended(text);
    if (ended.find('\0') != ended.npos) return std::nullopt;
    plain_address out;
    if (inet_pton(AF_INET, ended.c_str(), out.bytes.data()) == 1) {
        out.is_ipv4 = true;
        return out;
    }
    if (inet_pton(AF_INET6, ended.c_str(), out.bytes.data()) != 1) return std::nullopt;
    constexpr std::array<std::uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (!std::equal(mapped.begin(), mapped.end(), out.bytes.begin())) return out;
    std::copy(out.bytes.begin() + 12, out.bytes.end(), out.bytes.begin());
    std::fill(out.bytes.begin() + 4, out.bytes.end(), std::uint8_t(0));
    out.is_ipv4 = out.was_mapped = true;
    return out;
}

bool bit(const std::array<std::uint8_t, 16>& bytes, int at)
{
    return (bytes[static_cast<std::size_t>(at / 8)] >> (7 - at % 8) & 1) != 0;
}

} // namespace

std::optional<address_range> address_range::parse(std::string_view text)
{
    const std::size_t slash = text.find('/');
    const std::optional<plain_address> first = parse_address(text.substr(0, slash));
    if (!first) return std::nullopt;
    const int bits = first->is_ipv4 ? 32 : 128;
    int prefix = bits;
    if (slash != text.npos) {
        const std::string_view number = text.substr(slash + 1);
        const auto [end, wrong] = std::from_chars(number.data(), number.data() + number.size(), prefix);
        const bool is_plain = wrong == std::errc() && end == number.data() + number.size() &&
                              (number.front() != '0' || number.size() == 1);
        if (!is_plain) return std::nullopt;
        if (first->was_mapped) prefix -= 96;
        if (prefix < 0 || prefix > bits) return std::nullopt;
    }
    for (int at = prefix; at < bits; ++at)
        if (bit(first->bytes, at)) return std::nullopt;
    address_range out;
    out.bytes_ = first->bytes;
    out.is_ipv4_ = first->is_ipv4;
    out.prefix_ = prefix;
    return out;
}

bool address_range::contains(std::string_view address) const
{
    const std::optional<plain_address> asked = parse_address(address);
    if (!asked || asked->is_ipv4 != is_ipv4_) return false;
    for (int at = 0; at < prefix_; ++at)
        if (bit(asked->bytes, at) != bit(bytes_, at)) return false;
    return true;
}

} // namespace rollbook
