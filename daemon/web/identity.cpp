#include "daemon/web/identity.hpp"

#include "daemon/base/ascii.hpp"
#include "daemon/ports/accounts.hpp"

#include <algorithm>
#include <utility>

namespace rollbook {

bool is_believed(const configuration& settings, std::string_view peer)
{
    return !settings.web.identity_header.empty() &&
           std::ranges::any_of(settings.web.identity_from, [&](const address_range& each) {
               return each.contains(peer);
           });
}

claimed_identity identity_of(const configuration& settings, const web_request& request)
{
    using kind = claimed_identity::kind;
    if (settings.web.identity_header.empty() || request.identities.empty()) return {};
    if (!is_believed(settings, request.peer)) return {kind::not_believed, ""};
    // One of two is the client's own, and nobody can say which.
    if (request.identities.size() > 1 || !is_account_name(request.identities.front())) return {kind::unreadable, ""};
    return {kind::named, request.identities.front()};
}

std::string counted_as(const claimed_identity& who, const web_request& request)
{
    // No address has a space.
    return who.is == claimed_identity::kind::named ? "account " + who.name : request.peer;
}

std::string origin_of(std::string_view url)
{
    const std::size_t colon = url.find("://");
    if (colon == url.npos) return "";
    const std::size_t end = std::min(url.find_first_of("/?#", colon + 3), url.size());
    std::string origin = lowered(url.substr(0, end));
    const std::string_view usual_port = origin.starts_with("https:") ? ":443" : ":80";
    if (origin.ends_with(usual_port)) origin.resize(origin.size() - usual_port.size());
    return origin;
}

bool comes_by_tls(const configuration& settings, const web_request& request)
{
    if (request.over_tls) return true;
    const std::string known = origin_of(settings.web.public_url);
    if (!known.starts_with("https://")) return false;
    // Off this machine we speak TLS ourselves, so that whoever calls us by that name came through a proxy.
    if (known == origin_of("https://" + request.host)) return true;
    return is_believed(settings, request.peer) && (request.forwarded || !request.identities.empty());
}

std::optional<std::uint64_t> hourly_count::one_more(std::chrono::steady_clock::time_point now)
{
    ++untold_;
    if (told_at_ && now - *told_at_ < std::chrono::hours(1)) return std::nullopt;
    told_at_ = now;
    return std::exchange(untold_, 0);
}

} // namespace rollbook
