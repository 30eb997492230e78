#include "tests/school/smtp.hpp"

#include "tests/school/lines.hpp"

#include <algorithm>
#include <strings.h>

namespace rollbook::school {

namespace {

constexpr std::size_t message_max = 25 * 1024 * 1024;

bool begins(std::string_view line, std::string_view word)
{
    return line.size() >= word.size() && strncasecmp(line.data(), word.data(), word.size()) == 0;
}

// "MAIL FROM:<a@b> SIZE=9" -> "a@b"
std::string address_in(std::string_view line)
{
    const std::size_t from = line.find('<'), to = line.find('>');
    return from == line.npos || to == line.npos || to < from ? "" : std::string(line.substr(from + 1, to - from - 1));
}

bool used_up(int& count)
{
    if (count == 0) return false;
    if (count > 0) --count;
    return true;
}

void read_message(mail& m)
{
    const std::size_t blank = m.raw.find("\r\n\r\n");
    const std::string_view head = std::string_view(m.raw).substr(0, blank);
    m.body = blank == m.raw.npos ? "" : m.raw.substr(blank + 4);
    for (std::size_t from = 0; from < head.size();) {
        std::size_t end = head.find("\r\n", from);
        if (end == head.npos) end = head.size();
        std::string_view line = head.substr(from, end - from);
        from = end + 2;
        if (!line.empty() && (line[0] == ' ' || line[0] == '\t')) {
            if (!m.headers.empty()) m.headers.back().second += line;
            continue;
        }
        const std::size_t colon = line.find(':');
        if (colon == line.npos) continue;
        std::string_view value = line.substr(colon + 1);
        while (!value.empty() && value[0] == ' ')
            value.remove_prefix(1);
        m.headers.emplace_back(line.substr(0, colon), value);
    }
}

class smtp_conversation : public line_conversation {
public:
    explicit smtp_conversation(std::shared_ptr<mailbox> box) : box_(std::move(box)) {}

    std::string greeting() override { return "220 mail.example.sch.uk ESMTP simulated school\r\n"; }

private:
    output answer(std::string_view line) override { return is_data_ ? take_data(line) : command(line); }

    void forget()
    {
        now_ = {};
        has_sender_ = false;
        is_data_ = false;
    }

    output command(std::string_view line)
    {
        if (begins(line, "EHLO")) {
            forget();
            return {
                "250-mail.example.sch.uk\r\n250-8BITMIME\r\n250-SIZE " + std::to_string(message_max) +
                    "\r\n250 ENHANCEDSTATUSCODES\r\n",
                {}};
        }
        if (begins(line, "HELO")) {
            forget();
            return {"250 mail.example.sch.uk\r\n", {}};
        }
        if (begins(line, "MAIL FROM:")) {
            if (has_sender_) return {"503 5.5.1 A message is already under way\r\n", {}};
            forget();
            has_sender_ = true;
            now_.from = address_in(line);
            return {"250 2.1.0 Sender accepted\r\n", {}};
        }
        if (begins(line, "RCPT TO:")) return recipient(line);
        if (begins(line, "DATA")) {
            if (now_.to.empty()) return {"503 5.5.1 Recipients first\r\n", {}};
            is_data_ = true;
            return {"354 End with a line of one dot\r\n", {}};
        }
        if (begins(line, "RSET")) {
            forget();
            return {"250 2.0.0 Forgotten\r\n", {}};
        }
        if (begins(line, "NOOP")) return {"250 2.0.0 Still here\r\n", {}};
        if (begins(line, "VRFY")) return {"252 2.5.1 Send it and see\r\n", {}};
        if (begins(line, "QUIT")) return {"221 2.0.0 Goodbye\r\n", "", {}, afterwards::close};
        return {"500 5.5.2 Not understood\r\n", {}};
    }

    output recipient(std::string_view line)
    {
        if (!has_sender_) return {"503 5.5.1 Sender first\r\n", {}};
        const std::string to = address_in(line);
        if (to.empty()) return {"501 5.1.3 No address\r\n", {}};
        if (used_up(box_->faults.greylist)) return {"451 4.7.1 Greylisted, try again later\r\n", {}};
        if (used_up(box_->faults.reject)) return {"550 5.1.1 No such mailbox\r\n", {}};
        now_.to.push_back(to);
        return {"250 2.1.5 Recipient accepted\r\n", {}};
    }

    output take_data(std::string_view line)
    {
        if (line != ".") {
            if (line.starts_with('.')) line.remove_prefix(1);
            if (now_.raw.size() <= message_max) now_.raw.append(line).append("\r\n");
            return {};
        }
        if (now_.raw.size() > message_max) {
            forget();
            return {"552 5.3.4 Too large\r\n", {}};
        }
        if (used_up(box_->faults.drop_before)) return {"", "", {}, afterwards::close};
        now_.at = box_->clock ? box_->clock() : 0;
        read_message(now_);
        const bool comes_back = used_up(box_->faults.bounce);
        (comes_back ? box_->returned : box_->received).push_back(comes_back ? report_of(now_) : std::move(now_));
        forget();
        if (used_up(box_->faults.drop_after)) return {"", "", {}, afterwards::close};
        return {"250 2.0.0 Taken\r\n", {}};
    }

    std::shared_ptr<mailbox> box_;
    mail now_;
    bool has_sender_ = false;
    bool is_data_ = false;
};

} // namespace

std::string mail::header(std::string_view name) const
{
    const auto at = std::find_if(headers.begin(), headers.end(), [&](const auto& h) {
        return h.first.size() == name.size() && begins(h.first, name);
    });
    return at == headers.end() ? "" : at->second;
}

mail report_of(const mail& undelivered)
{
    const std::size_t blank = undelivered.raw.find("\r\n\r\n");
    const std::string to = undelivered.to.empty() ? "" : undelivered.to.front();
    mail report;
    report.at = undelivered.at;
    report.to = {undelivered.from};
    report.raw = "From: Mail Delivery System <MAILER-DAEMON@mail.example.sch.uk>\r\n"
                 "To: " +
                 undelivered.from +
                 "\r\nSubject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\n"
                 "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n"
                 "\tboundary=\"9B095B5ADSN\"\r\n\r\n--9B095B5ADSN\r\n"
                 "Content-Type: text/plain; charset=us-ascii\r\n\r\nYour mail could not be delivered.\r\n\r\n"
                 "--9B095B5ADSN\r\nContent-Type: message/delivery-status\r\n\r\n"
                 "Reporting-MTA: dns; mail.example.sch.uk\r\n\r\nFinal-Recipient: rfc822; " +
                 to + "\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 <" + to +
                 ">: no such mailbox\r\n\r\n--9B095B5ADSN\r\nContent-Type: text/rfc822-headers\r\n\r\n" +
                 undelivered.raw.substr(0, blank) + "\r\n\r\n--9B095B5ADSN--\r\n";
    read_message(report);
    return report;
}

std::unique_ptr<conversation> make_smtp_conversation(std::shared_ptr<mailbox> box)
{
    return std::make_unique<smtp_conversation>(std::move(box));
}

} // namespace rollbook::school
