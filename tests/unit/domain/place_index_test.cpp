#include "daemon/domain/place_index.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <vector>

using rollbook::place_index;
using rollbook::rising_index;

TEST_CASE("Every place is found by its own key while the index grows, and nothing else is")
{
    std::vector<std::string> keys;
    place_index index;
    const auto find = [&](const std::string& key, std::size_t hash) {
        return index.find(hash, [&](place_index::place at) { return keys[at] == key; });
    };
    CHECK(!find("0", 0));
    for (std::uint32_t i = 0; i < 5'000; ++i) {
        keys.push_back(std::to_string(i));
        index.add(i, i);
    }
    for (std::uint32_t i = 0; i < 5'000; ++i)
        REQUIRE(find(keys[i], i) == i);
    CHECK(!find("5000", 5'000));
    CHECK(!find("7", 8)); // of another hash
}

TEST_CASE("Places whose keys have one hash are told apart by their keys")
{
    std::vector<std::string> keys;
    place_index index;
    for (std::uint32_t i = 0; i < 40; ++i) {
        keys.push_back(std::to_string(i));
        index.add(17, i);
    }
    for (std::uint32_t i = 0; i < 40; ++i)
        CHECK(index.find(17, [&](place_index::place at) { return keys[at] == std::to_string(i); }) == i);
}

TEST_CASE("A place put for a key that has one takes its stead")
{
    const std::vector<std::string> keys = {"a", "b", "a"};
    place_index index;
    const auto put = [&](std::uint32_t place) {
        index.put(1, place, [&](place_index::place at) { return keys[at] == keys[place]; });
    };
    put(0);
    put(1);
    put(2);
    CHECK(index.find(1, [&](place_index::place at) { return keys[at] == "a"; }) == 2);
    CHECK(index.find(1, [&](place_index::place at) { return keys[at] == "b"; }) == 1);
}

TEST_CASE("Every number is found in a list of rising numbers, however many came late, and no other is")
{
    const unsigned late_in_hundred = GENERATE(0u, 1u, 30u, 100u);
    CAPTURE(late_in_hundred);
    std::mt19937 dice(7);
    std::vector<std::uint64_t> numbers; // even ones
    rising_index index;
    const auto find = [&](std::uint64_t number) {
        return index.find(number, [&](rising_index::place at) { return numbers[at]; });
    };
    CHECK(!find(0));
    std::vector<std::uint64_t> kept; // to come late
    const auto add = [&](std::uint64_t number) {
        REQUIRE(!find(number));
        numbers.push_back(number);
        index.add(number);
    };
    for (std::uint64_t number = 10; number < 4'000; number += 2) {
        if (dice() % 100 < late_in_hundred)
            kept.push_back(number);
        else
            add(number);
        if (!kept.empty() && dice() % 4 == 0) {
            add(kept.back());
            kept.pop_back();
        }
    }
    while (!kept.empty()) {
        add(kept.back());
        kept.pop_back();
    }
    for (std::uint32_t place = 0; place < numbers.size(); ++place)
        REQUIRE(find(numbers[place]) == place);
    for (std::uint64_t number = 1; number < 4'010; number += 2)
        REQUIRE(!find(number));
    for (const std::uint64_t number : {0, 2, 8, 4'000})
        CHECK(!find(number));
}
