#include "daemon/net/address.hpp"

#include "daemon/base/ascii.hpp"

#include <boost/asio/ip/address.hpp>
#include <curl/curl.h>

#include <algorithm>
#include <memory>

namespace rollbook::net {

namespace {

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0)
{
    char* text = nullptr;
    if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return {};
    std::string copy(text);
    curl_free(text);
    return copy;
}

} // namespace

std::optional<address> read_address(const std::string& text)
{
    const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), &curl_url_cleanup);
    if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) return {};

    address read;
    read.scheme = part(url.get(), CURLUPART_SCHEME);
    read.host = part(url.get(), CURLUPART_HOST);
    if (read.scheme.empty() || read.host.empty()) return {};
    const std::string port = part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
    read.origin = read.scheme + "://" + read.host + (port.empty() ? "" : ":" + port);
    if (read.host.front() == '[') read.host = read.host.substr(1, read.host.size() - 2);
    return read;
}

bool is_loopback(const std::string& host)
{
    const std::string name = lowered(host);
    if (name == "localhost") return true; // libcurl never asks the network for this name
    boost::system::error_code failed;
    const auto ip = boost::asio::ip::make_address(name, failed);
    return !failed && ip.is_loopback();
}

} // namespace rollbook::net
