#include "daemon/delivery/make_channel.hpp"
#include "daemon/net/curl_client.hpp"
#include "tests/unit/net/loopback_smtp.hpp"
#include "tests/unit/net/run.hpp"

#include <catch2/catch.hpp>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace rollbook;
using namespace rollbook::test;
namespace fs = std::filesystem;

namespace {

setting
one(std::variant<bool, std::int64_t, double, std::string, secret_reference, setting_list, setting_table> value,
    int line = 7)
{
    return setting{std::move(value), line};
}

secret_reference secret_named(const std::string& name)
{
    return secret_reference{secret_reference::from::file, name};
}

route_configuration a_route(const std::string& channel, setting_table settings)
{
    route_configuration route;
    route.name = "lead";
    route.channel = channel;
    route.settings = std::move(settings);
    route.line = 3;
    return route;
}

setting_table mail_settings_to(const std::string& url)
{
    return {
        {"smtp_url", one(url)},
        {"from", one("rollbook@example.sch.uk")},
        {"to", one(setting_list{one("lead@example.sch.uk")})}};
}

message an_alert()
{
    message m;
    m.id = "<4711.panel.lead@example.sch.uk>";
    m.subject = "Repeated lateness";
    m.text = "P-12 was late ten times.\n.\nThe end.\n";
    m.json = R"({"id":4711})";
    return m;
}

struct fixture {
    boost::asio::io_context loop{1};
    std::unique_ptr<http_client> http = make_http_client(loop.get_executor());
    std::unique_ptr<mail_client> mail = make_mail_client(loop.get_executor());
    std::map<std::string, std::string> secrets;

    channel_surroundings around()
    {
        channel_surroundings around(*http, *mail);
        around.read_secret = [this](const secret_reference& reference) -> result<std::string> {
            const auto found = secrets.find(reference.name);
            if (found == secrets.end())
                return failure(errc::configuration_invalid, "the secret cannot be read", "Mend it.");
            return found->second;
        };
        around.now = [] { return instant(std::chrono::milliseconds(1'614'265'330'999)); };
        around.folder = "/etc/rollbook";
        around.school_name = "St Example's";
        around.school_urn = "900001";
        return around;
    }
    result<void> send(channel& to, message m) { return run(loop, to.send(std::move(m))); }
};

struct temporary_folder {
    temporary_folder()
    {
        std::string name = (fs::temp_directory_path() / "rollbook-XXXXXX").string();
        path = mkdtemp(name.data());
    }
    ~temporary_folder() { fs::remove_all(path); }
    fs::path path;
};

std::string base64(const unsigned char* data, int size)
{
    std::string text(static_cast<std::size_t>(4 * ((size + 2) / 3)) + 1, '\0');
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), data, size);
    text.pop_back();
    return text;
}

// The signature as a receiver works it out, with another library than ours.
std::string signature_by(const std::string& key, const std::string& signed_text)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    HMAC(
        EVP_sha256(),
        key.data(),
        static_cast<int>(key.size()),
        reinterpret_cast<const unsigned char*>(signed_text.data()),
        signed_text.size(),
        mac,
        &size
    );
    return "v1," + base64(mac, static_cast<int>(size));
}

std::string secret_of(const std::string& key)
{
    return "whsec_" + base64(reinterpret_cast<const unsigned char*>(key.data()), static_cast<int>(key.size()));
}

} // namespace

TEST_CASE("a mail goes through a relay that first says later, unchanged but for its attempt", "[delivery]")
{
    loopback_smtp relay(loopback_smtp::replies{{"BODY", {"451 later"}}});
    fixture net;
    const auto mail = make_channel(a_route("email", mail_settings_to(relay.url())), net.around());
    REQUIRE(mail.has_value());
    message m = an_alert();
    const auto first = net.send(**mail, m);
    REQUIRE(!first);
    CHECK(first.error().code == errc::delivery_unreachable);
    m.attempt = 2;
    CHECK(net.send(**mail, m).has_value());

    REQUIRE(relay.mails().size() == 1);
    const seen_mail seen = relay.mails()[0];
    CHECK(seen.to == std::vector<std::string>{"<lead@example.sch.uk>"});
    CHECK_THAT(
        seen.message,
        Catch::StartsWith("Message-ID: <4711.panel.lead@example.sch.uk>\r\n") &&
            Catch::Contains("\r\nX-Rollbook-Attempt: 2\r\n") &&
            Catch::Contains("\r\n\r\nP-12 was late ten times.\r\n.\r\nThe end.\r\n--=_")
    );
}

