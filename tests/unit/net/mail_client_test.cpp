#include "daemon/net/curl_client.hpp"
#include "tests/unit/net/loopback_smtp.hpp"
#include "tests/unit/net/run.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace rollbook;
using namespace rollbook::test;

namespace {

struct mail_fixture {
    boost::asio::io_context loop{1};
    std::unique_ptr<mail_client> client = make_mail_client(loop.get_executor());
    result<void> submit(mail_submission mail) { return run(loop, client->submit(std::move(mail))); }
};

mail_submission mail_to(const std::string& url)
{
    mail_submission mail;
    mail.smtp_url = url;
    mail.from = "rollbook@example.sch.uk";
    mail.to = {"lead@example.sch.uk", "deputy@example.sch.uk"};
    mail.message = "Subject: one\r\n\r\nfirst\r\n";
    mail.timeout = std::chrono::seconds(10);
    return mail;
}

} // namespace

TEST_CASE("a mail reaches the relay whole, for every recipient, and the session ends politely", "[net]")
{
    loopback_smtp relay;
    mail_fixture net;
    REQUIRE(net.submit(mail_to(relay.url())).has_value());

    const auto mails = relay.mails();
    REQUIRE(mails.size() == 1);
    CHECK_THAT(mails[0].from, Catch::StartsWith("<rollbook@example.sch.uk>"));
    CHECK(mails[0].to == std::vector<std::string>{"<lead@example.sch.uk>", "<deputy@example.sch.uk>"});
    CHECK(mails[0].message == "Subject: one\r\n\r\nfirst\r\n");
    CHECK(relay.commands().back() == "QUIT");
}

TEST_CASE("lines that begin with a dot, or are one, arrive as they were", "[net]")
{
    loopback_smtp relay;
    mail_fixture net;
    mail_submission mail = mail_to(relay.url());
    mail.message = ".begins\r\n\r\n.\r\n..two\r\na.b\r\nlast.\r\n";
    const std::string message = mail.message;
    REQUIRE(net.submit(std::move(mail)).has_value());
    REQUIRE(relay.mails().size() == 1);
    CHECK(relay.mails()[0].message == message);
    CHECK(relay.mails()[0].wire.at(2) == "..");
}

TEST_CASE("a 4xx reply is to be tried again, a 5xx reply is final", "[net]")
{
    const auto [command, reply, code] = GENERATE(table<std::string, std::string, errc>({
        {"MAIL", "451 later", errc::delivery_unreachable},
        {"RCPT", "450 greylisted", errc::delivery_unreachable},
        {"BODY", "452 full", errc::delivery_unreachable},
        {"MAIL", "550 no", errc::delivery_refused},
        {"RCPT", "550 unknown", errc::delivery_refused},
        {"BODY", "554 no", errc::delivery_refused},
    }));
    CAPTURE(command, reply);
    loopback_smtp relay(loopback_smtp::replies{{command, {reply}}});
    mail_fixture net;
    const auto first = net.submit(mail_to(relay.url()));
    REQUIRE(!first);
    CHECK(first.error().code == code);
    CHECK_THAT(first.error().what, !Catch::Contains("lead@"));
    CHECK(relay.mails().empty());
    CHECK(net.submit(mail_to(relay.url())).has_value());
    CHECK(relay.mails().size() == 1);
}

TEST_CASE("one refused recipient among several refuses the mail", "[net]")
{
    loopback_smtp relay(loopback_smtp::replies{{"RCPT", {"250 ok", "550 unknown"}}});
    mail_fixture net;
    const auto outcome = net.submit(mail_to(relay.url()));
    REQUIRE(!outcome);
    CHECK(outcome.error().code == errc::delivery_refused);
    CHECK(relay.mails().empty());
}

TEST_CASE("user and password are offered, and a refusal of them is final", "[net]")
{
    loopback_smtp relay(loopback_smtp::replies{{"AUTH", {"235 welcome", "535 no"}}}, true);
    mail_fixture net;
    mail_submission mail = mail_to(relay.url());
    mail.user = "rollbook";
    mail.password = "pass-word";
    CHECK(net.submit(mail).has_value());
    const auto again = net.submit(mail);
    REQUIRE(!again);
    CHECK(again.error().code == errc::delivery_refused);
    CHECK_THAT(again.error().what + again.error().to_do, !Catch::Contains("pass-word"));
}

TEST_CASE("a relay that is not there, or does not answer in time, is unreachable", "[net]")
{
    int closed_port = 0;
    {
        loopback_server gone([](connection&) {});
        closed_port = gone.port();
    }
    loopback_server silent([](connection& open) { open.drain(); });
    mail_fixture net;
    mail_submission mail = mail_to("smtp://127.0.0.1:" + std::to_string(closed_port));
    CHECK(net.submit(mail).error().code == errc::delivery_unreachable);
    mail.smtp_url = "smtp://127.0.0.1:" + std::to_string(silent.port());
    mail.timeout = std::chrono::milliseconds(100);
    CHECK(net.submit(mail).error().code == errc::delivery_unreachable);
}

TEST_CASE("mail with a line break in an address, or to no smtp address, is never sent", "[net]")
{
    loopback_smtp relay;
    mail_fixture net;
    mail_submission split = mail_to(relay.url());
    split.to = {"lead@example.sch.uk>\r\nRCPT TO:<other@example.org"};
    CHECK(net.submit(split).error().code == errc::delivery_refused);
    CHECK(net.submit(mail_to("http://127.0.0.1:1/")).error().code == errc::delivery_refused);
    CHECK(relay.commands().empty());
}

TEST_CASE("without recipients the relay is reached and no mail is offered", "[net]")
{
    loopback_smtp relay;
    mail_fixture net;
    mail_submission probe = mail_to(relay.url());
    probe.to.clear();
    probe.message.clear();
    REQUIRE(net.submit(std::move(probe)).has_value());
    const auto commands = relay.commands();
    CHECK(std::none_of(commands.begin(), commands.end(), [](const std::string& c) { return c.starts_with("MAIL"); }));
    CHECK(std::count(commands.begin(), commands.end(), "NOOP") == 1);
}

TEST_CASE("a client is destroyed while its relay keeps silent", "[net]")
{
    loopback_server silent([](connection& open) { open.drain(); });
    mail_fixture net;
    std::optional<errc> got;
    boost::asio::co_spawn(
        net.loop,
        net.client->submit(mail_to("smtp://127.0.0.1:" + std::to_string(silent.port()))),
        [&](std::exception_ptr, const result<void>& outcome) {
            if (!outcome) got = outcome.error().code;
        }
    );
    net.loop.run_for(std::chrono::milliseconds(20));
    net.client.reset();
    net.loop.restart();
    net.loop.run();
    CHECK(got == errc::delivery_unreachable);
}
