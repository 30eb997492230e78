#include "tests/unit/config/school_folder.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using Catch::Matchers::Contains;

namespace {

// The contract's configuration with lines of their own in [web].
loaded_configuration with_proxy(const std::string& lines)
{
    school_folder school;
    const std::string at = "[backup]";
    school.main.replace(school.main.find(at), at.size(), lines + "\n" + at);
    return school.load();
}

struct wrong_proxy {
    const char* lines;
    const char* key;
    const char* said;
};

} // namespace

TEST_CASE("a proxy whose word is taken has a header and addresses", "[config]")
{
    const loaded_configuration loaded =
        with_proxy("identity_header = \"X-Remote-User\"\nidentity_from = [\"127.0.0.1\", \"::1\", \"10.1.0.0/24\"]");
    INFO(problems_of(loaded));
    REQUIRE(loaded.has_value());
    CHECK(loaded->web.identity_header == "X-Remote-User");
    REQUIRE(loaded->web.identity_from.size() == 3);
    CHECK(loaded->web.identity_from[2].contains("10.1.0.9"));
    CHECK(with_proxy("identity_header = \"Remote_User.1\"\nidentity_from = [\"10.0.0.0/8\", \"2001:db8::/32\"]")
              .has_value());
}

TEST_CASE("no proxy is believed unless the configuration names one", "[config]")
{
    const loaded_configuration loaded = with_proxy("");
    REQUIRE(loaded.has_value());
    CHECK(loaded->web.identity_header.empty());
    CHECK(loaded->web.identity_from.empty());
}

TEST_CASE("what is wrong with a proxy's header or addresses is said", "[config]")
{
    const auto [lines, key, said] = GENERATE(values<wrong_proxy>({
        {"identity_header = \"X-Remote-User\"", "web.identity_from", "is missing"},
        {"identity_from = [\"127.0.0.1\"]", "web.identity_header", "is missing"},
        {"identity_header = 5\nidentity_from = [\"127.0.0.1\"]", "web.identity_header", "is a whole number"},
        {"identity_header = \" \"\nidentity_from = [\"127.0.0.1\"]", "web.identity_header", "is empty"},
        {"identity_header = \"X-User\"\nidentity_from = \"127.0.0.1\"", "web.identity_from", "is a text"},
        {"identity_header = \"X-User\"\nidentity_from = []", "web.identity_from", "is empty"},
        {"identity_header = \"X-User\"\nidentity_from = [\"127.0.0.1\", 5]", "web.identity_from[2]", "whole number"},
        {"identity_header = \"X-User\"\nidentity_from = [\"proxy\"]", "web.identity_from", "is no address"},
        {"identity_header = \"X-User\"\nidentity_from = [\"10.1.0.5/24\"]", "web.identity_from", "behind its prefix"},
        {"identity_header = \"X-User\"\nidentity_from = [\"0.0.0.0/0\"]", "web.identity_from", "whoever asks"},
        {"identity_header = \"X-User\"\nidentity_from = [\"10.0.0.0/7\"]", "web.identity_from", "whoever asks"},
        {"identity_header = \"X-User\"\nidentity_from = [\"::/0\"]", "web.identity_from", "whoever asks"},
        {"identity_header = \"X-User\"\nidentity_from = [\"2001:db8::/31\"]", "web.identity_from", "whoever asks"},
        {"identity_header = \"X-User\"\nidentity_from = [\"::ffff:0.0.0.0/96\"]", "web.identity_from", "whoever asks"},
        {"identity_headers = \"X-User\"", "web.identity_headers", "not a key"},
    }));
    CAPTURE(lines);
    const loaded_configuration loaded = with_proxy(lines);
    REQUIRE_FALSE(loaded.has_value());
    INFO(problems_of(loaded));
    const configuration_errors errors = loaded.error();
    REQUIRE(errors.problems.size() == 1);
    CHECK(errors.problems[0].key == key);
    CHECK_THAT(errors.problems[0].what, Contains(said));
    CHECK_FALSE(errors.problems[0].expected.empty());
    CHECK(errors.problems[0].line > 0);
}

TEST_CASE("a header that browsers or other proxies write is no header of an identity", "[config]")
{
    const std::string name = GENERATE(
        as<std::string>{},
        "Cookie",
        "cookie2",
        "HOST",
        "Authorization",
        "Proxy-Authorization",
        "Content-Type",
        "Origin",
        "Referer",
        "Forwarded",
        "X-Forwarded-User",
        "x-forwarded-for",
        "X-Real-IP",
        "Sec-Fetch-Site",
        "Via",
        "From",
        "User-Agent",
        "Accept-Language",
        "If-Match",
        "Transfer-Encoding",
        "Connection",
        "X-HTTP-Method-Override",
        "X Remote User",
        "X-Remote-User:",
        "X-Rémote",
        "X(Remote)"
    );
    CAPTURE(name);
    const loaded_configuration loaded =
        with_proxy("identity_header = \"" + name + "\"\nidentity_from = [\"127.0.0.1\"]");
    REQUIRE_FALSE(loaded.has_value());
    const configuration_errors errors = loaded.error();
    REQUIRE(errors.problems.size() == 1);
    CHECK(errors.problems[0].key == "web.identity_header");
}
