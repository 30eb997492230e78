#include "daemon/domain/upn.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>

using namespace rollbook;

namespace {

const std::string letters = "ABCDEFGHJKLMNPQRTUVWXYZ";

// Twelve characters that may follow a check letter: every third of them temporary.
std::string random_rest(std::mt19937& random)
{
    std::uniform_int_distribution<int> figure('0', '9');
    std::string rest;
    for (int i = 0; i < 12; ++i)
        rest.push_back(static_cast<char>(figure(random)));
    if (random() % 3 == 0) rest.back() = letters[random() % letters.size()];
    return rest;
}

} // namespace

TEST_CASE("a UPN's check letter is the published one", "[domain][statutory]")
{
    const auto [rest, letter] = GENERATE(table<std::string, char>({
        {"207000016049", 'P'},
        {"801200005001", 'B'},
        {"000000000000", 'A'},
        {"00000000000A", 'A'}, // a temporary number's last letter counts as its place, from 0
        {"00000000000B", 'P'}, // 1 x 13
        {"00000000000Z", 'L'}, // 22 x 13 = 286 = 12 x 23 + 10
        {"00000000000T", 'B'}, // T is at 16, for I, O and S have no place: 208 = 9 x 23 + 1
        {"20700001604A", 'M'}, // the first one without its last figure: 266 - 117 = 149 = 6 x 23 + 11
    }));
    CAPTURE(rest);
    CHECK(upn::check_letter(rest) == letter);
    const auto read = upn::parse(letter + rest);
    REQUIRE(read.has_value());
    CHECK(read->text() == letter + rest);
    CHECK(read->is_temporary() == (rest.back() > '9'));
}

TEST_CASE("a UPN is read with space around it and in lower case", "[domain]")
{
    CHECK(upn::parse(" p207000016049 ").value().text() == "P207000016049");
    CHECK(upn::parse("a00000000000a").value().text() == "A00000000000A");
}

TEST_CASE("a text that is not of a UPN's form has no check letter and is refused", "[domain]")
{
    const std::string text = GENERATE(
        as<std::string>(),
        "",
        " ",
        "P",
        "P20700001604",
        "P2070000160490",
        "1207000016049",
        "I207000016049",
        "O207000016049",
        "S207000016049",
        "P20700001604I",
        "P20700001604O",
        "P20700001604S",
        "P2O7000016049",
        "P20700001604-",
        "P207 00016049",
        "PA07000016049",
        "P207000016\xc3\xa9",
        "P20700001604\xff"
    );
    CAPTURE(text);
    const auto read = upn::parse(text);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == errc::record_unreadable);
    CHECK_FALSE(read.error().what.empty());
    CHECK_FALSE(read.error().to_do.empty());
}

TEST_CASE("check_letter refuses what is not twelve characters of a UPN", "[domain]")
{
    for (const std::string_view rest :
         {"", "20700001604", "2070000160490", "20700001604I", "20700001604a", "2070000 6049"}) {
        CAPTURE(rest);
        CHECK(upn::check_letter(rest) == 0);
    }
}

TEST_CASE("a refused UPN's error does not repeat the value", "[domain]")
{
    const std::string value =
        GENERATE(as<std::string>(), "A207000016049", "Q20700001604", "I207000016049", "P2070000160X9");
    const auto read = upn::parse(value);
    REQUIRE_FALSE(read.has_value());
    const std::string said = read.error().what + read.error().to_do;
    CHECK(said.find(value) == std::string::npos);
    CHECK(said.find("2070") == std::string::npos);
}

TEST_CASE("of the 23 letters exactly one is accepted in front of any number", "[domain]")
{
    std::mt19937 random(20260901);
    for (int i = 0; i < 2000; ++i) {
        const std::string rest = random_rest(random);
        CAPTURE(rest);
        const char right = upn::check_letter(rest);
        REQUIRE(letters.find(right) != std::string::npos);
        for (const char letter : letters) {
            REQUIRE(upn::parse(letter + rest).has_value() == (letter == right));
        }
    }
}

TEST_CASE("one wrong figure in a UPN is always found", "[domain]")
{
    std::mt19937 random(20260902);
    for (int i = 0; i < 2000; ++i) {
        std::string text = random_rest(random);
        text.insert(text.begin(), upn::check_letter(text));
        const std::size_t place = 1 + random() % 11;
        text[place] = static_cast<char>('0' + (text[place] - '0' + 1 + static_cast<int>(random() % 9)) % 10);
        CAPTURE(text);
        REQUIRE_FALSE(upn::parse(text).has_value());
    }
}
