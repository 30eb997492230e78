#include "daemon/net/curl_client.hpp"
#include "tests/unit/net/loopback_server.hpp"
#include "tests/unit/net/run.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <catch2/catch.hpp>

#include <ctime>

using namespace rollbook;
using namespace rollbook::test;

namespace {

struct fixture {
    boost::asio::io_context loop{1};
    std::unique_ptr<http_client> client = make_http_client(loop.get_executor());

    result<http_response> fetch(http_request request)
    {
        const auto call = client->start(std::move(request));
        return run(loop, call->answer());
    }
    result<http_response> fetch(const std::string& url) { return fetch(http_request(url)); }
};

http_request with_limit(const std::string& url, std::size_t bytes)
{
    http_request request(url);
    request.body_bytes_max = bytes;
    return request;
}

} // namespace

TEST_CASE("an answer carries status, type, headers and body", "[net]")
{
    loopback_http school([](const seen_request&) {
        return http_answer("200 OK", "Content-Type: Application/JSON; charset=utf-8\r\nX-Total: 12 \r\n", "{\"a\":1}");
    });
    fixture net;

    http_request request(school.origin() + "/v1/pupils?page=2");
    request.headers = {"Accept: application/json"};
    request.user = "reader";
    request.password = "pa:ss";
    const auto answer = net.fetch(std::move(request));

    REQUIRE(answer.has_value());
    CHECK(answer->status == 200);
    CHECK(answer->content_type == "application/json");
    CHECK(answer->header("x-total") == "12");
    CHECK(answer->body == "{\"a\":1}");
    const auto seen = school.seen().at(0);
    CHECK(seen.method == "GET");
    CHECK(seen.target == "/v1/pupils?page=2");
    CHECK(seen.headers.at("accept") == "application/json");
    CHECK(seen.headers.at("user-agent") == "Rollbook/0.1");
    CHECK(seen.headers.at("authorization") == "Basic cmVhZGVyOnBhOnNz");
}

TEST_CASE("the Date of an answer says how far our clock is ahead, unless a cache kept it or it cannot be read", "[net]")
{
    const std::time_t now = std::time(nullptr);
    const auto date = [now](std::chrono::seconds later) {
        const std::time_t at = now + later.count();
        char text[64];
        std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", std::gmtime(&at));
        return "Date: " + std::string(text) + "\r\n";
    };
    std::string headers;
    loopback_http school([&](const seen_request&) { return http_answer("200 OK", headers, "ok"); });
    boost::asio::io_context loop{1};
    std::vector<std::chrono::milliseconds> told;
    const auto client = make_http_client(loop.get_executor(), [&](const std::string& host, auto ahead) {
        CHECK(host == "127.0.0.1");
        told.push_back(ahead);
    });
    const auto fetch = [&](std::string sent) {
        headers = std::move(sent);
        told.clear();
        const auto call = client->start(http_request(school.origin()));
        REQUIRE(run(loop, call->answer()).has_value());
        return told;
    };
    // The computer may be slow, but not by an hour.
    const auto is_within = [](const auto& seen, std::chrono::seconds low, std::chrono::seconds high) {
        return seen.size() == 1 && low <= seen[0] && seen[0] <= high;
    };
    using namespace std::chrono_literals;
    CHECK(is_within(fetch(date(0s)), 0s, 600s));
    CHECK(is_within(fetch(date(-7200s)), 7198s, 7800s));
    CHECK(is_within(fetch(date(7200s)), -7200s, -6600s));
    CHECK(fetch(date(-7200s) + "Age: 7200\r\n").empty());
    CHECK(fetch("Date: Michaelmas\r\n").empty());
    CHECK(fetch("").empty());
}

TEST_CASE("requests one after another share one connection", "[net]")
{
    loopback_http school([](const seen_request& r) { return http_answer("200 OK", "", r.target); });
    fixture net;
    for (int n = 0; n < 20; ++n) {
        const std::string target = "/" + std::to_string(n);
        const auto answer = net.fetch(school.origin() + target);
        REQUIRE(answer.has_value());
        CHECK(answer->body == target);
    }
    CHECK(school.connections() == 1);
}

