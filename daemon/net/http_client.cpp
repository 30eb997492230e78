#include "daemon/base/time.hpp"
#include "daemon/net/address.hpp"
#include "daemon/net/curl_client.hpp"
#include "daemon/net/curl_loop.hpp"
#include "daemon/net/issuer_seen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace rollbook {

namespace asio = boost::asio;

namespace {

constexpr std::size_t header_bytes_max = 256u << 10;
constexpr std::size_t expected_body_max = 1u << 20; // the most that is set aside before anything has come
constexpr long receive_buffer_bytes =
    64l << 10; // a page of 100 rows in one read; larger ones cost the heap's top each time

// What makes a request one that is never sent.
std::optional<failure> refusal_of(const http_request& request, const std::optional<net::address>& to)
{
    const auto misconfigured = [](std::string what, std::string to_do) {
        return failure(errc::source_misconfigured, std::move(what), std::move(to_do));
    };
    if (!to || (to->scheme != "http" && to->scheme != "https"))
        return misconfigured("the address is not an http or https address", "Correct the address in the settings.");
    if (to->scheme == "http" && !net::is_loopback(to->host))
        return misconfigured(
            to->origin + ": http would send keys and pupils' data unprotected",
            "Use the https address; http is for this machine only (127.0.0.1, ::1, localhost)."
        );
    if (request.method != "GET" && request.method != "POST")
        return misconfigured(to->origin + ": only GET and POST are sent", "Correct the method in the settings.");
    for (const std::string& header : request.headers)
        if (header.find_first_of(std::string_view("\r\n\0", 3)) != header.npos)
            return misconfigured(
                to->origin + ": a header holds a line break", "Look for a line end in the key or the settings."
            );
    return {};
}

// What the calls of one client share.
struct shared_by_calls {
    std::size_t expected = 0; // bytes of the last answer: pages of one source are alike
    clock_watch watch;
};

instant wall_clock()
{
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

// How far our clock is ahead of the Date of an answer to a request of ours; negative: behind. The answer was made while
// we waited, within the second that it names.
std::optional<std::chrono::milliseconds> ahead_of(const http_response& answer, instant sent, instant received)
{
    const std::time_t read = curl_getdate(std::string(answer.header("date")).c_str(), nullptr);
    if (read < 0 || !answer.header("age").empty()) return std::nullopt;
    const instant made{std::chrono::seconds(read)};
    return std::clamp(made, sent - std::chrono::seconds(1), received) - made;
}

class curl_http_call final : public http_call {
public:
    curl_http_call(std::shared_ptr<net::curl_loop> loop, http_request request, std::shared_ptr<shared_by_calls> shared)
        : request_(std::move(request)), to_(net::read_address(request_.url)), refused_(refusal_of(request_, to_)),
          shared_(std::move(shared))
    {
        if (refused_) return;
        transfer_.emplace(std::move(loop));
        prepare();
        transfer_->start();
    }

    asio::awaitable<result<http_response>> answer() override
    {
        if (refused_) co_return *refused_;
        const bool finished = co_await transfer_->finished();
        if (!finished) co_return failure(errc::stopped, to_->origin + ": given up before the answer came");
        if (transfer_->code() != CURLE_OK) co_return why(transfer_->code());

        long status = 0;
        curl_easy_getinfo(transfer_->easy(), CURLINFO_RESPONSE_CODE, &status);
        response_.status = static_cast<int>(status);
        response_.end_head();
        shared_->expected = std::min(response_.body.size(), expected_body_max);
        const auto ahead = ahead_of(response_, sent_, wall_clock());
        if (ahead && shared_->watch) shared_->watch(to_->host, *ahead);
        co_return std::move(response_);
    }

private:
    void prepare();
    std::optional<failure> refused_by_proxy() const;
    failure why(CURLcode code) const;
    static std::size_t on_body(char* data, std::size_t, std::size_t bytes, void* self) noexcept;
    static std::size_t on_header(char* data, std::size_t, std::size_t bytes, void* self) noexcept;

    http_request request_;
    std::optional<net::address> to_;
    std::optional<failure> refused_;
    std::shared_ptr<shared_by_calls> shared_;
    instant sent_ = wall_clock();
    http_response response_;
    std::size_t header_bytes_ = 0;
    bool too_long_ = false;
    net::issuer_note issuer_ = std::make_shared<std::string>();
    net::curl_list headers_;
    std::optional<net::transfer> transfer_; // last: it ends before what it reads and writes
};

// A handle is used again for any request, so every option that a request may set is set by each.
void curl_http_call::prepare()
{
    CURL* easy = transfer_->easy();
    const auto set = [easy](CURLoption option, auto value) { curl_easy_setopt(easy, option, value); };
    const auto text_or_none = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
    static const curl_version_info_data* const built = curl_version_info(CURLVERSION_NOW);

    set(CURLOPT_URL, request_.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, long(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_NETRC, long(CURL_NETRC_IGNORED));
    set(CURLOPT_USERAGENT, "Rollbook/0.1");
    set(CURLOPT_ACCEPT_ENCODING, "");
    set(CURLOPT_BUFFERSIZE, receive_buffer_bytes);
    set(CURLOPT_TCP_NODELAY, 1L);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout.count()));
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.timeout.count()));
    set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request_.body_bytes_max));
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, long(CURL_SSLVERSION_TLSv1_2));
    // The file is read beside the system's folder of trust anchors, not instead of it.
    set(CURLOPT_CAINFO, request_.ca_file.empty() ? built->cainfo : request_.ca_file.c_str());
    set(CURLOPT_CAPATH, built->capath ? built->capath : "/etc/ssl/certs");
    // Never the environment's proxy; and none for this machine, as a proxy elsewhere would then see plain http.
    set(CURLOPT_PROXY, net::is_loopback(to_->host) ? "" : request_.proxy.c_str());
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    const bool by_ticket = request_.proxy_sign_in == http_request::sign_in::negotiate;
    set(CURLOPT_PROXYAUTH, long(by_ticket ? CURLAUTH_NEGOTIATE : CURLAUTH_BASIC));
    set(CURLOPT_PROXYUSERNAME, by_ticket ? "" : text_or_none(request_.proxy_user)); // empty: the ticket's own
    set(CURLOPT_PROXYPASSWORD, by_ticket ? "" : text_or_none(request_.proxy_password));
    net::note_issuer(easy, issuer_);
    set(CURLOPT_HTTPAUTH, long(CURLAUTH_BASIC));
    set(CURLOPT_USERNAME, text_or_none(request_.user));
    set(CURLOPT_PASSWORD, request_.user.empty() ? nullptr : request_.password.c_str());

    for (const std::string& header : request_.headers)
        net::append(headers_, header);
    if (request_.method == "POST") {
        net::append(headers_, "Expect:"); // its round trip buys nothing for small bodies
        set(CURLOPT_POST, 1L);
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
        set(CURLOPT_POSTFIELDS, request_.body.c_str());
    } else {
        set(CURLOPT_POSTFIELDS, nullptr);
        set(CURLOPT_HTTPGET, 1L);
    }
    set(CURLOPT_HTTPHEADER, headers_.get());

    set(CURLOPT_WRITEFUNCTION, &curl_http_call::on_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_HEADERFUNCTION, &curl_http_call::on_header);
    set(CURLOPT_HEADERDATA, this);
}

