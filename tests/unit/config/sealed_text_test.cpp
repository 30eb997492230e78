#include "tests/unit/config/school_folder.hpp"

#include "daemon/base/sealed_file.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using Catch::Matchers::Contains;

namespace {

std::string quoted_key()
{
    return "\"" + format_recipient(make_recipient().public_key) + "\"";
}

} // namespace

TEST_CASE("narratives are read for two people and an escrow, and are off otherwise", "[config]")
{
    school_folder school;
    CHECK_FALSE(school.load()->sealed_text);
    school.main +=
        "\n[sealed_text]\nrecipients = [" + quoted_key() + ", " + quoted_key() + "]\nescrow = " + quoted_key();
    school.mapping += "\n";
    school.mapping.insert(school.mapping.find("status ="), "narrative = \"incident\"\n");
    const loaded_configuration loaded = school.load();
    INFO(problems_of(loaded));
    REQUIRE(loaded.has_value());
    CHECK(loaded->sealed_text->recipients.size() == 3);
}

TEST_CASE("what is wrong with who can read narratives is said", "[config]")
{
    const std::string one = quoted_key();
    const auto [why, lines, said] = GENERATE_COPY(table<std::string, std::string, std::string>({
        {"one person", "recipients = [" + one + "]\nescrow = " + quoted_key(), "names one person only"},
        {"no escrow", "recipients = [" + one + ", " + quoted_key() + "]", "sealed_text.escrow"},
        {"no recipients", "escrow = " + one, "sealed_text.recipients"},
        {"one key twice", "recipients = [" + one + ", " + one + "]\nescrow = " + quoted_key(), "names one key twice"},
        {"an escrow that is a person",
         "recipients = [" + one + ", " + quoted_key() + "]\nescrow = " + one,
         "names one key twice"},
        {"no key", "recipients = [\"lead\", " + one + "]\nescrow = " + quoted_key(), "no recipient's public key"},
    }));
    CAPTURE(why);
    school_folder school;
    school.main += "\n[sealed_text]\n" + lines + "\n";
    CHECK_THAT(problems_of(school.load()), Contains(said));
}

TEST_CASE("a mapping that names a narrative is refused while nobody is named to read it", "[config]")
{
    school_folder school;
    school.mapping.insert(school.mapping.find("status ="), "narrative = \"incident\"\n");
    CHECK_THAT(
        problems_of(school.load()), Contains("sealed_text") && Contains("cpoms") && Contains("never read in clear")
    );
}
