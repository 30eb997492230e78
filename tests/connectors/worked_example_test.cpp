// The README's example, taken as it stands: a new source is one JSON file.
#include "tests/connectors/loopback.hpp"

#include "connectors/rest/skeleton.hpp"
#include "tests/connectors/printing.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

using namespace rollbook;
using namespace rollbook::test;
using lines = std::vector<std::string>;

namespace {

manifest loaded_from(const std::string& name, const std::string& text)
{
    const auto folder = std::filesystem::temp_directory_path() / ("rollbook-example-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / (name + ".json")) << text;
    auto m = load_manifest(folder / (name + ".json"), root() / "schemas");
    std::filesystem::remove_all(folder);
    return std::move(m.value());
}

} // namespace

TEST_CASE("the example of the README is a whole manifest and reads a source as it says", "[connectors]")
{
    const std::string readme = file_text(root() / "connectors/README.md");
    const auto begin = readme.find("```json\n");
    REQUIRE(begin != readme.npos);
    const std::string text = readme.substr(begin + 8, readme.find("\n```", begin) - begin - 7);
    loopback_server server([](const seen_request& r) {
        if (r.header("authorization") != "Bearer s3cret-key") return reply("{}", 401);
        if (r.path != "/v2/marks") return reply("{}", 404);
        const std::string page = r.param("offset_page");
        return reply(
            R"({"rows":[{"id":)" + page + R"(,"pupil":{"id":"P1"},"on":"0)" + page +
            R"(/09/2026","half":"AM","code":"L","late":"4"}],"pageCount":3})"
        );
    });
    setting_table settings = emulated(server);
    settings["key"] = secret_setting("key");
    live_source school(loaded_from("example", text), settings);
    REQUIRE(school.begin());
    const auto got = school.read("marks");
    REQUIRE(got);
    CHECK(
        got->lines ==
        lines{
            "mark 1 [P1] 2026-09-01 AM raw=L code=L late=4",
            "mark 2 [P1] 2026-09-02 AM raw=L code=L late=4",
            "mark 3 [P1] 2026-09-03 AM raw=L code=L late=4"}
    );
}

TEST_CASE("the manifest that `connectors new` writes keeps the schema as it stands", "[connectors]")
{
    const manifest m = loaded_from("our-mis", manifest_skeleton("our-mis"));
    CHECK(m.name == "our-mis");
    CHECK(m.streams.size() == 1);
}
