#include "daemon/base/json.hpp"
#include "daemon/delivery/mail_message.hpp"
#include "daemon/delivery/teams_card.hpp"
#include "daemon/delivery/webhook_signature.hpp"

#include <catch2/catch.hpp>

#include <sstream>

// The first 32 digits of the SHA-256 of the id.
#define BOUNDARY "41b2eb91654b7973d6fa7e96773d0154"

using namespace rollbook;
using namespace rollbook::delivery;

namespace {

message a_mail_of_an_alert()
{
    message m;
    m.id = "<4711.panel.lead@example.sch.uk>";
    m.subject = "Repeated lateness: P-12";
    m.text = "P-12 was late ten times.\n";
    m.made_at = instant(std::chrono::milliseconds(1'788'252'600'123)); // 2026-09-01T08:50:00.123Z
    return m;
}

mail_envelope an_envelope()
{
    mail_envelope envelope;
    envelope.from = "rollbook@example.sch.uk";
    envelope.to = {"lead@example.sch.uk", "deputy@example.sch.uk"};
    envelope.school_name = "St Example's High School";
    envelope.school_urn = "900001";
    return envelope;
}

std::vector<std::string> lines_of(const std::string& mail)
{
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < mail.size();) {
        const std::size_t end = mail.find("\r\n", at);
        REQUIRE(end != mail.npos);
        lines.push_back(mail.substr(at, end - at));
        CHECK(lines.back().find_first_of("\r\n") == std::string::npos);
        at = end + 2;
    }
    return lines;
}

} // namespace

TEST_CASE("a first mail has every header it needs and nothing else", "[delivery]")
{
    CHECK(
        compose_mail(a_mail_of_an_alert(), an_envelope()) ==
        "Message-ID: <4711.panel.lead@example.sch.uk>\r\n"
        "Date: Tue, 01 Sep 2026 08:50:00 +0000\r\n"
        "From: Rollbook <rollbook@example.sch.uk>\r\n"
        "To: lead@example.sch.uk,\r\n deputy@example.sch.uk\r\n"
        "Subject: Repeated lateness: P-12\r\n"
        "List-Id: =?UTF-8?B?U3QgRXhhbXBsZSdzIEhpZ2ggU2Nob29s?=\r\n <900001.rollbook.example.sch.uk>\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "X-Auto-Response-Suppress: All\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: multipart/alternative;\r\n boundary=\"=_" BOUNDARY "\"\r\n"
        "\r\n"
        "--=_" BOUNDARY "\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n"
        "\r\n"
        "P-12 was late ten times.\r\n"
        "--=_" BOUNDARY "\r\n"
        "Content-Type: text/html; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n"
        "\r\n"
        "<!DOCTYPE html>\r\n"
        "<html lang=3D\"en-GB\"><head><meta charset=3D\"utf-8\"><title>Repeated lateness=\r\n"
        ": P-12</title></head>\r\n"
        "<body>\r\n"
        "<p>P-12 was late ten times.</p>\r\n"
        "</body></html>\r\n"
        "--=_" BOUNDARY "--\r\n"
    );
}

TEST_CASE("a checkpoint, which programs read from the saved mail, has no second part", "[delivery]")
{
    message m = a_mail_of_an_alert();
    m.type = "checkpoint";
    CHECK_THAT(
        compose_mail(m, an_envelope()),
        Catch::Contains("\r\nContent-Type: text/plain; charset=utf-8\r\n") &&
            Catch::EndsWith("\r\n\r\nP-12 was late ten times.\r\n")
    );
}

TEST_CASE("the HTML says what the text says, with links and nothing that a text could smuggle in", "[delivery]")
{
    const std::string html = html_of(
        "<b>late</b>", "One & \"two\"\nthree\n\n<script>x</script>\n\nOpen it: https://a.example/alerts/1?a=\"b\n"
    );
    CHECK_THAT(
        html,
        Catch::Contains("<title>&lt;b&gt;late&lt;/b&gt;</title>") &&
            Catch::Contains("<p>One &amp; &quot;two&quot;<br>\nthree</p>") &&
            Catch::Contains("<p>&lt;script&gt;x&lt;/script&gt;</p>") &&
            Catch::Contains("<p>Open it: <a href=\"https://a.example/alerts/1?a=&quot;b\">")
    );
    CHECK_THAT(html, !Catch::Contains("<script") && !Catch::Contains("<img"));
}

TEST_CASE("a card says what the text says, leaves its marks as they are, and stays under Teams' limit", "[delivery]")
{
    message m = a_mail_of_an_alert();
    m.text = "P-12 *was* late.\n\nOpen it: https://a.example/alerts/1\n";
    const std::string card = teams_card(m);
    const auto document = json_document::parse(std::string(card));
    REQUIRE(document.has_value());
    const json_view content = document->root().path("attachments.0.content");
    CHECK(content["type"].as_string() == "AdaptiveCard");
    CHECK(content.path("body.1.text").as_string() == "P-12 \\*was\\* late.");
    CHECK(content.path("actions.0.url").as_string() == "https://a.example/alerts/1");

    m.text.clear();
    for (int i = 0; i < 500; ++i)
        m.text.append(100, 'x').append("\n\n");
    const std::string cut = teams_card(m);
    CHECK(cut.size() <= card_bytes_max);
    CHECK(cut.size() > card_bytes_max - 500);
    CHECK_THAT(cut, Catch::Contains("left out"));
}

