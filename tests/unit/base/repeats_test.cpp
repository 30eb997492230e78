#include "daemon/base/repeats.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace std::chrono_literals;

TEST_CASE("of lines that differ by numbers only the first five are written, and the rest are counted", "[base]")
{
    repeats told;
    const repeats::time_point start{};
    for (int i = 0; i < 8; ++i)
        CHECK(told.count("mis: trying again in " + std::to_string(i * 100) + " ms", start + i * 1s) == (i < 5));
    CHECK(told.count("safeguarding: trying again in 1 ms", start));
    CHECK(told.take_ended(start + 9min).empty());

    const auto ended = told.take_ended(start + 10min);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].left_out == 3);
    CHECK(ended[0].example == "mis: trying again in 0 ms");
    CHECK(told.take_ended(start + 20min).empty());
}

TEST_CASE("a kind that comes again after its stretch is written again, and its summary is not lost", "[base]")
{
    repeats told;
    const repeats::time_point start{};
    for (int i = 0; i < 6; ++i)
        (void)told.count("a", start);
    CHECK(told.count("a", start + repeats::lasts));
    const auto ended = told.take_ended(start + repeats::lasts);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].left_out == 1);
}