TEST_CASE("a handle used again forgets the last request's body, headers and credentials", "[net]")
{
    loopback_http school([](const seen_request&) { return http_answer("200 OK", "", "ok"); });
    fixture net;
    http_request post(school.origin() + "/token");
    post.method = "POST";
    post.body = "grant_type=client_credentials";
    post.user = "id";
    post.password = "key";
    post.headers = {"X-One: 1"};
    REQUIRE(net.fetch(std::move(post)).has_value());
    REQUIRE(net.fetch(school.origin() + "/page").has_value());

    const auto seen = school.seen();
    CHECK(seen.at(0).method == "POST");
    CHECK(seen.at(0).body == "grant_type=client_credentials");
    CHECK(seen.at(0).headers.count("expect") == 0);
    CHECK(seen.at(1).method == "GET");
    CHECK(seen.at(1).headers.count("authorization") == 0);
    CHECK(seen.at(1).headers.count("x-one") == 0);
    CHECK(seen.at(1).headers.count("content-length") == 0);
}

TEST_CASE("a started request reaches the source before its answer is waited for", "[net]")
{
    loopback_http school([](const seen_request&) { return http_answer("200 OK", "", "ok"); });
    fixture net;
    REQUIRE(net.fetch(school.origin() + "/first").has_value());

    const auto call = net.client->start(http_request(school.origin() + "/second"));
    CHECK(school.arrived(2)); // nothing has run the loop since
    const auto answer = run(net.loop, call->answer());
    REQUIRE(answer.has_value());
    CHECK(answer->body == "ok");
}

TEST_CASE("requests under way together are all answered", "[net]")
{
    loopback_http school([](const seen_request& r) { return http_answer("200 OK", "", r.target); });
    fixture net;
    std::vector<std::unique_ptr<http_call>> calls;
    for (int n = 0; n < 12; ++n)
        calls.push_back(net.client->start(http_request(school.origin() + "/" + std::to_string(n))));
    for (int n = 0; n < 12; ++n) {
        const auto answer = run(net.loop, calls[static_cast<std::size_t>(n)]->answer());
        REQUIRE(answer.has_value());
        CHECK(answer->body == "/" + std::to_string(n));
    }
}

TEST_CASE("a call that is destroyed is cancelled and the client still works", "[net]")
{
    loopback_server silent([](connection& open) { open.drain(); });
    loopback_http school([](const seen_request&) { return http_answer("200 OK", "", "ok"); });
    fixture net;
    {
        const auto call = net.client->start(http_request(silent.origin()));
        net.loop.restart();
        net.loop.run_for(std::chrono::milliseconds(20));
    }
    net.loop.restart();
    net.loop.run(); // ends, because nothing is under way
    CHECK(net.fetch(school.origin()).has_value());
}

TEST_CASE("a call may outlive its client", "[net]")
{
    loopback_http school([](const seen_request&) { return http_answer("200 OK", "", "ok"); });
    fixture net;
    const auto call = net.client->start(http_request(school.origin()));
    net.client.reset();
    CHECK(run(net.loop, call->answer()).has_value());
}

TEST_CASE("a loop with calls under way can be destroyed", "[net]")
{
    loopback_server silent([](connection& open) { open.drain(); });
    auto net = std::make_unique<fixture>();
    const auto call = net->client->start(http_request(silent.origin()));
    const auto wait = [&call]() -> boost::asio::awaitable<void> { (void)co_await call->answer(); };
    const auto ignore = [](std::exception_ptr) {};
    boost::asio::co_spawn(net->loop, wait(), ignore);
    net->loop.run_for(std::chrono::milliseconds(20));
    CHECK(silent.connections() == 1);
    net->client.reset();
}

