#include "daemon/web/server.hpp"

#include "daemon/base/ascii.hpp"
#include "daemon/base/certificate.hpp"
#include "daemon/base/events.hpp"
#include "daemon/web/site.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <map>
#include <set>

namespace rollbook {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

constexpr std::size_t header_bytes_max = 16 * 1024;
constexpr std::size_t body_bytes_max = 64 * 1024;
constexpr std::size_t connections_max = 128;
constexpr std::size_t connections_each_max = 32; // of one address
constexpr std::chrono::seconds handshake_wait_max{10};
constexpr std::chrono::seconds request_wait_max{
    15}; // from the first byte of a request, or of waiting for it, to its last
constexpr std::chrono::seconds answer_wait_max{60};
constexpr std::chrono::minutes file_wait_max{10};             // from a file's first byte to its last
constexpr std::uint64_t unread_bytes_max = 256 * 1024 * 1024; // of a file that was refused
constexpr std::chrono::minutes unread_wait_max{1};
constexpr std::chrono::milliseconds farewell{900};

// What connections share; it outlives the server where a connection does.
struct connections {
    std::map<std::string, std::size_t> by_peer;
    std::set<beast::tcp_stream*> waiting; // for a request: cancelled at the end
    std::size_t open = 0;
    bool is_ending = false;
    std::shared_ptr<site> pages;
};

// Counts a connection for as long as it lives.
class counted {
public:
    counted(std::shared_ptr<connections> all, std::string peer) : all_(std::move(all)), peer_(std::move(peer))
    {
        ++all_->open;
        ++all_->by_peer[peer_];
    }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted()
    {
        --all_->open;
        if (--all_->by_peer[peer_] == 0) all_->by_peer.erase(peer_);
    }

private:
    std::shared_ptr<connections> all_;
    std::string peer_;
};

// Lines of a header never hold a line end, whatever went into them.
std::string header_line(std::string_view name, std::string_view value)
{
    std::string line(name);
    line += ": ";
    for (const char c : value)
        line += is_control(c) ? ' ' : c;
    return line + "\r\n";
}

std::string to_bytes(const web_answer& answer, bool with_body, bool over_tls, bool keep_alive)
{
    std::string out = "HTTP/1.1 " + std::to_string(answer.status) + " ";
    out += std::string(http::obsolete_reason(static_cast<http::status>(answer.status))) + "\r\n";
    out += header_line("Content-Type", answer.type);
    out += header_line("Content-Length", std::to_string(answer.stream ? answer.stream->size() : answer.body.size()));
    for (const auto& [name, value] : security_headers(over_tls, answer.may_be_kept))
        out += header_line(name, value);
    for (const auto& [name, value] : answer.headers)
        out += header_line(name, value);
    out += header_line("Connection", keep_alive ? "keep-alive" : "close");
    out += "\r\n";
    if (with_body) out += answer.body;
    return out;
}

std::string text_of(const http::fields& from, http::field name)
{
    return std::string(from[name]);
}

// What the header asks for, or the answer that says what is wrong with it.
boost::system::result<web_request, web_answer>
taken_apart(const http::request_header<>& from, const std::string& peer, bool over_tls, const site& pages)
{
    web_request request;
    request.method = std::string(from.method_string());
    request.peer = peer;
    request.over_tls = over_tls;
    if (from.method() != http::verb::get && from.method() != http::verb::head && from.method() != http::verb::post) {
        web_answer no =
            pages.plain_answer(405, "Not done this way", "Pages are read with GET and forms sent with POST.");
        no.headers.emplace_back("Allow", "GET, HEAD, POST");
        return no;
    }
    request.host = text_of(from, http::field::host);
    auto target = parse_target(std::string_view(from.target().data(), from.target().size()));
    if (!target || request.host.empty() || from.count(http::field::host) != 1)
        return pages.plain_answer(400, "Not understood", "The address is not one that this server could have.");
    request.target = std::move(*target);
    request.cookies = parse_cookies(text_of(from, http::field::cookie));
    request.origin = text_of(from, http::field::origin);
    request.fetch_site = std::string(from["Sec-Fetch-Site"]);
    if (const std::string identity = pages.identity_header(); !identity.empty())
        for (auto [at, end] = from.equal_range(identity); at != end; ++at)
            request.identities.emplace_back(at->value());
    request.forwarded = from.count("X-Forwarded-For") > 0 || from.count(http::field::forwarded) > 0;
    const std::string forwarded_for(from["X-Forwarded-For"]); // of several the last, which the nearest proxy wrote
    request.client =
        request.forwarded ? trimmed(std::string_view(forwarded_for).substr(forwarded_for.rfind(',') + 1), " ") : peer;
    if (request.is_post()) request.content_type = text_of(from, http::field::content_type);
    return request;
}

// What is wrong with a form, where something is.
std::optional<web_answer> read_form(web_request& request, std::string_view body, const site& pages)
{
    if (!request.content_type.starts_with("application/x-www-form-urlencoded"))
        return pages.plain_answer(415, "Not understood", "Forms are sent as the pages send them.");
    auto form = parse_form(body);
    if (!form) return pages.plain_answer(400, "Not understood", "The form could not be read.");
    request.form = std::move(*form);
    return std::nullopt;
}

// A form with a file, for a page that takes one.
bool carries_file(const web_request& request)
{
    if (!request.is_post() || !request.content_type.starts_with("multipart/form-data")) return false;
    const route* to = find_route(request.target.path).to;
    return to && to->takes_files;
}

// What is said of bytes that are no request; nothing where the other side is gone or too slow.
std::optional<web_answer> refusal(const boost::system::error_code& why, const site& pages)
{
    if (why == http::error::header_limit || why == http::error::buffer_overflow)
        return pages.plain_answer(431, "Too long", "The request's header is longer than this server takes.");
    if (why == http::error::body_limit)
        return pages.plain_answer(413, "Too long", "What was sent is longer than this server takes.");
    const bool is_silent = why == http::error::end_of_stream || why == http::error::partial_message;
    if (why.category() != boost::system::error_code(http::error::bad_method).category() || is_silent)
        return std::nullopt;
    return pages.plain_answer(400, "Not understood", "That was not HTTP as this server speaks it.");
}

// What one connection is, while it lasts.
template <class Stream> struct talker {
    Stream& stream;
    beast::tcp_stream& lowest;
    std::shared_ptr<connections> all;
    beast::flat_buffer buffer{header_bytes_max + body_bytes_max};
};

// A body that is not held at once.
template <class Stream> class incoming_body final : public web_body {
public:
    incoming_body(talker<Stream>& with, http::request_parser<http::empty_body>&& head)
        : with_(with), parser_(std::move(head)), until_(std::chrono::steady_clock::now() + file_wait_max)
    {
        is_too_long_ = parser_.content_length() && *parser_.content_length() > body_limit;
        parser_.body_limit(body_limit);
    }

    bool is_too_long() const { return is_too_long_; }

    asio::awaitable<result<std::string>> more() override
    {
        if (is_too_long_) co_return failure(errc::usage, "the file is too long", too_long);
        if (waits_for_word_) {
            waits_for_word_ = false;
            const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
            const auto [unsent, sent] =
                co_await asio::async_write(with_.stream, asio::buffer(go_on), asio::as_tuple(asio::use_awaitable));
            if (unsent) co_return failure(errc::usage, "nobody is there any more", "Send it again.");
        }
        result<std::string> piece = co_await next_piece();
        co_return piece;
    }

    // Reads on for a while, so that who still sends gets to see the answer. Whether the end was reached.
    asio::awaitable<bool> pass_over(std::uint64_t bytes_max)
    {
        // Who waited for the word was not given it, and sends nothing.
        if (waits_for_word_) co_return false;
        parser_.body_limit(boost::none);
        until_ = std::chrono::steady_clock::now() + unread_wait_max;
        for (std::uint64_t passed = 0; !parser_.is_done() && passed < bytes_max;) {
            const result<std::string> piece = co_await next_piece();
            if (!piece) break;
            passed += piece->size();
        }
        co_return parser_.is_done();
    }

private:
    asio::awaitable<result<std::string>> next_piece()
    {
        std::string piece;
        while (piece.empty() && !parser_.is_done()) {
            piece.resize(64 * 1024);
            parser_.get().body().data = piece.data();
            parser_.get().body().size = piece.size();
            with_.lowest.expires_at(std::min(until_, std::chrono::steady_clock::now() + request_wait_max));
            with_.all->waiting.insert(&with_.lowest);
            const auto [failed, size] = co_await http::async_read_some(
                with_.stream, with_.buffer, parser_, asio::as_tuple(asio::use_awaitable)
            );
            with_.all->waiting.erase(&with_.lowest);
            piece.resize(piece.size() - parser_.get().body().size);
            is_too_long_ = is_too_long_ || failed == http::error::body_limit;
            if (failed == http::error::body_limit) co_return failure(errc::usage, "the file is too long", too_long);
            if (failed && failed != http::error::need_buffer)
                co_return failure(errc::usage, "the file did not come to its end", "Send it again.");
        }
        co_return piece;
    }

    static constexpr std::uint64_t form_bytes_max = 64 * 1024; // around the file
    static constexpr std::uint64_t body_limit = export_bytes_max + form_bytes_max;
    static constexpr const char* too_long =
        "Export less at a time, or put the file into the source's folder by other means.";

    talker<Stream>& with_;
    http::request_parser<http::buffer_body> parser_;
    std::chrono::steady_clock::time_point until_;
    bool is_too_long_ = false;
    bool waits_for_word_ = beast::iequals(parser_.get()[http::field::expect], "100-continue");
};

// Answers a form with a file. Gives whether another request may follow.
template <class Stream>
asio::awaitable<bool>
take_file(talker<Stream>& with, http::request_parser<http::empty_body>&& head, web_request request, bool over_tls)
{
    const bool keep_alive = head.get().keep_alive();
    incoming_body<Stream> body(with, std::move(head));
    request.body = &body;
    web_answer answer = co_await with.all->pages->answer(std::move(request));
    if (answer.status == 400 && body.is_too_long()) answer.status = 413;
    const std::string bytes = to_bytes(answer, true, over_tls, keep_alive);
    with.lowest.expires_after(answer_wait_max);
    const auto [unsent, sent] =
        co_await asio::async_write(with.stream, asio::buffer(bytes), asio::as_tuple(asio::use_awaitable));
    if (unsent) co_return false;
    const bool is_stranger = answer.status == 401 || answer.status == 404 || answer.status == 429;
    const bool was_read = co_await body.pass_over(is_stranger ? body_bytes_max : unread_bytes_max);
    co_return keep_alive ? was_read : false;
}

// One connection, request after request, until one side ends it.
template <class Stream>
asio::awaitable<void>
talk(Stream& stream, beast::tcp_stream& lowest, std::shared_ptr<connections> all, std::string peer, bool over_tls)
{
    talker<Stream> with{stream, lowest, all};
    for (bool goes_on = true; goes_on && !all->is_ending;) {
        http::request_parser<http::empty_body> head;
        head.header_limit(header_bytes_max);
        head.body_limit(boost::none);
        lowest.expires_after(request_wait_max);
        all->waiting.insert(&lowest);
        auto [failed, size] =
            co_await http::async_read_header(stream, with.buffer, head, asio::as_tuple(asio::use_awaitable));
        auto request = failed ? boost::system::result<web_request, web_answer>(web_answer())
                              : taken_apart(head.get(), peer, over_tls, *all->pages);
        if (!failed && request && carries_file(*request)) {
            all->waiting.erase(&lowest);
            goes_on = co_await take_file(with, std::move(head), std::move(*request), over_tls);
            continue;
        }
        http::request_parser<http::string_body> whole(std::move(head));
        whole.body_limit(body_bytes_max);
        if (!failed && whole.content_length() && *whole.content_length() > body_bytes_max)
            failed = http::error::body_limit;
        if (!failed) {
            const auto [unread, rest] =
                co_await http::async_read(stream, with.buffer, whole, asio::as_tuple(asio::use_awaitable));
            failed = unread;
        }
        all->waiting.erase(&lowest);
        web_answer answer;
        bool with_body = true;
        if (failed) {
            auto no = refusal(failed, *all->pages);
            if (!no) co_return;
            answer = std::move(*no);
            goes_on = false;
        } else {
            goes_on = whole.get().keep_alive();
            with_body = whole.get().method() != http::verb::head;
            lowest.expires_never();
            auto wrong = request && request->is_post() ? read_form(*request, whole.get().body(), *all->pages)
                                                       : std::optional<web_answer>();
            if (!request)
                answer = std::move(request).error();
            else if (wrong)
                answer = std::move(*wrong);
            else
                answer = co_await all->pages->answer(std::move(*request));
        }
        goes_on = goes_on && !all->is_ending;
        const std::string bytes = to_bytes(answer, with_body, over_tls, goes_on);
        lowest.expires_after(answer_wait_max);
        const auto [unsent, sent] =
            co_await asio::async_write(stream, asio::buffer(bytes), asio::as_tuple(asio::use_awaitable));
        if (unsent) co_return;
        if (!answer.stream || !with_body) continue;
        // Nobody waits for the end of a long one when the daemon stops.
        for (std::string part = answer.stream->next(); !part.empty(); part = answer.stream->next()) {
            if (all->is_ending) co_return;
            lowest.expires_after(answer_wait_max);
            const auto [broken, some] =
                co_await asio::async_write(stream, asio::buffer(part), asio::as_tuple(asio::use_awaitable));
            if (broken) co_return;
        }
    }
}

asio::awaitable<void> talk_plainly(tcp::socket socket, std::shared_ptr<connections> all, std::string peer)
{
    const counted one(all, peer);
    beast::tcp_stream stream(std::move(socket));
    co_await talk(stream, stream, all, peer, false);
    boost::system::error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

asio::awaitable<void> talk_by_tls(
    tcp::socket socket, std::shared_ptr<asio::ssl::context> context, std::shared_ptr<connections> all, std::string peer
)
{
    const counted one(all, peer);
    asio::ssl::stream<beast::tcp_stream> stream(beast::tcp_stream(std::move(socket)), *context);
    beast::tcp_stream& lowest = stream.next_layer();
    lowest.expires_after(handshake_wait_max);
    const auto [failed] =
        co_await stream.async_handshake(asio::ssl::stream_base::server, asio::as_tuple(asio::use_awaitable));
    if (failed) co_return;
    co_await talk(stream, lowest, all, peer, true);
    lowest.expires_after(std::chrono::seconds(1));
    co_await stream.async_shutdown(asio::as_tuple(asio::use_awaitable));
}

result<std::shared_ptr<asio::ssl::context>> make_context(const certificate_and_key& pem)
{
    auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    context->set_options(
        asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1 |
        asio::ssl::context::no_compression
    );
    // Without this the library asks at the terminal, where nobody may be.
    context->set_password_callback([](std::size_t, asio::ssl::context::password_purpose) { return std::string(); });
    boost::system::error_code failed;
    context->use_certificate_chain(asio::buffer(pem.certificate), failed);
    if (!failed) context->use_private_key(asio::buffer(pem.key), asio::ssl::context::pem, failed);
    if (!failed) return context;
    return failure(
        errc::configuration_invalid,
        "[web.tls] certificate and private_key cannot be used: " + failed.message(),
        "Give a PEM file with the certificate and its chain, and its own key in PEM, without a passphrase."
    );
}

class beast_server final : public page_server {
public:
    beast_server(asio::any_io_executor executor, std::shared_ptr<site> pages)
        : acceptor_(executor), all_(std::make_shared<connections>())
    {
        all_->pages = std::move(pages);
    }

    // Connections may still hold the site when the loop ends; its workers must not outlive that loop.
    ~beast_server() override { all_->pages->close(); }

    result<void> listen(const std::string& where)
    {
        const std::size_t colon = where.rfind(':');
        std::string host = where.substr(0, colon);
        if (host == "localhost") host = "127.0.0.1";
        if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
        boost::system::error_code failed;
        const auto address = asio::ip::make_address(host, failed);
        if (!failed) acceptor_.open(address.is_v6() ? tcp::v6() : tcp::v4(), failed);
        if (!failed) acceptor_.set_option(tcp::acceptor::reuse_address(true), failed);
        if (!failed) acceptor_.bind({address, static_cast<unsigned short>(std::stoi(where.substr(colon + 1)))}, failed);
        if (!failed) acceptor_.listen(64, failed);
        if (!failed) return {};
        return failure(
            errc::configuration_invalid,
            "[web] listen " + where + " cannot be opened: " + failed.message(),
            "Give an address of this machine and a port that nothing else uses."
        );
    }

    // By TLS, with what `read` gives of the settings in force.
    result<void> use_tls(decltype(web_surroundings::read_certificate) read)
    {
        read_certificate_ = std::move(read);
        return read_certificate();
    }

    void take(const configuration& settings) override { all_->pages->take(settings); }

    std::optional<instant> renew_certificate() override
    {
        if (context_ && !all_->pages->settings().web.certificate.empty())
            if (const result<void> renewed = read_certificate(); !renewed)
                log_event(event::certificate_kept, renewed.error().what, renewed.error().to_do);
        return certificate_ends_;
    }

    asio::awaitable<void> serve() override
    {
        co_await asio::this_coro::throw_if_cancelled(false);
        asio::steady_timer pause(acceptor_.get_executor());
        while (!is_cancelled(co_await asio::this_coro::cancellation_state)) {
            auto [failed, socket] = co_await acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
            if (failed == asio::error::operation_aborted) break;
            if (failed) {
                // No descriptor is free, or the like: it passes.
                pause.expires_after(std::chrono::milliseconds(200));
                co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
                continue;
            }
            welcome(std::move(socket));
        }
        co_await end();
    }

private:
    result<void> read_certificate()
    {
        const auto read = read_certificate_(all_->pages->settings());
        if (!read) return read.error();
        auto made = make_context(*read);
        if (!made) return made.error();
        context_ = std::move(*made);
        certificate_ends_ = certificate_ends(read->certificate);
        return {};
    }

    static bool is_cancelled(const asio::cancellation_state& state)
    {
        return state.cancelled() != asio::cancellation_type::none;
    }

    void welcome(tcp::socket socket)
    {
        boost::system::error_code failed;
        const tcp::endpoint from = socket.remote_endpoint(failed);
        if (failed) return;
        std::string peer = from.address().to_string();
        const auto held = all_->by_peer.find(peer);
        // All of a school comes from its proxy's address.
        const bool is_peer_full = held != all_->by_peer.end() && held->second >= connections_each_max;
        if (all_->open >= connections_max || (is_peer_full && !all_->pages->believes(peer))) {
            if (const auto now = std::chrono::steady_clock::now(); now - told_full_ > std::chrono::minutes(1)) {
                told_full_ = now;
                log_event(event::pages_full);
            }
            return; // and is closed
        }
        socket.set_option(tcp::no_delay(true), failed);
        const auto executor = acceptor_.get_executor();
        if (context_)
            asio::co_spawn(executor, talk_by_tls(std::move(socket), context_, all_, std::move(peer)), asio::detached);
        else
            asio::co_spawn(executor, talk_plainly(std::move(socket), all_, std::move(peer)), asio::detached);
    }

    // Who waits for nothing is let go at once; an answer under way may still be sent.
    asio::awaitable<void> end()
    {
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        all_->is_ending = true;
        const std::set<beast::tcp_stream*> waiting = all_->waiting;
        for (beast::tcp_stream* each : waiting)
            each->cancel();
        asio::steady_timer pause(acceptor_.get_executor());
        const auto limit = std::chrono::steady_clock::now() + farewell;
        while (all_->open > 0 && std::chrono::steady_clock::now() < limit) {
            pause.expires_after(std::chrono::milliseconds(10));
            co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
        }
    }

    tcp::acceptor acceptor_;
    decltype(web_surroundings::read_certificate) read_certificate_;
    std::shared_ptr<asio::ssl::context> context_; // of connections to come
    std::optional<instant> certificate_ends_;
    std::shared_ptr<connections> all_;
    std::chrono::steady_clock::time_point told_full_{};
};

} // namespace

result<std::unique_ptr<page_server>> make_page_server(asio::any_io_executor executor, web_surroundings surroundings)
{
    const std::string where = surroundings.settings->web.listen;
    const bool by_tls = !surroundings.settings->web.certificate.empty();
    auto read_certificate = surroundings.read_certificate;
    auto server = std::make_unique<beast_server>(executor, std::make_shared<site>(executor, std::move(surroundings)));
    if (by_tls)
        if (const result<void> used = server->use_tls(std::move(read_certificate)); !used) return used.error();
    const result<void> listening = server->listen(where);
    if (!listening) return listening.error();
    log_event(event::pages_ready, where);
    return std::unique_ptr<page_server>(std::move(server));
}

} // namespace rollbook
