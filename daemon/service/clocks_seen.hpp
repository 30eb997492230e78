#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace rollbook {

// What the clocks of other machines, seen in their answers, say of ours. Pure: moments come in.
class clocks_seen {
public:
    using moment = std::chrono::steady_clock::time_point;

    // An answer of `host` said the time, and our clock was `ahead` of it by that at the least; negative: behind.
    void take(const std::string& host, std::chrono::milliseconds ahead, moment at);

    // How far ours is ahead of the others, where that is more than two minutes; negative: behind. A host says so by
    // three answers in a row, within an hour, and most hosts must: one whose own clock is wrong is not believed against
    // the rest.
    std::optional<std::chrono::milliseconds> ahead(moment now) const;

private:
    struct reading {
        std::chrono::milliseconds ahead;
        moment at;
    };
    std::map<std::string, std::deque<reading>> newest_; // by host
};

} // namespace rollbook
