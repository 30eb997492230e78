#pragma once

#include "daemon/base/signed_note.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook::witness {

// What a witness remembers of one log: the largest tree it has signed.
struct seen_log {
    std::vector<verifier_key>
        keys;               // all of one name, which is the log's origin; more than one while a log changes keys
    std::uint64_t size = 0; // 0: nothing signed yet
    hash root{};            // without meaning at size 0

    const std::string& origin() const { return keys.front().name; }
};

// The status numbers of C2SP tlog-witness, add-checkpoint.
enum class status { signs = 200, malformed = 400, not_ours = 403, unknown_log = 404, other_size = 409, no_proof = 422 };

struct verdict {
    status code = status::malformed;
    std::string why;  // one line for people; empty when it signs
    std::string body; // what the asker gets with status 409: the size that is held
    // What is to be stored and then signed; set when it signs.
    std::optional<checkpoint> next;
    std::string text; // of that checkpoint
};

// Whether a witness that holds `logs` may sign what the request asks for, in the order of checks of C2SP tlog-witness.
// Pure: nothing is stored or signed here. A fork is never signed, nor a tree smaller than the one held.
verdict judge(std::string_view request, const std::vector<seen_log>& logs);

} // namespace rollbook::witness
