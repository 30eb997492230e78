#include "daemon/config/addresses.hpp"

#include "daemon/base/ascii.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

namespace rollbook {
namespace {

bool is_host_character(char c)
{
    return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

std::optional<int> parse_port(std::string_view text)
{
    int port = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (wrong != std::errc() || end != text.data() + text.size() || port < 1 || port > 65535) return std::nullopt;
    return port;
}

// "host", "host:port" or the same with an IPv6 address in brackets.
std::optional<address> parse_host_and_port(std::string_view text)
{
    address out;
    std::string_view rest;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == text.npos) return std::nullopt;
        out.host = lowered(text.substr(1, end - 1));
        in6_addr parsed{};
        if (inet_pton(AF_INET6, out.host.c_str(), &parsed) != 1) return std::nullopt;
        rest = text.substr(end + 1);
    } else {
        const std::size_t end = std::min(text.find(':'), text.size());
        out.host = lowered(text.substr(0, end));
        if (out.host.empty() || !std::ranges::all_of(out.host, is_host_character)) return std::nullopt;
        rest = text.substr(end);
    }
    if (rest.empty()) return out;
    const std::optional<int> port = rest.front() == ':' ? parse_port(rest.substr(1)) : std::nullopt;
    if (!port) return std::nullopt;
    out.port = *port;
    return out;
}

} // namespace

bool address::is_loopback() const
{
    in_addr four{};
    if (inet_pton(AF_INET, host.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
    in6_addr six{};
    if (inet_pton(AF_INET6, host.c_str(), &six) == 1) return IN6_IS_ADDR_LOOPBACK(&six);
    return host == "localhost";
}

std::optional<address> parse_url(std::string_view text)
{
    // White space, control characters and backslashes are read differently by different programs.
    const auto odd = [](char c) { return (c >= 0 && c <= ' ') || c == 0x7F || c == '\\'; };
    const std::size_t colon = text.find("://");
    if (colon == text.npos || colon == 0 || std::ranges::any_of(text, odd)) return std::nullopt;
    const std::string_view scheme = text.substr(0, colon);
    if (!std::ranges::all_of(scheme, is_letter)) return std::nullopt;

    std::string_view authority = text.substr(colon + 3);
    authority = authority.substr(0, authority.find_first_of("/?#"));
    const std::size_t at = authority.rfind('@');
    std::optional<address> out = parse_host_and_port(at == authority.npos ? authority : authority.substr(at + 1));
    if (!out) return std::nullopt;
    out->scheme = lowered(scheme);
    out->has_user = at != authority.npos;
    return out;
}

std::optional<address> parse_listen(std::string_view text)
{
    std::optional<address> out = parse_host_and_port(text);
    if (!out || out->port == 0) return std::nullopt;
    in_addr four{};
    in6_addr six{};
    const bool is_address =
        inet_pton(AF_INET, out->host.c_str(), &four) == 1 || inet_pton(AF_INET6, out->host.c_str(), &six) == 1;
    return is_address || out->host == "localhost" ? out : std::nullopt;
}

} // namespace rollbook
