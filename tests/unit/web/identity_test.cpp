#include "daemon/base/sha256.hpp"
#include "tests/unit/web/site_fixture.hpp"

namespace rollbook {
namespace {

const std::string proxy = "10.1.0.7";
const std::string outsider = "10.2.0.7";

// The small school behind a sign-on of its own.
struct proxy_fixture : site_fixture {
    proxy_fixture()
    {
        config.web.identity_header = "X-Remote-User";
        config.web.identity_from = {
            address_range::parse("10.1.0.0/24").value(), address_range::parse("127.0.0.1").value()};
        account fresh; // never set up
        fresh.name = "new";
        fresh.role = role::lead;
        desk.book.put(fresh);
        account gone_by = fresh;
        gone_by.name = "past";
        gone_by.role = role::auditor;
        gone_by.last_day = on("2026-11-20");
        desk.book.put(gone_by);
        open();
    }

    web_answer get_as(const std::string& from, std::vector<std::string> names, const std::string& target = "/rules")
    {
        peer = from;
        identities = std::move(names);
        return get(target);
    }

    // A cookie of the lead's, and the token that its forms carry.
    std::string has_cookie_of(const std::string& kind)
    {
        open();
        cookies.clear();
        identities.clear();
        peer = proxy;
        if (kind == "none") return std::string(64, '0');
        if (kind == "log-in")
            log_in(role::lead);
        else
            keep_cookies(get_as(proxy, {"lead"}));
        if (kind == "sign-on") identities = {"lead"};
        const std::string token = token_in(get("/rules"));
        identities.clear();
        return token;
    }
};

// Whose page it is, or the status of what is no page.
std::string shown_to(const web_answer& answer)
{
    if (answer.status == 303) return header_of(answer, "Location").starts_with("/login") ? "log-in" : "elsewhere";
    if (answer.status != 200) return std::to_string(answer.status);
    const std::size_t at = answer.body.find("<span>");
    return at == std::string::npos ? "nobody" : answer.body.substr(at + 6, answer.body.find(',', at) - at - 6);
}

struct identity_row {
    const char* why;
    bool is_of_proxy;
    std::vector<std::string> names;
    const char* without; // what is shown without a cookie
    const char* logged_in;
    const char* signed_on; // with the cookie of a session that the sign-on opened
};

std::vector<identity_row> identity_rows()
{
    return {
        {"nothing is said", true, {}, "log-in", "lead", "log-in"},
        {"the cookie's own user", true, {"lead"}, "lead", "lead", "lead"},
        {"another user than the cookie's", true, {"office"}, "office", "office", "office"},
        {"an account that was never set up", true, {"new"}, "new", "new", "new"},
        {"one header twice", true, {"lead", "lead"}, "403", "403", "403"},
        {"two headers", true, {"lead", "dsl"}, "403", "403", "403"},
        {"an empty one and one", true, {"", "lead"}, "403", "403", "403"},
        {"two in one", true, {"lead, dsl"}, "403", "403", "403"},
        {"an empty header", true, {""}, "403", "403", "403"},
        {"a name that is too long", true, {std::string(41, 'a')}, "403", "403", "403"},
        {"a name that is much too long", true, {std::string(9000, 'a')}, "403", "403", "403"},
        {"what cannot be printed", true, {"lead\x01"}, "403", "403", "403"},
        {"a zero at the end", true, {std::string("lead\0", 5)}, "403", "403", "403"},
        {"other letters", true, {"Lead"}, "403", "403", "403"},
        {"a space", true, {"lead "}, "403", "403", "403"},
        {"a domain", true, {"SCHOOL\\lead"}, "403", "403", "403"},
        {"no account", true, {"nobody"}, "403", "403", "403"},
        {"an account whose days are over", true, {"past"}, "403", "403", "403"},
        {"nothing is said", false, {}, "log-in", "lead", "log-in"},
        {"the cookie's own user", false, {"lead"}, "log-in", "lead", "log-in"},
        {"another user than the cookie's", false, {"office"}, "log-in", "lead", "log-in"},
        {"two headers", false, {"lead", "dsl"}, "log-in", "lead", "log-in"},
        {"an empty header", false, {""}, "log-in", "lead", "log-in"},
        {"no account", false, {"nobody"}, "log-in", "lead", "log-in"},
    };
}

TEST_CASE_METHOD(
    proxy_fixture, "a page is shown to whom a believed proxy names, and to nobody by anybody else's word", "[web]"
)
{
    for (const identity_row& row : identity_rows())
        for (const std::string cookie : {"none", "log-in", "sign-on"}) {
            CAPTURE(row.why, row.is_of_proxy, cookie);
            const std::string expected = cookie == "none"     ? row.without
                                         : cookie == "log-in" ? row.logged_in
                                                              : row.signed_on;
            has_cookie_of(cookie);
            const web_answer page = get_as(row.is_of_proxy ? proxy : outsider, row.names);
            CHECK(shown_to(page) == expected);
            const bool is_kept = expected == "lead" && cookie != "none";
            CHECK(header_of(page, "Set-Cookie").empty() == (is_kept || expected == "403" || expected == "log-in"));
            for (const std::string& name : row.names)
                if (page.status == 403 && name.size() > 2) CHECK_THAT(page.body, !Catch::Contains(name));
            // A session that was not the asker's is over, whoever comes with its cookie.
            if (!is_kept && cookie == "log-in") CHECK(shown_to(get_as(outsider, {})) == "log-in");
            if (!is_kept && cookie == "sign-on") CHECK_FALSE(header_of(get_as(proxy, {"lead"}), "Set-Cookie").empty());
        }
}

TEST_CASE_METHOD(
    proxy_fixture, "a form counts with the token of the asker's own session, and not by the proxy's word alone", "[web]"
)
{
    for (const identity_row& row : identity_rows())
        for (const std::string cookie : {"none", "log-in", "sign-on"}) {
            CAPTURE(row.why, row.is_of_proxy, cookie);
            const std::string expected = cookie == "none"     ? row.without
                                         : cookie == "log-in" ? row.logged_in
                                                              : row.signed_on;
            for (const bool is_right : {false, true}) {
                const std::string token = has_cookie_of(cookie);
                peer = row.is_of_proxy ? proxy : outsider;
                identities = row.names;
                const web_answer sent = post("/logout", {{"form_token", is_right ? token : std::string(64, '1')}});
                const bool is_done = is_right && cookie != "none" && expected == "lead";
                if (!is_done)
                    CHECK(sent.status == (expected == "log-in" ? 401 : 403));
                else
                    CHECK(sent.status == (row.is_of_proxy && !row.names.empty() ? 200 : 303));
            }
        }
}

TEST_CASE_METHOD(proxy_fixture, "without the configuration the header counts for nothing", "[web]")
{
    config.web.identity_header.clear();
    config.web.identity_from.clear();
    open();
    CHECK(shown_to(get_as(proxy, {"lead"})) == "log-in");
    CHECK(get_as(proxy, {"lead"}, "/login").status == 200);
    identities.clear();
    log_in(role::office);
    CHECK(shown_to(get_as(proxy, {"lead"})) == "office");
}

TEST_CASE_METHOD(proxy_fixture, "a session of the sign-on holds forms as one of a log-in does", "[web]")
{
    const web_answer first = get_as(proxy, {"new"});
    CHECK_THAT(
        header_of(first, "Set-Cookie"),
        Catch::StartsWith("rollbook_session=") && Catch::Contains("HttpOnly") && Catch::Contains("SameSite=Strict")
    );
    keep_cookies(first);
    const web_answer next = get("/rules");
    CHECK(header_of(next, "Set-Cookie").empty());
    CHECK(token_in(next) == token_in(first));
    CHECK(post("/ledger/verify", {{"form_token", token_in(first)}}, "https://elsewhere.example").status == 403);
    CHECK(post("/ledger/verify", {{"form_token", token_in(first)}}).status == 303);
    identities = {"office"};
    CHECK(post("/ledger/verify", {{"form_token", token_in(first)}}).status == 403);
}

TEST_CASE_METHOD(proxy_fixture, "an account that is removed or changed is so at once, whatever the proxy says", "[web]")
{
    keep_cookies(get_as(proxy, {"lead"}));
    const std::string token = token_in(get("/rules"));
    account held = desk.book.find("lead").value();
    held.role = role::governor;
    held.changed_at = held.changed_at + std::chrono::milliseconds(1);
    desk.book.put(held);
    CHECK(post("/logout", {{"form_token", token}}).status == 403);
    CHECK_THAT(get("/rules").body, Catch::Contains("lead, governor"));
    desk.book.remove("lead");
    const web_answer gone = get("/rules");
    CHECK(gone.status == 403);
    CHECK_THAT(gone.body, Catch::Contains("Your account at the school is not known to Rollbook. Ask for an account."));
}

TEST_CASE_METHOD(proxy_fixture, "the page of accounts says who comes by the sign-on alone", "[web]")
{
    const std::string by_sign_on = "<th scope=\"row\">new</th><td>lead</td><td>by the school's sign-on";
    CHECK_THAT(get_as(proxy, {"admin"}, "/accounts").body, Catch::Contains(by_sign_on));
    CHECK_THAT(get_as(proxy, {"admin"}, "/accounts.json").body, Catch::Contains("\"by_sign_on\":true"));
    config.web.identity_header.clear();
    open();
    identities.clear();
    log_in(role::admin);
    CHECK_THAT(get("/accounts").body, Catch::Contains("<th scope=\"row\">new</th><td>lead</td><td>waits to be set up"));
}

TEST_CASE_METHOD(proxy_fixture, "an engagement that is over is told with its days", "[web]")
{
    const web_answer over = get_as(proxy, {"past"});
    CHECK(over.status == 403);
    CHECK_THAT(over.body, Catch::Contains("This account is good from any day to 2026-11-20."));
}

TEST_CASE_METHOD(
    proxy_fixture, "a link of another site opens no session, so that forms in other windows stay good", "[web]"
)
{
    web_request linked;
    linked.method = "GET";
    linked.target = parse_target("/today").value();
    linked.fetch_site = "cross-site";
    peer = proxy;
    identities = {"lead"};
    const web_answer moment = ask(linked);
    CHECK(header_of(moment, "Refresh") == "0");
    CHECK(header_of(moment, "Set-Cookie").empty());
    CHECK_THAT(moment.body, !Catch::Contains("Ana"));
    linked.method = "POST";
    linked.target = parse_target("/logout").value();
    CHECK(ask(linked).status == 401);
}

TEST_CASE_METHOD(proxy_fixture, "open pages stay as they are, and the log-in is the proxy's", "[web]")
{
    CHECK(get_as(proxy, {"lead"}, "/style.css").status == 200);
    CHECK(get_as(proxy, {"lead"}, "/healthz").body == "ok\n");
    CHECK(get_as(proxy, {"lead", "dsl"}, "/healthz").body == "ok\n");
    CHECK(get_as(proxy, {"lead"}, "/setup").status == 200);
    CHECK(header_of(get_as(proxy, {"lead"}, "/login"), "Location") == "/");
    CHECK(header_of(get_as(proxy, {"lead"}, "/login?next=%2Falerts"), "Location") == "/alerts");
    CHECK(header_of(get_as(proxy, {"nobody"}, "/login"), "Location") == "/");
    CHECK(header_of(get_as(proxy, {"lead", "dsl"}, "/login"), "Location") == "/");
    CHECK(get_as(proxy, {}, "/login").status == 200);
    CHECK(get_as(outsider, {"lead"}, "/login").status == 200);
    // Nobody logs in as somebody else behind the proxy's back.
    identities.clear();
    peer = proxy;
    const web_answer form = get("/login");
    keep_cookies(form);
    identities = {"office"};
    const web_fields filled = {
        {"form_token", token_in(form)}, {"name", "lead"}, {"password", std::string(password)}, {"code", code_now()}};
    const web_answer tried = post("/login", filled);
    CHECK(header_of(tried, "Location") == "/");
    CHECK(header_of(tried, "Set-Cookie").empty());
}

TEST_CASE_METHOD(proxy_fixture, "who logs out is told to log out at the school's sign-on too", "[web]")
{
    keep_cookies(get_as(proxy, {"lead"}));
    const std::string token = token_in(get("/rules"));
    const web_answer out = post("/logout", {{"form_token", token}});
    CHECK(out.status == 200);
    CHECK_THAT(out.body, Catch::Contains("Log out at the school&apos;s sign-on too"));
    CHECK_THAT(header_of(out, "Set-Cookie"), Catch::Contains("Max-Age=0"));
    CHECK(post("/logout", {{"form_token", token}}).status == 403);
}

TEST_CASE_METHOD(proxy_fixture, "counts are for this machine alone, not for whom a proxy names", "[web]")
{
    CHECK(get_as("127.0.0.1", {}, "/metrics").status == 200);
    CHECK(get_as("127.0.0.1", {"admin"}, "/metrics").status == 404);
    CHECK(get_as("127.0.0.2", {"admin"}, "/metrics").status == 404);
}

TEST_CASE_METHOD(proxy_fixture, "behind a proxy requests are counted by account, elsewhere by address", "[web]")
{
    stands_still = std::chrono::steady_clock::now();
    const auto refused_of = [this](const std::string& from, const std::string& name) {
        int refused = 0;
        for (int i = 0; i < 200; ++i)
            refused += get_as(from, {name}, "/healthz").status == 429;
        return refused;
    };
    CHECK(refused_of(proxy, "lead") == 80);
    CHECK(get_as(proxy, {"office"}, "/healthz").status == 200);
    CHECK(get_as(proxy, {}, "/healthz").status == 200);
    CHECK(get_as(proxy, {"lead"}, "/healthz").status == 429);
    // Whoever is not believed has one measure, whatever name is said.
    CHECK(refused_of(outsider, "lead") == 80);
    CHECK(get_as(outsider, {"office"}, "/healthz").status == 429);
}

TEST_CASE_METHOD(
    proxy_fixture, "behind a proxy that speaks TLS, cookies are for TLS alone and forms come from its address", "[web]"
)
{
    config.web.public_url = "https://Rollbook.Example:443/";
    open();
    const web_answer first = get_as(proxy, {"lead"});
    CHECK_THAT(
        header_of(first, "Set-Cookie"), Catch::StartsWith("__Host-rollbook_session=") && Catch::Contains("; Secure")
    );
    keep_cookies(first);
    const web_fields form = {{"form_token", token_in(first)}};
    CHECK(shown_to(get("/rules")) == "lead");
    CHECK(post("/ledger/verify", form, "https://elsewhere.example").status == 403);
    CHECK(post("/ledger/verify", form, "http://rollbook.example").status == 403);
    CHECK(post("/ledger/verify", form, "https://rollbook.example").status == 303);
    // A proxy that does not pass on by which name it was called.
    host = "127.0.0.1:8480";
    CHECK(shown_to(get("/rules")) == "lead");
    CHECK(post("/ledger/verify", form, "https://elsewhere.example").status == 403);
    CHECK(post("/ledger/verify", form, "https://rollbook.example").status == 303);
}

struct tls_row {
    const char* why;
    const char* public_url;
    const char* peer;
    const char* host;
    bool forwarded;
    bool is_named;
    bool is_tls;
};

TEST_CASE("a browser spoke TLS where it called us by the https address, or a proxy stands before it", "[web]")
{
    const auto [why, public_url, peer, host, forwarded, is_named, is_tls] = GENERATE(values<tls_row>({
        {"called by its address", "https://r.example", "127.0.0.2", "r.example", false, false, true},
        {"in other letters", "https://R.example/", "127.0.0.2", "r.EXAMPLE:443", false, false, true},
        {"at another port", "https://r.example:8443", "127.0.0.2", "r.example", false, false, false},
        {"on the machine itself", "https://r.example", "127.0.0.1", "127.0.0.1:8480", false, false, false},
        {"through the proxy", "https://r.example", "127.0.0.1", "127.0.0.1:8480", false, true, true},
        {"forwarded by the proxy", "https://r.example", "127.0.0.1", "127.0.0.1:8480", true, false, true},
        {"forwarded by somebody", "https://r.example", "127.0.0.2", "127.0.0.1:8480", true, true, false},
        {"a proxy without TLS", "http://127.0.0.1:81", "127.0.0.1", "127.0.0.1:81", true, true, false},
        {"no address is known", "", "127.0.0.1", "r.example", true, true, false},
    }));
    CAPTURE(why);
    configuration settings;
    settings.web.public_url = public_url;
    settings.web.identity_header = "X-Remote-User";
    settings.web.identity_from = {address_range::parse("127.0.0.1").value()};
    web_request request;
    request.peer = peer;
    request.host = host;
    request.forwarded = forwarded;
    if (is_named) request.identities = {"lead"};
    CHECK(comes_by_tls(settings, request) == is_tls);
    request.over_tls = true;
    CHECK(comes_by_tls(settings, request));
}

TEST_CASE("an IPv4 proxy is believed on a socket of IPv6, and nobody where none is configured", "[web]")
{
    configuration settings;
    settings.web.identity_from = {address_range::parse("10.1.0.0/24").value()};
    CHECK_FALSE(is_believed(settings, "10.1.0.7"));
    settings.web.identity_header = "X-Remote-User";
    CHECK(is_believed(settings, "10.1.0.7"));
    CHECK(is_believed(settings, "::ffff:10.1.0.7"));
    CHECK_FALSE(is_believed(settings, "::ffff:10.1.1.7"));
    CHECK_FALSE(is_believed(settings, ""));
}

TEST_CASE("what happens often is told at once, and then once an hour with how often it was", "[web]")
{
    const steady_moment noon{std::chrono::hours(12)};
    hourly_count times;
    CHECK(times.one_more(noon) == 1);
    CHECK_FALSE(times.one_more(noon));
    CHECK_FALSE(times.one_more(noon + std::chrono::minutes(59)));
    CHECK(times.one_more(noon + std::chrono::minutes(60)) == 3);
    CHECK_FALSE(times.one_more(noon + std::chrono::minutes(61)));
}

TEST_CASE("who opens a session with each request loses an old one of its own, and nobody else's", "[web]")
{
    const steady_moment noon{std::chrono::hours(12)};
    session_book book;
    account ann, ben;
    ann.name = "ann";
    ben.name = "ben";
    const std::string logged_in = book.open(ann, noon);
    const std::string of_ben = book.open(ben, noon, true);
    const std::string first = book.open(ann, noon, true);
    for (int i = 1; i < 8; ++i)
        book.open(ann, noon + std::chrono::seconds(i), true);
    REQUIRE(book.find(first, noon + std::chrono::seconds(1)));
    CHECK(book.size() == 10);
    for (int i = 0; i < 5000; ++i)
        book.open(ann, noon + std::chrono::seconds(10), true);
    CHECK(book.size() == 10);
    CHECK(book.find(logged_in, noon + std::chrono::seconds(11)));
    CHECK(book.find(of_ben, noon + std::chrono::seconds(11)));
    CHECK_FALSE(book.find(first, noon + std::chrono::seconds(11)));
}

} // namespace
} // namespace rollbook
