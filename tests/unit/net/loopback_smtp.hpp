#pragma once

#include "tests/unit/net/loopback_server.hpp"

namespace rollbook::test {

struct seen_mail {
    std::string from;
    std::vector<std::string> to;
    std::string message;           // with the dots taken out again
    std::vector<std::string> wire; // the lines of the message as they came
};

// A relay that accepts mail, or answers a command as `replies` says for as long as it has replies left for it.
class loopback_smtp {
public:
    using replies = std::map<std::string, std::vector<std::string>>;
    explicit loopback_smtp(replies given = replies(), bool offers_auth = false)
        : replies_(std::move(given)), offers_auth_(offers_auth), server_([this](connection& open) { serve(open); })
    {
    }
    std::string url() const { return "smtp://127.0.0.1:" + std::to_string(server_.port()); }
    std::vector<seen_mail> mails() const
    {
        const std::lock_guard lock(mutex_);
        return mails_;
    }
    std::vector<std::string> commands() const
    {
        const std::lock_guard lock(mutex_);
        return commands_;
    }

    // What was given to log in, as it came: base64.
    std::vector<std::string> credentials() const
    {
        const std::lock_guard lock(mutex_);
        return credentials_;
    }

private:
    std::string reply_to(const std::string& command, const std::string& usual)
    {
        const std::lock_guard lock(mutex_);
        auto& left = replies_[command];
        if (left.empty()) return usual + "\r\n";
        std::string reply = left.front();
        left.erase(left.begin());
        return reply + "\r\n";
    }
    void serve(connection& open)
    {
        open.write("220 relay.example ready\r\n");
        seen_mail mail;
        while (auto line = open.line()) {
            {
                const std::lock_guard lock(mutex_);
                commands_.push_back(*line);
            }
            const std::string verb = line->substr(0, 4);
            if (verb == "EHLO") {
                open.write(
                    std::string("250-relay.example\r\n") + (offers_auth_ ? "250-AUTH PLAIN XOAUTH2\r\n" : "") +
                    "250 8BITMIME\r\n"
                );
            } else if (verb == "MAIL") {
                mail = {};
                mail.from = line->substr(10);
                open.write(reply_to("MAIL", "250 ok"));
            } else if (verb == "RCPT") {
                mail.to.push_back(line->substr(8));
                open.write(reply_to("RCPT", "250 ok"));
            } else if (verb == "AUTH") {
                open.write("334 \r\n"); // the password or token comes in the next line
                const auto given = open.line();
                {
                    const std::lock_guard lock(mutex_);
                    credentials_.push_back(given.value_or(""));
                }
                open.write(reply_to("AUTH", "235 welcome"));
            } else if (verb == "DATA") {
                open.write("354 go on\r\n");
                while (auto text = open.line()) {
                    if (*text == ".") break;
                    mail.wire.push_back(*text);
                    mail.message += (text->starts_with(".") ? text->substr(1) : *text) + "\r\n";
                }
                const std::string reply = reply_to("BODY", "250 taken");
                if (reply.starts_with("250")) {
                    const std::lock_guard lock(mutex_);
                    mails_.push_back(mail);
                }
                open.write(reply);
            } else if (verb == "QUIT") {
                open.write("221 bye\r\n");
                return;
            } else {
                open.write("250 ok\r\n");
            }
        }
    }
    mutable std::mutex mutex_;
    replies replies_;
    bool offers_auth_;
    std::vector<seen_mail> mails_;
    std::vector<std::string> commands_;
    std::vector<std::string> credentials_;
    loopback_server server_; // last: its threads end first
};

} // namespace rollbook::test
