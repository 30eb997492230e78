#include "daemon/service/clocks_seen.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace rollbook;
using namespace std::chrono_literals;

TEST_CASE(
    "a clock is wrong when most of the hosts that answered say so three times, by more than two minutes", "[service]"
)
{
    struct answers {
        std::string host;
        std::vector<std::chrono::milliseconds> ahead;
    };
    struct known {
        const char* why;
        std::vector<answers> seen;
        std::optional<std::chrono::milliseconds> ahead;
    };
    const std::vector<known> cases = {
        {"nobody answered", {}, {}},
        {"two minutes are let pass", {{"mis", {2min, 2min, 2min}}}, {}},
        {"more are not", {{"mis", {2min + 1ms, 5min, 5min}}}, 2min + 1ms},
        {"nor behind", {{"mis", {-20min, -21min, -20min}}}, -20min},
        {"two answers are not enough", {{"mis", {1h, 1h}}}, {}},
        {"one answer in the right", {{"mis", {1h, 0min, 1h}}}, {}},
        {"one that says the contrary", {{"mis", {1h, -1h, 1h}}}, {}},
        {"it was put right", {{"mis", {1h, 1h, 1h, 0min}}}, {}},
        {"a server whose own clock is wrong", {{"hook", {0min, 0min, 0min}}, {"mis", {1h, 1h, 1h}}}, {}},
        {"and one of three", {{"a", {-1h, -1h, -1h}}, {"b", {0min, 0min, 0min}}, {"c", {1s, 0s, 1s}}}, {}},
        {"two of three", {{"a", {9min, 9min, 9min}}, {"b", {0min, 0min, 0min}}, {"c", {7min, 7min, 7min}}}, 7min},
        {"both", {{"a", {9min, 9min, 9min}}, {"b", {7min, 7min, 7min}}}, 7min},
        {"one that answered too seldom is no voice", {{"a", {9min, 9min, 9min}}, {"b", {0min, 0min}}}, 9min},
    };
    const clocks_seen::moment start{};
    for (const known& each : cases) {
        CAPTURE(each.why);
        clocks_seen clocks;
        for (const answers& of : each.seen)
            for (const auto ahead : of.ahead)
                clocks.take(of.host, ahead, start);
        CHECK(clocks.ahead(start + 1h) == each.ahead);
        CHECK(clocks.ahead(start + 1h + 1ms) == std::nullopt); // too long ago to say anything of now
    }
}
