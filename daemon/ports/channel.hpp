#pragma once

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace rollbook {

// One message to a person or a program, composed once and sent again unchanged until it is received.
struct message {
    std::string id;         // one per (alert, stage, route): "<...@domain>" in mail, webhook-id in a webhook
    std::string references; // the id of the first message of the same alert and route; empty for the first
    std::string subject;
    std::string text; // plain text, LF line ends
    std::string json; // the same as canonical JSON, for programs
    std::string type; // "alert.opened", "alert.baseline", ...
    instant made_at{};
    std::string pupil_in_source; // for a note route: the pupil's id in its source, or empty
    int attempt = 1;             // 2 and up are marked as repeats

    message() = default;
};

// The messages of a route that one mail gathers: the numbers of the first and the last, and how many they are.
struct digest_members {
    std::int64_t first = 0;
    std::int64_t last = 0;
    std::size_t count = 0; // 0: not known
};
// The id of such a mail: another one for other members, for a receiver drops what repeats an id. And the members again
// out of such an id.
std::string digest_id(const digest_members& of, std::string_view route, std::string_view domain);
std::optional<digest_members> members_of_digest(std::string_view id);

// Where messages of one route go.
class channel {
public:
    virtual ~channel() = default;
    // Done when the receiver has taken the message. Sending twice with one id is safe: receivers drop repeats by id.
    // Fails with delivery_unreachable (try again) or delivery_refused (a person must act).
    virtual boost::asio::awaitable<result<void>> send(message m) = 0;
    // Whether the receiver is shown the whole of it.
    virtual bool fits(const message&) const { return true; }
    // Reaches the receiver without sending anything.
    virtual boost::asio::awaitable<result<void>> check() = 0;
};

} // namespace rollbook