std::size_t curl_http_call::on_body(char* data, std::size_t, std::size_t bytes, void* self_) noexcept
{
    curl_http_call& self = *static_cast<curl_http_call*>(self_);
    std::string& body = self.response_.body;
    if (bytes > self.request_.body_bytes_max - body.size()) {
        self.too_long_ = true;
        return 0;
    }
    if (body.empty()) {
        curl_off_t announced = 0;
        curl_easy_getinfo(self.transfer_->easy(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
        body.reserve(announced > 0 ? static_cast<std::size_t>(announced) : std::max(bytes, self.shared_->expected));
    }
    body.append(data, bytes);
    return bytes;
}

std::size_t curl_http_call::on_header(char* data, std::size_t, std::size_t bytes, void* self_) noexcept
{
    curl_http_call& self = *static_cast<curl_http_call*>(self_);
    const std::string_view line(data, bytes);
    self.header_bytes_ += bytes;
    if (self.header_bytes_ > header_bytes_max) {
        self.too_long_ = true;
        return 0;
    }
    self.response_.take_head_line(line);
    return bytes;
}

// The proxy would not connect us; nothing of the request has gone out.
std::optional<failure> curl_http_call::refused_by_proxy() const
{
    long status = 0;
    curl_easy_getinfo(transfer_->easy(), CURLINFO_HTTP_CONNECTCODE, &status);
    if (status < 300) return {};
    const std::string what = fmt::format("{}: the proxy answered with status {}", to_->origin, status);
    if (status == 407)
        return failure(
            errc::source_misconfigured,
            what + ": it does not take who we say we are",
            "Check proxy_user and proxy_password of this source; or set proxy_negotiate, and see with klist that the "
            "account Rollbook runs as has a ticket."
        );
    if (status >= 500)
        return failure(
            errc::source_unreachable, what, "It is tried again by itself. If it stays so, ask who runs the proxy."
        );
    return failure(
        errc::source_misconfigured,
        what + ": it does not let us reach this host",
        "Let the proxy pass it; rollbook net allow-list prints every host."
    );
}

failure curl_http_call::why(CURLcode code) const
{
    if (auto refused = refused_by_proxy()) return *refused;
    const std::string& origin = to_->origin;
    const auto unreachable = [&](std::string_view what) {
        return failure(
            errc::source_unreachable,
            fmt::format("{}: {}", origin, what),
            "It is tried again by itself. If it stays so, look at the network, the firewall and the source's status "
            "page."
        );
    };
    const auto misconfigured = [&](std::string_view what, std::string to_do) {
        return failure(errc::source_misconfigured, fmt::format("{}: {}", origin, what), std::move(to_do));
    };
    const auto malformed = [&](std::string_view what, std::string to_do) {
        return failure(errc::page_malformed, fmt::format("{}: {}", origin, what), std::move(to_do));
    };
    const std::string cut_to_do = "It is read again by itself. If it stays so, report it to the source's support.";

    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return unreachable("the host name is not known");
    case CURLE_COULDNT_RESOLVE_PROXY: return unreachable("the proxy's name is not known");
    case CURLE_COULDNT_CONNECT: return unreachable("nothing accepts the connection");
    case CURLE_OPERATION_TIMEDOUT:
        return unreachable(fmt::format("no complete answer within {} ms", request_.timeout.count()));
    case CURLE_GOT_NOTHING: return unreachable("the connection was closed without an answer");
    case CURLE_SSL_CONNECT_ERROR: return unreachable("no TLS connection: " + transfer_->detail());
    case CURLE_PEER_FAILED_VERIFICATION:
        return misconfigured(
            fmt::format(
                "the server's certificate is not trusted: {}; its issuer is {}",
                transfer_->detail(),
                issuer_->empty() ? "not known" : *issuer_
            ),
            "If that issuer is the school's web filter, exempt this host from inspection or name the filter's "
            "authority in ca_file. If it is nobody you know, ask the source's support."
        );
    case CURLE_SSL_CACERT_BADFILE:
        return misconfigured("the file in ca_file cannot be read", "Name a readable PEM file in ca_file.");
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return misconfigured("the address is not an http or https address", "Correct the address in the settings.");
    case CURLE_FILESIZE_EXCEEDED:
        return malformed(
            fmt::format("the answer is longer than {} bytes", request_.body_bytes_max), "Ask for fewer rows a page."
        );
    case CURLE_WRITE_ERROR:
        if (too_long_ && header_bytes_ > header_bytes_max)
            return malformed(fmt::format("the answer's headers are longer than {} bytes", header_bytes_max), cut_to_do);
        if (too_long_)
            return malformed(
                fmt::format("the answer is longer than {} bytes", request_.body_bytes_max), "Ask for fewer rows a page."
            );
        return malformed("the answer cannot be unpacked", cut_to_do);
    case CURLE_PARTIAL_FILE: return malformed("the answer was cut short", cut_to_do);
    case CURLE_RECV_ERROR:
        if (header_bytes_ > 0) return malformed("the answer was cut short", cut_to_do);
        return unreachable("the connection was lost before the answer");
    case CURLE_SEND_ERROR: return unreachable("the connection was lost before the answer");
    case CURLE_BAD_CONTENT_ENCODING: return malformed("the answer cannot be unpacked", cut_to_do);
    case CURLE_WEIRD_SERVER_REPLY: return malformed("the answer is not HTTP", cut_to_do);
    default: break;
    }
    return unreachable(curl_easy_strerror(code));
}

class curl_http_client final : public http_client {
public:
    curl_http_client(asio::any_io_executor executor, clock_watch watch)
        : loop_(std::make_shared<net::curl_loop>(std::move(executor)))
    {
        shared_->watch = std::move(watch);
    }
    std::unique_ptr<http_call> start(http_request request) override
    {
        return std::make_unique<curl_http_call>(loop_, std::move(request), shared_);
    }

private:
    std::shared_ptr<net::curl_loop> loop_;
    std::shared_ptr<shared_by_calls> shared_ = std::make_shared<shared_by_calls>();
};

} // namespace

std::unique_ptr<http_client> make_http_client(asio::any_io_executor executor, clock_watch watch)
{
    return std::make_unique<curl_http_client>(std::move(executor), std::move(watch));
}

} // namespace rollbook
