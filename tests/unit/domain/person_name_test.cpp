#include "daemon/domain/person_name.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;

TEST_CASE("names that differ only in how they are written compare equal")
{
    const auto [left, right] = GENERATE(table<std::string, std::string>({
        {"O'Brien", "O\u2019BRIEN"},
        {"O'Brien", "OBrien"},
        {"Smith-Jones", "smith  jones"},
        {"José Núñez", "JOSE NUNEZ"},
        {"Jose\u0301", "José"},
        {"Łukasz", "Lukasz"},
        {"Søren", "soren"},
        {"Straße", "STRASSE"},
        {"Anaïs", "Anais"},
        {"St. John", "st john"},
        {"  Ann  ", "Ann"},
        {"Ælfred", "aelfred"},
        {"D\u2011Souza", "d souza"},
    }));
    INFO(left << " / " << right);
    CHECK(comparable_name(left) == comparable_name(right));
    CHECK_FALSE(comparable_name(left).empty());
}

TEST_CASE("a name in plain letters compares as the same name with a sign that nobody sees")
{
    // The soft hyphen takes it the long way, through all of Unicode.
    for (int sign = 0; sign < 128; ++sign) {
        const std::string name = std::string("Mc") + static_cast<char>(sign) + "Kay-Bee";
        CAPTURE(sign);
        CHECK(comparable_name(name) == comparable_name(name + "\u00ad"));
    }
}

TEST_CASE("names of other scripts are kept and told apart")
{
    CHECK_FALSE(comparable_name("Мария").empty());
    CHECK(comparable_name("Мария") == comparable_name("МАРИЯ"));
    CHECK(comparable_name("Мария") != comparable_name("Марина"));
    CHECK_FALSE(comparable_name("王").empty());
}

TEST_CASE("bytes that are no text, nothing, and a name of absurd length are no name")
{
    CHECK(comparable_name("\xff\xfe").empty());
    CHECK(comparable_name("").empty());
    CHECK(comparable_name(" - ").empty());
    CHECK(comparable_name(std::string(1001, 'a')).empty());
}

TEST_CASE("likeness tells a slip of the pen from another name")
{
    using enum name_likeness;
    const auto [a, b, likeness] = GENERATE(table<std::string, std::string, name_likeness>({
        {"smith", "smith", equal},
        {"", "smith", unknown},
        {"smith", "", unknown},
        {"smith", "smith jones", part},
        {"khan", "ali khan", part},
        {"mary anne", "mary", part},
        {"sam", "samuel", short_form},
        {"al", "alfie", different}, // two letters are not enough
        {"catherine", "catherina", close},
        {"marcus", "markus", close},
        {"jonathan", "johnathan", close},
        {"braian", "brian", close},
        {"micheal", "michael", close},         // two neighbours swapped
        {"katherine", "catherine", different}, // the first letter counts
        {"mia", "mya", different},             // too short to be a slip
        {"ellie", "elsie", close},
        {"harry", "harvey", different},
        {"oliver", "olivia", different},
        {"anna", "anya", different},
        {"abcdef", "abdcfe", different}, // two swaps
    }));
    INFO(a << " / " << b);
    CHECK(likeness_of(a, b) == likeness);
    CHECK(likeness_of(b, a) == likeness);
}
