#include "daemon/delivery/delivery_report.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace rollbook;
using namespace rollbook::delivery;

namespace {

// A report after the example of RFC 3464 section 6.1; each part can be changed.
struct report {
    std::string type = "multipart/report; report-type=delivery-status;\r\n\tboundary=\"XX/9 b\"";
    std::string recipient = "Final-Recipient: rfc822;lead@example.sch.uk\r\nAction: failed\r\nStatus: 5.1.1\r\n"
                            "Diagnostic-Code: smtp; 550 5.1.1\r\n <lead@example.sch.uk>: unknown\r\n";
    std::string back_type = "message/rfc822";
    std::string back = "Received: by relay\r\n\twith ESMTP\r\nmessage-id:\r\n <alert-12.letter.lead@example.sch.uk>\r\n"
                       "Subject: x\r\n\r\nMessage-ID: <of.the@body>\r\n";

    std::string text() const
    {
        return "From: MAILER-DAEMON\r\nMIME-Version: 1.0\r\nContent-Type: " + type +
               "\r\n\r\nFor old readers.\r\n--XX/9 b\r\n\r\nAction: failed\r\nYour mail...\r\n--XX/9 b\r\n"
               "content-type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay\r\n\r\n" +
               recipient + "\r\n--XX/9 b\r\nContent-Type: " + back_type + "\r\n\r\n" + back + "\r\n--XX/9 b--\r\n";
    }
};

} // namespace

TEST_CASE("a delivery report says which mail came back, and why as a number", "[delivery]")
{
    report r;
    SECTION("the mail itself") {}
    SECTION("its headers only")
    {
        r.back_type = "text/rfc822-headers";
    }
    SECTION("a boundary without quotation marks")
    {
        r.type = "Multipart/Report; boundary=XX/9; report-type=delivery-status";
        const std::string text = r.text();
        std::string bare;
        for (std::size_t at = 0; at < text.size(); ++at)
            if (text.compare(at, 4, "/9 b") == 0)
                bare += "/9", at += 3;
            else
                bare += text[at];
        const auto found = parse_delivery_report(bare);
        REQUIRE(found.has_value());
        CHECK(found->status == "5.1.1");
    }
    SECTION("several recipients, one of whom has it")
    {
        r.recipient = "Final-Recipient: rfc822;a@b\r\nAction: delivered\r\nStatus: 2.0.0\r\n\r\n" + r.recipient;
    }
    const auto found = parse_delivery_report(r.text());
    REQUIRE(found.has_value());
    CHECK(found->id == "<alert-12.letter.lead@example.sch.uk>");
    CHECK(found->status == "5.1.1");
}

TEST_CASE("a report whose status is no status says so by one that is general", "[delivery]")
{
    report r;
    r.recipient = "Action: failed\r\nStatus: broken; see <b>below</b>\r\n";
    REQUIRE(parse_delivery_report(r.text()).has_value());
    CHECK(parse_delivery_report(r.text())->status == "5.0.0");
}

TEST_CASE("what is no report of a failed delivery is passed over", "[delivery]")
{
    report r;
    SECTION("another mail")
    {
        r.type = "text/plain";
    }
    SECTION("no boundary")
    {
        r.type = "multipart/report; report-type=delivery-status";
    }
    SECTION("a delay")
    {
        r.recipient = "Action: delayed\r\nStatus: 4.4.1\r\n";
    }
    SECTION("a success")
    {
        r.recipient = "Action: delivered\r\nStatus: 2.0.0\r\n";
    }
    SECTION("nothing came back with it")
    {
        r.back_type = "text/plain";
    }
    SECTION("an id that is none")
    {
        r.back = "Message-ID: <a b>\r\n";
    }
    SECTION("an id without end")
    {
        r.back = "Message-ID: <" + std::string(5000, 'a') + ">\r\n";
    }
    CHECK_FALSE(parse_delivery_report(r.text()).has_value());
}

TEST_CASE("a report that is cut off anywhere, or has any byte changed, breaks nothing", "[delivery]")
{
    const std::string whole = report().text();
    std::size_t read = 0;
    for (std::size_t size = 0; size <= whole.size(); ++size)
        read += parse_delivery_report(std::string_view(whole).substr(0, size)).has_value() ? 1 : 0;
    CHECK(read > 0);
    for (std::size_t at = 0; at < whole.size(); ++at)
        for (const char c : {'\0', '\n', ':', '\xff'}) {
            std::string changed = whole;
            changed[at] = c;
            (void)parse_delivery_report(changed);
        }
    for (const std::string& odd : {std::string(), std::string("\r\n\r\n"), std::string(100'000, '\n')})
        CHECK_FALSE(parse_delivery_report(odd).has_value());
}
