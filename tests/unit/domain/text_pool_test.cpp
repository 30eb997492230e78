#include "daemon/domain/text_pool.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace rollbook;

TEST_CASE("a pool holds each text once and gives back every one of them", "[domain]")
{
    text_pool pool;
    CHECK(pool.intern("") == 0);
    CHECK(pool.text(0).empty());
    constexpr int texts = 3'000;
    const auto text_of = [](int i) { return std::string(static_cast<std::size_t>(i % 300), 'x') + std::to_string(i); };
    for (int i = 0; i < texts; ++i)
        REQUIRE(pool.intern(text_of(i)) == static_cast<text_id>(i + 1));
    for (int i = 0; i < texts; ++i) {
        REQUIRE(pool.intern(text_of(i)) == static_cast<text_id>(i + 1));
        REQUIRE(pool.text(static_cast<text_id>(i + 1)) == text_of(i));
    }
}
