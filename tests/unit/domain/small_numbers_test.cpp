#include "daemon/domain/small_numbers.hpp"

#include <catch2/catch.hpp>

using rollbook::small_numbers;

TEST_CASE("small numbers are given back as they were, in half a byte each or in a whole one", "[domain]")
{
    CHECK(small_numbers().empty());
    const int highest = GENERATE(0, 1, 15, 16, 255);
    const std::size_t many = GENERATE(1u, 2u, 7u, 1'200u);
    CAPTURE(highest, many);
    std::vector<std::uint8_t> numbers;
    for (std::size_t i = 0; i < many; ++i)
        numbers.push_back(static_cast<std::uint8_t>((highest + i * 7) % (static_cast<std::size_t>(highest) + 1)));
    const small_numbers packed(numbers);
    REQUIRE(packed.size() == many);
    for (std::size_t i = 0; i < many; ++i)
        REQUIRE(packed[i] == numbers[i]);
}
