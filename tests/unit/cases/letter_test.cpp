#include "daemon/cases/letter.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;

TEST_CASE("a letter's words are filled in, and everything else stays as it was written", "[cases]")
{
    const letter_words words = {{"pupil", "Ana {{dates}}"}, {"dates", "Monday\nTuesday"}};
    const auto [text, filled] = GENERATE(table<std::string, std::string>({
        {"", ""},
        {"Dear parents", "Dear parents"},
        {"About {{pupil}}.", "About Ana {{dates}}."}, // what was filled in is not filled again
        {"{{ dates }}{{dates}}", "Monday\nTuesdayMonday\nTuesday"},
        {"one { brace } }}", "one { brace } }}"},
    }));
    CAPTURE(text);
    CHECK(fill_letter(text, words).value() == filled);
}

TEST_CASE("a word that nothing is known for stops the letter and names its line", "[cases]")
{
    const auto [text, line] = GENERATE(table<std::string, std::string>({
        {"{{upn}}", "line 1 "},
        {"a\nb {{pupil}}\nc {{", "line 3 "},
        {"{{}}", "line 1 "},
    }));
    CAPTURE(text);
    const auto got = fill_letter(text, {{"pupil", "Ana"}});
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().what.find(line) != std::string::npos);
    CHECK(got.error().to_do.find("pupil") != std::string::npos);
}