TEST_CASE("a relay's 550 is final, and checking a route sends nothing", "[delivery]")
{
    loopback_smtp relay(loopback_smtp::replies{{"MAIL", {"550 no"}}});
    fixture net;
    const auto mail = make_channel(a_route("email", mail_settings_to(relay.url())), net.around());
    REQUIRE(mail.has_value());
    CHECK(net.send(**mail, an_alert()).error().code == errc::delivery_refused);
    CHECK(run(net.loop, (*mail)->check()).has_value());
    CHECK(relay.mails().empty());
}

TEST_CASE(
    "Microsoft 365 is logged on to with a token of the tenant, and a refused one is fetched anew once", "[delivery]"
)
{
    loopback_smtp relay(loopback_smtp::replies{{"AUTH", {"535 5.7.3 no", "235 welcome", "235 welcome"}}}, true);
    int asked = 0;
    loopback_http tenant([&](const seen_request& request) {
        CHECK(request.target == "/t/token");
        CHECK(
            request.body == "grant_type=client_credentials&client_id=app%201&client_secret=s%2Bt&scope="
                            "https%3A%2F%2Foutlook.office365.com%2F.default"
        );
        return http_answer(
            "200 OK", "", R"({"access_token":"token-)" + std::to_string(++asked) + R"(","expires_in":3600})"
        );
    });
    fixture net;
    net.secrets = {{"client", "s+t"}};
    setting_table settings = mail_settings_to(relay.url());
    settings["oauth"] = one(setting_table{
        {"tenant", one("t")},
        {"client_id", one("app 1")},
        {"client_secret", one(secret_named("client"))},
        {"token_url", one(tenant.origin() + "/t/token")}});
    const auto mail = make_channel(a_route("email", settings), net.around());
    REQUIRE(mail.has_value());
    CHECK(net.send(**mail, an_alert()).has_value());
    CHECK(net.send(**mail, an_alert()).has_value());
    CHECK(asked == 2);
    CHECK(relay.mails().size() == 2);
    const auto credentials = relay.credentials();
    REQUIRE(credentials.size() == 3);
    const std::string first = "user=rollbook@example.sch.uk\1auth=Bearer token-1\1\1";
    const std::string second = "user=rollbook@example.sch.uk\1auth=Bearer token-2\1\1";
    const auto in_base64 = [](const std::string& text) {
        return base64(reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    };
    CHECK(credentials[0] == in_base64(first));
    CHECK(credentials[1] == in_base64(second));
    CHECK(credentials[2] == in_base64(second));
}

TEST_CASE("a tenant that refuses the client secret is for a person, and the secret is in no word of it", "[delivery]")
{
    loopback_smtp relay(loopback_smtp::replies(), true);
    loopback_http tenant([](const seen_request&) {
        return http_answer("401 Unauthorized", "", R"({"error":"invalid_client"})");
    });
    fixture net;
    net.secrets = {{"client", "hunter2"}};
    setting_table settings = mail_settings_to(relay.url());
    settings["oauth"] = one(setting_table{
        {"tenant", one("t")},
        {"client_id", one("c")},
        {"client_secret", one(secret_named("client"))},
        {"token_url", one(tenant.origin())}});
    const auto mail = make_channel(a_route("email", settings), net.around());
    REQUIRE(mail.has_value());
    const auto outcome = run(net.loop, (*mail)->check());
    REQUIRE(!outcome);
    CHECK(outcome.error().code == errc::delivery_refused);
    CHECK_THAT(outcome.error().what + outcome.error().to_do, !Catch::Contains("hunter2"));
}

TEST_CASE("a Teams workflow gets one card a message, at the address that a secret names", "[delivery]")
{
    loopback_http workflow([](const seen_request&) { return http_answer("202 Accepted", "", ""); });
    fixture net;
    net.secrets = {{"workflow", workflow.origin() + "/run?sig=abc"}};
    const auto teams = make_channel(a_route("teams", {{"url", one(secret_named("workflow"))}}), net.around());
    REQUIRE(teams.has_value());
    REQUIRE(run(net.loop, (*teams)->check()).has_value());
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 3; ++i)
        REQUIRE(net.send(**teams, an_alert()).has_value());
    // At most four a second: the third waits for two quarters of one.
    CHECK(std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(500));
    const auto seen = workflow.seen();
    REQUIRE(seen.size() == 4);
    CHECK(seen[0].method == "GET");
    CHECK(seen[3].target == "/run?sig=abc");
    CHECK(seen[3].headers.at("content-type") == "application/json");
    CHECK_THAT(seen[3].body, Catch::Contains("\"AdaptiveCard\"") && Catch::Contains("P-12 was late ten times."));
}

