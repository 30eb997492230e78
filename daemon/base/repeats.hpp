#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// Which lines of a log are the same again, numbers aside: of each kind the first `kept` in a stretch of `lasts` are to
// be written, the others counted.
class repeats {
public:
    using time_point = std::chrono::steady_clock::time_point;
    static constexpr std::int64_t kept = 5;
    static constexpr std::chrono::minutes lasts{10};
    static constexpr std::size_t kinds_max = 1'000; // beyond it a new kind is written each time

    struct summary {
        std::string example; // the first line of its kind
        std::int64_t left_out = 0;
    };

    // Whether the line is to be written.
    bool count(std::string_view line, time_point now);
    // The kinds whose stretch has ended and of which lines were left out, each once.
    std::vector<summary> take_ended(time_point now);

private:
    struct stretch {
        std::string example;
        time_point ends;
        std::int64_t seen = 0;
    };
    std::map<std::string, stretch> kinds_; // by the line without its numbers
    std::vector<summary> ended_;
};

} // namespace rollbook