TEST_CASE("a repeat differs from the first mail by its attempt alone", "[delivery]")
{
    message m = a_mail_of_an_alert();
    const std::string first = compose_mail(m, an_envelope());
    m.attempt = 3;
    std::string third = compose_mail(m, an_envelope());
    const std::string line = "X-Rollbook-Attempt: 3\r\n";
    REQUIRE(third.find(line) != third.npos);
    third.erase(third.find(line), line.size());
    CHECK(third == first);
}

TEST_CASE("a later mail of an alert joins the first one's thread", "[delivery]")
{
    message m = a_mail_of_an_alert();
    m.references = "<4711.tutor.lead@example.sch.uk>";
    const std::string mail = compose_mail(m, an_envelope());
    CHECK_THAT(
        mail,
        Catch::Contains("\r\nIn-Reply-To: <4711.tutor.lead@example.sch.uk>\r\n") &&
            Catch::Contains("\r\nReferences: <4711.tutor.lead@example.sch.uk>\r\n")
    );
}

TEST_CASE("no text can add a header or end the headers early", "[delivery]")
{
    message m = a_mail_of_an_alert();
    m.type = "checkpoint"; // one part, whose first blank line ends the headers
    m.id = "<a@b>\r\nBcc: other@example.org";
    m.references = "<a@b>\nBcc: other@example.org";
    m.subject = "late\r\nBcc: other@example.org\r\n\r\nbody";
    mail_envelope envelope = an_envelope();
    envelope.from = "a@b\r\nBcc: other@example.org";
    envelope.to = {"a@b\r\nBcc: other@example.org"};
    envelope.school_name = "School\r\nBcc: other@example.org";
    envelope.school_urn = "9\r\nBcc: other@example.org";
    const auto lines = lines_of(compose_mail(m, envelope));
    int blank = 0;
    for (const std::string& line : lines) {
        CHECK(!Catch::startsWith(line, "Bcc"));
        blank += line.empty();
    }
    CHECK(blank == 1);
}

TEST_CASE("subjects are left alone, or encoded in words that fit and split no character", "[delivery]")
{
    CHECK(header_text("Two sessions", 9) == "Two sessions");
    CHECK(header_text("caf\xc3\xa9", 9) == "=?UTF-8?B?Y2Fmw6k=?=");
    CHECK(header_text("=?UTF-8?B?AAAA?=", 9) != "=?UTF-8?B?AAAA?=");
    for (const std::string& part : {std::string("\xc3\xa9"), std::string("\xf0\x9f\x98\x80"), std::string("word ")}) {
        std::string text;
        while (text.size() < 400)
            text += part;
        std::istringstream folded("Subject: " + header_text(text, 9));
        for (std::string line; std::getline(folded, line);) {
            CAPTURE(line);
            CHECK(line.size() <= 76 + 1); // a carriage return is left at its end
            CHECK_THAT(line, Catch::Contains("=?UTF-8?B?") && Catch::Contains("?="));
        }
    }
}

TEST_CASE("quoted-printable keeps lines short and hides what mail would change", "[delivery]")
{
    const auto [text, expected] = GENERATE(table<std::string, std::string>({
        {"", ""},
        {"plain\n", "plain\r\n"},
        {"no end", "no end\r\n"},
        {"a = b\n", "a =3D b\r\n"},
        {"caf\xc3\xa9\n", "caf=C3=A9\r\n"},
        {"blank at end \nnext\t\n", "blank at end=20\r\nnext=09\r\n"},
        {"\n\n.\n", "\r\n\r\n.\r\n"},
        {"stray\rreturn\n", "stray=0Dreturn\r\n"},
    }));
    CHECK(quoted_printable(text) == expected);
}

TEST_CASE("a long line is broken before its 77th column, and never inside an encoded byte", "[delivery]")
{
    const std::string x74(74, 'x');
    const auto with = [&x74](std::string_view tail) { return std::string(x74).append(tail); };
    CHECK(quoted_printable(with("xx\n")) == with("x=\r\nx\r\n"));
    CHECK(quoted_printable(with("\xc3\xa9\n")) == with("=\r\n=C3=A9\r\n"));
}

TEST_CASE("a webhook's signature is the one Standard Webhooks publishes for its example", "[delivery]")
{
    // Source: the specification's reference libraries, their common test vector.
    CHECK(
        webhook_signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            R"({"test": 2432232314})"
        ) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
}

TEST_CASE("a webhook secret in another form gives no signature", "[delivery]")
{
    for (const std::string secret :
         {"",
          "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
          "whsec_",
          "whsec_c2hvcnQ=",
          "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"})
        CHECK(!webhook_signature(secret, "id", 0, "{}"));
}