TEST_CASE("a body over the limit is refused, announced or not, and never cut", "[net]")
{
    const std::string body(5000, 'x');
    loopback_server school([&](connection& open) {
        while (const auto request = read_request(open)) {
            if (request->target == "/announced") {
                open.write(http_answer("200 OK", "", body));
            } else {
                open.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n" + body + "\r\n0\r\n\r\n");
            }
        }
    });
    fixture net;
    for (const std::string target : {"/announced", "/chunked"}) {
        CAPTURE(target);
        CHECK(net.fetch(with_limit(school.origin() + target, 5000))->body == body);
        const auto refused = net.fetch(with_limit(school.origin() + target, 4999));
        REQUIRE(!refused);
        CHECK(refused.error().code == errc::page_malformed);
    }
}

TEST_CASE("a reply of 2 GB is refused as soon as it says so, and at the limit when it does not", "[net]")
{
    const bool announced = GENERATE(true, false);
    constexpr std::size_t two_gigabytes = std::size_t{2} << 30;
    constexpr std::size_t limit = std::size_t{1} << 20;
    std::atomic<std::size_t> sent{0};
    loopback_server source([&](connection& open) {
        if (!read_request(open)) return;
        open.write(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" +
            (announced ? "Content-Length: " + std::to_string(two_gigabytes) : std::string("Connection: close")) +
            "\r\n\r\n"
        );
        const std::string piece(64u << 10, ' ');
        while (sent < two_gigabytes && open.is_open()) {
            open.write(piece);
            sent += piece.size();
        }
    });
    boost::asio::io_context loop{1};
    {
        const auto client = make_http_client(loop.get_executor());
        http_request request(source.origin() + "/");
        request.body_bytes_max = limit;
        const auto call = client->start(std::move(request));
        const auto got = run(loop, call->answer());
        REQUIRE(!got);
        CHECK(got.error().code == errc::page_malformed);
        CHECK_THAT(got.error().what, Catch::Contains("longer than"));
    }
    CHECK(sent < std::size_t{64} << 20); // what the two ends' buffers hold, and no more
}

TEST_CASE("a transfer that ends early is a malformed page", "[net]")
{
    const std::string start = GENERATE(
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf of it"
    );
    loopback_server school([&](connection& open) {
        (void)read_request(open);
        open.write(start);
    });
    fixture net;
    const auto answer = net.fetch(school.origin());
    REQUIRE(!answer);
    CHECK(answer.error().code == errc::page_malformed);
}

TEST_CASE("a chunked body arrives whole, however it is cut up", "[net]")
{
    loopback_server school([](connection& open) {
        while (read_request(open)) {
            open.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
            open.write("lo\r\n6;part=2\r\n ");
            open.write("world\r\n0\r\n\r\n");
        }
    });
    fixture net;
    const auto answer = net.fetch(school.origin());
    REQUIRE(answer.has_value());
    CHECK(answer->body == "hello world");
    CHECK(net.fetch(school.origin()).has_value());
    CHECK(school.connections() == 1);
}

TEST_CASE("nothing listening, and a connection closed without an answer, are unreachable", "[net]")
{
    int closed_port = 0;
    {
        loopback_server gone([](connection&) {});
        closed_port = gone.port();
    }
    loopback_server rude([](connection& open) { (void)read_request(open); });
    fixture net;
    for (const std::string& url : {"http://127.0.0.1:" + std::to_string(closed_port) + "/a?key=abc", rude.origin()}) {
        const auto answer = net.fetch(url);
        REQUIRE(!answer);
        CHECK(answer.error().code == errc::source_unreachable);
        CHECK_THAT(answer.error().what, Catch::Contains("http://127.0.0.1:") && !Catch::Contains("abc"));
    }
}

TEST_CASE("no answer in time is unreachable, and the loop ends", "[net]")
{
    loopback_server silent([](connection& open) { open.drain(); });
    fixture net;
    http_request request(silent.origin());
    request.timeout = std::chrono::milliseconds(50);
    const auto answer = net.fetch(std::move(request));
    REQUIRE(!answer);
    CHECK(answer.error().code == errc::source_unreachable);
    net.loop.restart();
    net.loop.run();
}

