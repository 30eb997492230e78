#include "daemon/net/imap_client.hpp"

#include "daemon/net/address.hpp"
#include "daemon/net/curl_loop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <new>

namespace rollbook::net {
namespace {

constexpr std::size_t reports_max = 100;
constexpr std::size_t report_bytes_max = 256 * 1024;
constexpr std::size_t answer_bytes_max = 1024 * 1024;

failure refused(std::string what, std::string to_do)
{
    return failure(errc::delivery_refused, std::move(what), std::move(to_do));
}

// RFC 3501 writes a day as 23-Nov-2026.
std::string imap_day(civil_day day)
{
    constexpr std::array<std::string_view, 12> months = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::chrono::year_month_day parts(day);
    const auto month = static_cast<unsigned>(parts.month());
    return fmt::format(
        "{}-{}-{}", static_cast<unsigned>(parts.day()), months[month - 1], static_cast<int>(parts.year())
    );
}

// "* SEARCH 2 84 882" (RFC 3501 section 7.2.5); the newest come first.
std::vector<std::string> uids_in(std::string_view answer)
{
    constexpr std::string_view start = "* SEARCH";
    std::vector<std::string> uids;
    const std::size_t at = answer.find(start);
    if (at == answer.npos) return uids;
    const std::string_view line = answer.substr(at + start.size(), answer.find('\r', at) - at - start.size());
    for (std::size_t from = 0; from < line.size();) {
        const std::size_t begin = line.find_first_not_of(' ', from);
        if (begin == line.npos) break;
        from = std::min(line.find(' ', begin), line.size());
        std::uint32_t uid = 0;
        const auto read = std::from_chars(line.data() + begin, line.data() + from, uid);
        if (read.ec == std::errc() && read.ptr == line.data() + from && uid > 0) uids.push_back(std::to_string(uid));
    }
    std::ranges::reverse(uids);
    return uids;
}

struct collected {
    std::string bytes;
    std::size_t bytes_max = 0;
};

// What is beyond the limit is read over and not kept: the parts that matter stand at the front.
std::size_t on_bytes(char* from, std::size_t, std::size_t count, void* into_) noexcept
{
    auto& into = *static_cast<collected*>(into_);
    if (into.bytes.size() < into.bytes_max)
        into.bytes.append(from, std::min(count, into.bytes_max - into.bytes.size()));
    return count;
}

int on_progress(void* give_up, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept
{
    return (*static_cast<const std::function<bool()>*>(give_up))() ? 1 : 0;
}

class mailbox {
public:
    mailbox(const mailbox_query& query, address at, const std::function<bool()>& give_up)
        : query_(query), at_(std::move(at)), handle_(curl_easy_init(), &curl_easy_cleanup)
    {
        if (!handle_) throw std::bad_alloc();
        const curl_version_info_data* built = curl_version_info(CURLVERSION_NOW);
        set(CURLOPT_PROTOCOLS_STR, "imap,imaps");
        set(CURLOPT_NOSIGNAL, 1L);
        set(CURLOPT_ERRORBUFFER, error_.data());
        set(CURLOPT_PROXY, "");
        set(CURLOPT_NETRC, long(CURL_NETRC_IGNORED));
        set(CURLOPT_USE_SSL, long(is_loopback(at_.host) ? CURLUSESSL_NONE : CURLUSESSL_ALL));
        set(CURLOPT_SSL_VERIFYPEER, 1L);
        set(CURLOPT_SSL_VERIFYHOST, 2L);
        set(CURLOPT_SSLVERSION, long(CURL_SSLVERSION_TLSv1_2));
        set(CURLOPT_CAINFO, query.ca_file.empty() ? built->cainfo : query.ca_file.c_str());
        set(CURLOPT_CAPATH, built->capath ? built->capath : "/etc/ssl/certs");
        set(CURLOPT_USERNAME, query.user.c_str());
        if (query.token.empty()) {
            set(CURLOPT_PASSWORD, query.password.c_str());
        } else {
            set(CURLOPT_XOAUTH2_BEARER, query.token.c_str());
            set(CURLOPT_LOGIN_OPTIONS, "AUTH=XOAUTH2");
        }
        set(CURLOPT_TIMEOUT_MS, static_cast<long>(query.timeout.count()));
        set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(query.timeout.count()));
        set(CURLOPT_NOPROGRESS, 0L);
        set(CURLOPT_XFERINFOFUNCTION, &on_progress);
        set(CURLOPT_XFERINFODATA, const_cast<std::function<bool()>*>(&give_up));
        set(CURLOPT_WRITEFUNCTION, &on_bytes);
    }

    result<std::string> ask(const std::string& command) { return perform(root() + "INBOX", command, answer_bytes_max); }
    result<std::string> fetch(const std::string& uid)
    {
        return perform(root() + "INBOX/;UID=" + uid, {}, report_bytes_max);
    }

private:
    template <class Value> void set(CURLoption option, Value value) { curl_easy_setopt(handle_.get(), option, value); }
    std::string root() const { return query_.imap_url + (query_.imap_url.ends_with('/') ? "" : "/"); }

    result<std::string> perform(const std::string& url, const std::string& command, std::size_t bytes_max)
    {
        collected into{{}, bytes_max};
        set(CURLOPT_URL, url.c_str());
        set(CURLOPT_CUSTOMREQUEST, command.empty() ? nullptr : command.c_str());
        set(CURLOPT_WRITEDATA, &into);
        const CURLcode code = curl_easy_perform(handle_.get());
        if (code != CURLE_OK) return why(code);
        return std::move(into.bytes);
    }

    failure why(CURLcode code) const
    {
        switch (code) {
        case CURLE_LOGIN_DENIED:
            return refused(
                at_.origin + ": the mail server refuses the user, password or token",
                query_.token.empty() ? "Correct bounces in the route's settings."
                                     : "See that the application may read this mailbox (IMAP.AccessAsApp)."
            );
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
            return refused(
                at_.origin + ": the mail server's certificate is not trusted: " + error_.data(),
                "Name the authority that signed it in the route's ca_file, or use the name the certificate is for."
            );
        case CURLE_USE_SSL_FAILED:
            return refused(
                at_.origin + ": the mail server offers no STARTTLS, and no mailbox is read unprotected",
                "Use its imaps address."
            );
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL:
            return refused(at_.origin + ": not an imap address", "Correct bounces.imap_url in the route's settings.");
        default:
            return failure(
                errc::delivery_unreachable,
                at_.origin + ": " + curl_easy_strerror(code),
                "It is tried again by itself. If it stays so, look at the mail server."
            );
        }
    }

    const mailbox_query& query_;
    address at_;
    std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle_;
    std::array<char, CURL_ERROR_SIZE> error_{};
};

} // namespace

result<std::vector<std::string>> read_delivery_reports(const mailbox_query& query, const std::function<bool()>& give_up)
{
    auto at = read_address(query.imap_url);
    if (!at || (at->scheme != "imap" && at->scheme != "imaps"))
        return refused(
            "the mailbox's address is not an imap or imaps address", "Correct bounces.imap_url in the route's settings."
        );
    mailbox box(query, std::move(*at), give_up);
    const auto found =
        box.ask(fmt::format(R"(UID SEARCH SINCE {} HEADER Content-Type "delivery-status")", imap_day(query.since)));
    if (!found) return found.error();
    std::vector<std::string> reports;
    for (const std::string& uid : uids_in(*found)) {
        if (reports.size() == reports_max) break;
        auto report = box.fetch(uid);
        if (!report) return report.error();
        reports.push_back(std::move(*report));
    }
    return reports;
}

} // namespace rollbook::net
