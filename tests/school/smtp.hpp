#pragma once

#include "tests/school/conversation.hpp"
#include "tests/school/http.hpp"

#include <memory>
#include <string>
#include <vector>

namespace rollbook::school {

// One message that the mail server took, or lost on purpose.
struct mail {
    long long at; // the school's time, UTC seconds
    std::string from;
    std::vector<std::string> to;
    named_values headers; // names as sent, unfolded
    std::string raw;      // as sent, dots taken out
    std::string body;     // what follows the headers

    // The first value, whatever its case; empty where there is none.
    std::string header(std::string_view name) const;
};

// How the mail server misbehaves next. A count of -1 stands for ever.
struct mail_faults {
    int greylist = 0;    // answer RCPT with 451
    int reject = 0;      // answer RCPT with 550
    int drop_before = 0; // drop the connection after DATA without taking the message
    int drop_after = 0;  // take the message, then drop the connection without saying so
    int bounce = 0;      // take the message, and send a report to its sender's mailbox that it could not be delivered
};

struct mailbox {
    std::vector<mail> received;
    std::vector<mail> returned; // what the sender's own mailbox holds, read by IMAP
    mail_faults faults;
    std::function<long long()> clock;
};

std::unique_ptr<conversation> make_smtp_conversation(std::shared_ptr<mailbox> box);

// The report of RFC 3464 that a mail server sends when it finds no such mailbox after it took the mail.
mail report_of(const mail& undelivered);

} // namespace rollbook::school