TEST_CASE("refusals and redirects are answers, with their headers", "[net]")
{
    loopback_http school([](const seen_request& r) {
        if (r.target == "/busy") return http_answer("429 Too Many Requests", "Retry-After: 17\r\n", "");
        return http_answer("302 Found", "Location: https://elsewhere.example/\r\n", "");
    });
    fixture net;
    const auto busy = net.fetch(school.origin() + "/busy");
    REQUIRE(busy.has_value());
    CHECK(busy->status == 429);
    CHECK(busy->header("retry-after") == "17");
    const auto moved = net.fetch(school.origin() + "/moved");
    REQUIRE(moved.has_value());
    CHECK(moved->status == 302);
    CHECK(school.seen().size() == 2);
}

TEST_CASE("http beyond this machine, other schemes and split headers are never sent", "[net]")
{
    fixture net;
    for (const std::string url :
         {"http://mis.example.sch.uk/",
          "http://192.0.2.1/",
          "http://127.0.0.1.example.org/",
          "http://localhost.example/",
          "http://[2001:db8::1]/",
          "ftp://127.0.0.1/",
          "file:///etc/passwd",
          "not an address",
          ""}) {
        CAPTURE(url);
        const auto answer = net.fetch(url);
        REQUIRE(!answer);
        CHECK(answer.error().code == errc::source_misconfigured);
        CHECK(!answer.error().to_do.empty());
    }
    loopback_http school([](const seen_request&) { return http_answer("200 OK", "", ""); });
    http_request split(school.origin());
    split.headers = {"Authorization: Bearer key\r\nX-Other: 1"};
    const auto answer = net.fetch(std::move(split));
    REQUIRE(!answer);
    CHECK(answer.error().code == errc::source_misconfigured);
    CHECK_THAT(answer.error().what, !Catch::Contains("Bearer"));
    CHECK(school.connections() == 0);
}

namespace {

// What a proxy is told of a request to a host beyond it, and what comes of its answer.
struct proxied {
    std::vector<seen_request> seen;
    failure why;
};
proxied through_proxy(std::string answer, const std::function<void(http_request&)>& sign_in)
{
    loopback_http proxy([answer = std::move(answer)](const seen_request&) { return answer; });
    boost::asio::io_context loop{1};
    const auto client = make_http_client(loop.get_executor());
    http_request request("https://mis.example.test/v1/marks?key=s3cret");
    request.headers.emplace_back("Authorization: Bearer s3cret");
    request.proxy = proxy.origin();
    sign_in(request);
    const auto call = client->start(std::move(request));
    const auto got = run(loop, call->answer());
    REQUIRE(!got);
    return {proxy.seen(), got.error()};
}

} // namespace

TEST_CASE("a proxy is told the host, who we are to it, and nothing of the request", "[net]")
{
    const auto asked = through_proxy(http_answer("403 Forbidden", "", ""), [](http_request& r) {
        r.proxy_user = "school";
        r.proxy_password = "pr0xy";
    });
    REQUIRE(asked.seen.size() == 1);
    CHECK(asked.seen[0].method == "CONNECT");
    CHECK(asked.seen[0].target == "mis.example.test:443");
    CHECK(asked.seen[0].headers.at("proxy-authorization") == "Basic c2Nob29sOnByMHh5");
    CHECK(asked.seen[0].headers.count("authorization") == 0);
    CHECK(asked.why.code == errc::source_misconfigured);
    CHECK_THAT(asked.why.what, Catch::Contains("https://mis.example.test:443: the proxy answered with status 403"));
    CHECK_THAT(asked.why.to_do, Catch::Contains("net allow-list"));
    CHECK_THAT(asked.why.what + asked.why.to_do, !Catch::Contains("pr0xy") && !Catch::Contains("s3cret"));
}

