#include "daemon/page_note.hpp"

#include "daemon/base/durable.hpp"

#include <fstream>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace rollbook {
namespace {

namespace fs = std::filesystem;

fs::path note_file(const configuration& settings)
{
    return settings.ledger.path.string() + ".pages";
}

} // namespace

// A line each: the pages' address, when another machine first opened it, why none are served.
page_standing standing_of_pages(const configuration& settings)
{
    page_standing found;
    std::ifstream in(note_file(settings));
    std::string url, opened, failed;
    std::getline(in, url);
    std::getline(in, opened);
    std::getline(in, failed);
    if (settings.web.listen.empty() || url != settings.web.public_url) return found;
    found.opened_at = parse_instant(opened);
    found.failed = failed;
    return found;
}

void note_pages(const configuration& settings, const page_standing& now)
{
    if (standing_of_pages(settings) == now) return;
    const std::string opened = now.opened_at ? format_instant(*now.opened_at) : "";
    (void)replace_durably(note_file(settings), settings.web.public_url + "\n" + opened + "\n" + now.failed + "\n");
}

bool is_this_machine(std::string_view address)
{
    if (address.starts_with("::ffff:")) address.remove_prefix(7); // IPv4 as an IPv6 socket says it
    address = address.substr(0, address.find('%'));
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return false;
    bool is_own = address.starts_with("127.");
    for (const ifaddrs* each = all; each && !is_own; each = each->ifa_next) {
        const int family = each->ifa_addr ? each->ifa_addr->sa_family : AF_UNSPEC;
        if (family != AF_INET && family != AF_INET6) continue;
        char text[NI_MAXHOST] = {};
        const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
        if (::getnameinfo(each->ifa_addr, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) continue;
        const std::string_view own = text;
        is_own = own.substr(0, own.find('%')) == address;
    }
    ::freeifaddrs(all);
    return is_own;
}

} // namespace rollbook