TEST_CASE(
    "a note bears the message's id, is about one pupil whom the source knows, and is never risked twice", "[delivery]"
)
{
    struct remembering_writer final : note_writer {
        explicit remembering_writer(std::vector<source_note>& into, bool asked_first) : notes(into), asks(asked_first)
        {
        }
        boost::asio::awaitable<result<std::string>> write(source_note note) override
        {
            notes.push_back(std::move(note));
            co_return std::string("77");
        }
        bool knows_by_reference() const override { return asks; }
        std::vector<source_note>& notes;
        bool asks;
    };
    const bool asks = GENERATE(true, false);
    CAPTURE(asks);
    std::vector<source_note> notes;
    fixture net;
    auto around = net.around();
    around.make_note_writer = [&](const std::string& source, const std::string& operation) {
        CHECK(source == "cpoms");
        CHECK(operation == "tray");
        return result<std::unique_ptr<note_writer>>(std::make_unique<remembering_writer>(notes, asks));
    };
    const auto note = make_channel(a_route("note", {{"source", one("cpoms")}, {"operation", one("tray")}}), around);
    REQUIRE(note.has_value());
    message m = an_alert();
    CHECK(net.send(**note, m).error().code == errc::delivery_refused);
    CHECK(notes.empty());

    m.pupil_in_source = "S-9";
    m.made_at = instant(std::chrono::milliseconds(1'614'265'330'000));
    REQUIRE(net.send(**note, m).has_value());
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].reference == m.id);
    CHECK(notes[0].pupil == "S-9");
    CHECK(notes[0].text == m.text);
    CHECK_THAT(notes[0].at, Catch::StartsWith("2021-02-25T15:02:10"));

    m.attempt = 2; // the first may have come through
    CHECK(net.send(**note, m).has_value() == asks);
    CHECK(notes.size() == (asks ? 2 : 1));
}

TEST_CASE("a webhook is signed with every secret over id, time and body", "[delivery]")
{
    loopback_http receiver([](const seen_request&) { return http_answer("202 Accepted", "", ""); });
    fixture net;
    const std::string old_key(24, 'o');
    const std::string new_key(64, 'n');
    net.secrets = {{"old", secret_of(old_key)}, {"new", secret_of(new_key)}};
    const auto webhook = make_channel(
        a_route(
            "webhook",
            {{"url", one(receiver.origin() + "/in?key=1")},
             {"secret", one(setting_list{one(secret_named("old")), one(secret_named("new"))})}}
        ),
        net.around()
    );
    REQUIRE(webhook.has_value());
    message m = an_alert();
    CHECK(net.send(**webhook, m).has_value());
    m.attempt = 2;
    CHECK(net.send(**webhook, m).has_value());

    const auto seen = receiver.seen();
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].method == "POST");
    CHECK(seen[0].target == "/in?key=1");
    CHECK(seen[0].body == m.json);
    CHECK(seen[0].headers.at("content-type") == "application/json");
    CHECK(seen[0].headers.at("webhook-id") == m.id);
    CHECK(seen[0].headers.at("webhook-timestamp") == "1614265330");
    const std::string signed_text = m.id + ".1614265330." + m.json;
    CHECK(
        seen[0].headers.at("webhook-signature") ==
        signature_by(old_key, signed_text) + " " + signature_by(new_key, signed_text)
    );
    CHECK(seen[0].headers.count("x-rollbook-attempt") == 0);
    CHECK(seen[1].headers.at("webhook-id") == m.id);
    CHECK(seen[1].headers.at("x-rollbook-attempt") == "2");
}