TEST_CASE("a proxy that wants to know who we are is a matter for a person", "[net]")
{
    const auto nobody = through_proxy(
        http_answer("407 Proxy Authentication Required", "Proxy-Authenticate: Basic realm=\"a\"\r\n", ""),
        [](http_request&) {}
    );
    CHECK(nobody.seen[0].headers.count("proxy-authorization") == 0);
    CHECK(nobody.why.code == errc::source_misconfigured);
    CHECK_THAT(nobody.why.to_do, Catch::Contains("proxy_user"));

    // No ticket on this machine: nothing is sent in its place.
    const auto ticket = through_proxy(
        http_answer("407 Proxy Authentication Required", "Proxy-Authenticate: Negotiate\r\n", ""),
        [](http_request& r) { r.proxy_sign_in = http_request::sign_in::negotiate; }
    );
    for (const seen_request& each : ticket.seen)
        CHECK(each.headers.count("proxy-authorization") == 0);
    CHECK(ticket.why.code == errc::source_misconfigured);
    CHECK_THAT(ticket.why.to_do, Catch::Contains("klist"));
}

TEST_CASE("a proxy in trouble is tried again", "[net]")
{
    const auto busy = through_proxy(http_answer("503 Service Unavailable", "", ""), [](http_request&) {});
    CHECK(busy.why.code == errc::source_unreachable);
}

TEST_CASE("localhost by name is loopback", "[net]")
{
    loopback_http school([](const seen_request&) { return http_answer("200 OK", "", "ok"); });
    fixture net;
    CHECK(net.fetch("http://localhost:" + std::to_string(school.port()) + "/").has_value());
}

TEST_CASE("a waiter that is cancelled gets stopped, and its connection is dropped with the call", "[net]")
{
    loopback_server silent([](connection& open) { open.drain(); });
    fixture net;
    auto call = net.client->start(http_request(silent.origin()));
    const auto wait = [&call]() -> boost::asio::awaitable<result<http_response>> { return call->answer(); };
    boost::asio::cancellation_signal stop;
    std::optional<errc> got;
    boost::asio::co_spawn(
        net.loop,
        wait(),
        boost::asio::bind_cancellation_slot(
            stop.slot(),
            [&](std::exception_ptr, const result<http_response>& answer) {
                if (!answer) got = answer.error().code;
            }
        )
    );
    net.loop.run_for(std::chrono::milliseconds(20));
    stop.emit(boost::asio::cancellation_type::terminal);
    net.loop.restart();
    net.loop.run_for(std::chrono::milliseconds(20));
    CHECK(got == errc::stopped);
    call.reset();
    net.loop.restart();
    net.loop.run(); // ends, because nothing is under way
}

// Run by hand: test_unit_net "[.timing]".
TEST_CASE("timing of pages of 50 KB one after another", "[net][.timing]")
{
    const std::string page = http_answer("200 OK", "Content-Type: application/json\r\n", std::string(50'000, 'x'));
    loopback_server school([&](connection& open) {
        while (read_request(open))
            open.write(page);
    });
    fixture net;
    const auto pages = [&net, &school](int count, bool ahead) -> boost::asio::awaitable<int> {
        std::unique_ptr<http_call> next;
        int good = 0;
        for (int n = 0; n < count; ++n) {
            const std::unique_ptr<http_call> call =
                next ? std::move(next) : net.client->start(http_request(school.origin()));
            const result<http_response> answer = co_await call->answer();
            if (ahead) next = net.client->start(http_request(school.origin()));
            good += answer && answer->body.size() == 50'000;
        }
        co_return good;
    };
    (void)run(net.loop, pages(200, false));
    for (const bool ahead : {false, true}) {
        constexpr int count = 20'000;
        timespec cpu_before{}, cpu_after{};
        const auto before = std::chrono::steady_clock::now();
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu_before);
        CHECK(run(net.loop, pages(count, ahead)) == count);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu_after);
        const std::chrono::duration<double, std::micro> wall = std::chrono::steady_clock::now() - before;
        const double cpu = 1e6 * static_cast<double>(cpu_after.tv_sec - cpu_before.tv_sec) +
                           1e-3 * static_cast<double>(cpu_after.tv_nsec - cpu_before.tv_nsec);
        WARN(
            (ahead ? "next page asked ahead: " : "one page at a time: ")
            << cpu / count << " us of client CPU, " << wall.count() / count << " us of wall time a page"
        );
    }
}
