#include "connectors/rest/url.hpp"

#include "daemon/base/ascii.hpp"
#include "daemon/base/bytes.hpp"
#include "daemon/base/url_encoding.hpp"

#include <algorithm>

namespace rollbook {

namespace {

bool may_stand_in_url(char c)
{
    constexpr std::string_view never = "\"<>\\^`{|}#";
    return c > ' ' && c < '\x7f' && never.find(c) == never.npos;
}

} // namespace

bool url_origin::is_loopback() const
{
    if (host == "localhost" || host == "::1") return true;
    return host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos;
}

std::optional<url_origin> origin_of(std::string_view url)
{
    if (!std::all_of(url.begin(), url.end(), may_stand_in_url)) return std::nullopt;
    const auto colon = url.find("://");
    if (colon == url.npos) return std::nullopt;
    url_origin origin;
    for (const char c : url.substr(0, colon))
        origin.scheme += lower(c);
    if (origin.scheme != "http" && origin.scheme != "https") return std::nullopt;
    origin.port = origin.scheme == "https" ? 443 : 80;

    std::string_view rest = url.substr(colon + 3);
    std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
    if (authority.find('@') != authority.npos) return std::nullopt;
    std::string_view host = authority;
    std::string_view port;
    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        if (end == authority.npos) return std::nullopt;
        host = authority.substr(1, end - 1);
        port = authority.substr(end + 1);
        if (!port.empty() && port[0] != ':') return std::nullopt;
    } else if (const auto at = authority.find(':'); at != authority.npos) {
        host = authority.substr(0, at);
        port = authority.substr(at);
    }
    if (host.empty() || host.find_first_of("[]%") != host.npos) return std::nullopt;
    for (const char c : host)
        origin.host += lower(c);
    if (!port.empty()) {
        const auto number = parse_decimal(port.substr(1));
        if (!number || *number == 0 || *number > 65535) return std::nullopt;
        origin.port = static_cast<int>(*number);
    }
    return origin;
}

void add_query(std::string& url, std::string_view name, std::string_view value)
{
    url += url.find('?') == url.npos ? '?' : '&';
    url += url_encoded(name);
    url += '=';
    url += url_encoded(value);
}

} // namespace rollbook