TEST_CASE("a webhook's answer says done, try again or ask a person", "[delivery]")
{
    const auto [status, expected] = GENERATE(table<std::string, std::optional<errc>>({
        {"200 OK", std::nullopt},
        {"204 No Content", std::nullopt},
        {"302 Found", errc::delivery_unreachable},
        {"400 Bad Request", errc::delivery_refused},
        {"408 Request Timeout", errc::delivery_unreachable},
        {"410 Gone", errc::delivery_refused},
        {"429 Too Many Requests", errc::delivery_unreachable},
        {"503 Service Unavailable", errc::delivery_unreachable},
    }));
    CAPTURE(status);
    const std::string answer =
        status == "204 No Content" ? "HTTP/1.1 204 No Content\r\n\r\n" : http_answer(status, "Retry-After: 30\r\n", "");
    loopback_http receiver([&](const seen_request&) { return answer; });
    fixture net;
    net.secrets = {{"key", secret_of(std::string(32, 'k'))}};
    const auto webhook = make_channel(
        a_route("webhook", {{"url", one(receiver.origin())}, {"secret", one(secret_named("key"))}}), net.around()
    );
    REQUIRE(webhook.has_value());
    const auto outcome = net.send(**webhook, an_alert());
    REQUIRE(outcome.has_value() == !expected.has_value());
    if (!expected) return;
    CHECK(outcome.error().code == *expected);
    if (*expected == errc::delivery_unreachable) CHECK(outcome.error().retry_after == std::chrono::seconds(30));
}

TEST_CASE("an id with a line break adds no header to a webhook", "[delivery]")
{
    loopback_http receiver([](const seen_request&) { return http_answer("200 OK", "", ""); });
    fixture net;
    net.secrets = {{"key", secret_of(std::string(32, 'k'))}};
    const auto webhook = make_channel(
        a_route("webhook", {{"url", one(receiver.origin())}, {"secret", one(secret_named("key"))}}), net.around()
    );
    REQUIRE(webhook.has_value());
    message m = an_alert();
    m.id = "a\r\nX-Other: 1";
    CHECK(net.send(**webhook, m).error().code == errc::delivery_refused);
    CHECK(receiver.connections() == 0);
}

TEST_CASE("a secret that cannot be read, or is in another form, is for a person to mend", "[delivery]")
{
    fixture net;
    net.secrets = {{"plain", "hunter2-hunter2-hunter2"}};
    for (const std::string name : {"absent", "plain"}) {
        CAPTURE(name);
        const auto webhook = make_channel(
            a_route("webhook", {{"url", one("http://127.0.0.1:9/")}, {"secret", one(secret_named(name))}}), net.around()
        );
        REQUIRE(webhook.has_value());
        const auto outcome = run(net.loop, (*webhook)->check());
        REQUIRE(!outcome);
        CHECK(outcome.error().code == errc::delivery_refused);
        CHECK_THAT(outcome.error().what + outcome.error().to_do, !Catch::Contains("hunter2"));
    }
}

TEST_CASE("a message becomes one private file, and its repeat the same file", "[delivery]")
{
    temporary_folder folder;
    fixture net;
    const auto file = make_channel(a_route("file", {{"folder", one(folder.path.string())}}), net.around());
    REQUIRE(file.has_value());
    REQUIRE(run(net.loop, (*file)->check()).has_value());
    message m = an_alert();
    REQUIRE(net.send(**file, m).has_value());
    m.attempt = 2;
    REQUIRE(net.send(**file, m).has_value());

    std::vector<fs::path> names;
    for (const auto& entry : fs::directory_iterator(folder.path))
        names.push_back(entry.path());
    REQUIRE(names.size() == 1);
    struct stat about {};
    REQUIRE(stat(names[0].c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
    std::stringstream text;
    text << std::ifstream(names[0]).rdbuf();
    CHECK(text.str() == m.json + "\n");

    m.id = "<other@example.sch.uk>";
    REQUIRE(net.send(**file, m).has_value());
    CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 2);
}

TEST_CASE("a folder that is not there is for a person to make", "[delivery]")
{
    temporary_folder folder;
    fixture net;
    const auto file = make_channel(a_route("file", {{"folder", one((folder.path / "none").string())}}), net.around());
    REQUIRE(file.has_value());
    CHECK(net.send(**file, an_alert()).error().code == errc::delivery_refused);
    CHECK(run(net.loop, (*file)->check()).error().code == errc::delivery_refused);
}

TEST_CASE("a route's mistake is refused with its key and line", "[delivery]")
{
    const auto with = [](setting_table base, const std::string& key, setting value) {
        base.insert_or_assign(key, std::move(value));
        return base;
    };
    const auto without = [](setting_table base, const std::string& key) {
        base.erase(key);
        return base;
    };
    const setting_table mail = mail_settings_to("smtps://mail.example.sch.uk");
    const setting_table webhook{{"url", one("https://hooks.example.net/x")}, {"secret", one(secret_named("key"))}};
    const setting oauth = one(
        setting_table{{"tenant", one("t")}, {"client_id", one("c")}, {"client_secret", one(secret_named("client"))}}, 3
    );
    struct mistake {
        std::string channel;
        setting_table settings;
        std::string key;
        int line;
    };
    const std::vector<mistake> mistakes{
        {"email", with(mail, "colour", one("red", 12)), "colour", 12},
        {"email", with(mail, "oauth", one(setting_table{}, 12)), "oauth", 12},
        {"email", with(with(mail, "oauth", oauth), "password", one(secret_named("key"), 12)), "oauth", 3},
        {"teams", {}, "url", 3},
        {"teams", {{"url", one("https://a.example/?sig=in the open", 12)}}, "url", 12},
        {"email", without(mail, "smtp_url"), "smtp_url", 3},
        {"email", without(mail, "from"), "from", 3},
        {"email", without(mail, "to"), "to", 3},
        {"email", with(mail, "to", one(setting_list{}, 12)), "to", 12},
        {"email", with(mail, "to", one("a@b, c@d", 12)), "to", 12},
        {"email", with(mail, "from", one("a@b\r\nBcc: c@d", 12)), "from", 12},
        {"email", with(mail, "smtp_url", one("http://127.0.0.1", 12)), "smtp_url", 12},
        {"email", with(mail, "password", one("in the open", 12)), "password", 12},
        {"email", with(mail, "user", one("rollbook", 12)), "password", 3},
        {"webhook", with(webhook, "url", one("http://hooks.example.net/x", 12)), "url", 12},
        {"webhook", with(webhook, "url", one("http://127.0.0.1@hooks.example.net/x", 12)), "url", 12},
        {"webhook", with(webhook, "url", one("hooks.example.net", 12)), "url", 12},
        {"webhook", without(webhook, "secret"), "secret", 3},
        {"webhook",
         with(
             webhook,
             "secret",
             one(setting_list{one(secret_named("a")), one(secret_named("b")), one(secret_named("c"))}, 12)
         ),
         "secret",
         12},
        {"webhook", with(webhook, "secret", one("whsec_abc", 12)), "secret", 12},
        {"file", {}, "folder", 3},
        {"pigeon", {}, "pigeon", 3},
    };
    fixture net;
    REQUIRE(make_channel(a_route("email", mail), net.around()).has_value());
    REQUIRE(make_channel(a_route("webhook", webhook), net.around()).has_value());
    for (const mistake& one : mistakes) {
        CAPTURE(one.channel, one.key);
        const auto made = make_channel(a_route(one.channel, one.settings), net.around());
        REQUIRE(made.has_error());
        CHECK(made.error().code == errc::configuration_invalid);
        CHECK_THAT(
            made.error().what,
            Catch::Contains(one.key) && Catch::Contains("line " + std::to_string(one.line) + ":") &&
                !Catch::Contains("whsec_") && !Catch::Contains("in the open")
        );
        CHECK(!made.error().to_do.empty());
    }
}
