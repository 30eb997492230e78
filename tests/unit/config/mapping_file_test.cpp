#include "tests/unit/config/school_folder.hpp"

#include "daemon/ports/record_mapping.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using Catch::Matchers::Contains;

namespace {

std::string with(const std::string& text, const std::string& part, const std::string& other)
{
    const auto at = text.find(part);
    REQUIRE(at != text.npos);
    return text.substr(0, at) + other + text.substr(at + part.size());
}

} // namespace

TEST_CASE("the mapping of the contract is read as it stands", "[config]")
{
    const school_folder folder;
    const auto loaded = folder.load();
    INFO(problems_of(loaded));
    REQUIRE(loaded.has_value());
    const source_configuration& cpoms = loaded->sources.at(1);
    REQUIRE(cpoms.mapping);
    const record_mapping& record = cpoms.mapping->records.at(0);
    CHECK(record.record == what::concern);
    CHECK(record.columns.size() == 10);
    CHECK(record.key.at(0)->name == "incident_ref");
    CHECK(record.column_of("linked_pupils")->split == ';');
    CHECK(record.column_of("incident_at")->formats.size() == 2);
    CHECK(record.renames.at(0).since == *parse_day("2026-09-01"));
    CHECK_FALSE(record.lists_all);
    CHECK(cpoms.mapping->settle == std::chrono::seconds(60));
    CHECK(cpoms.mapping->then == after_import::remove);
    // A week without an export is what makes this source stale.
    CHECK(cpoms.stale_after == std::chrono::days(7));
    CHECK_FALSE(cpoms.settings.contains("mapping"));
}

TEST_CASE("what is wrong with a mapping is said with its file, line and key", "[config]")
{
    const auto [why, part, other, told] = GENERATE(table<std::string, std::string, std::string, std::string>({
        {"an unknown key", "settle = \"60s\"", "settled = \"60s\"", "cpoms-mapping.toml:5: settled"},
        {"an unknown field",
         "status = \"status\"",
         "text = \"status\"",
         "cpoms-mapping.toml:18: columns.text: is no field of a concern"},
        {"an unknown record", "\"concern\"", "\"conern\"", "cpoms-mapping.toml:2: record"},
        {"no time",
         "incident_at = { from = \"incident_at\", formats = [\"%Y-%m-%dT%H:%M\", \"%d/%m/%Y %H:%M\"] }",
         "",
         "columns.incident_at: is missing"},
        {"a form without a year",
         "\"%d/%m/%Y %H:%M\"",
         "\"%d/%m %H:%M\"",
         "cpoms-mapping.toml:11: columns.incident_at.formats"},
        {"a key that is not mapped", "key = [\"incident_ref\"]", "key = [\"author\"]", "cpoms-mapping.toml:8: key"},
        {"a separator of two characters", "split = \";\" }\nsub", "split = \"; \" }\nsub", "columns.category.split"},
        {"a separator for one value",
         "status = \"status\"",
         "status = { from = \"status\", split = \";\" }",
         "columns.status.split"},
        {"clear text that nobody accepts", "\"remove\"", "\"leave\"", "cpoms-mapping.toml:6: after_import"},
        {"a folder in the pattern", "\"*.csv\"", "\"in/*.csv\"", "cpoms-mapping.toml:3: files"},
        {"a rename of what is not mapped", "field = \"category\"", "field = \"author\"", "rename[1].field"},
        {"no day of the rename", "since = 2026-09-01", "", "rename[1].since"},
        {"codes of a concern", "[[rename]]", "[codes]\nX = \"I\"\n[[rename]]", "codes: is only for session marks"},
        {"texts that say a status",
         "status = \"status\"",
         "status = { from = \"status\", in = [\"Open\"] }",
         "columns.status.in"},
        {"a column in a number", "status = \"status\"", "status = 4", "cpoms-mapping.toml:18: columns.status"},
    }));
    CAPTURE(why);
    school_folder folder;
    folder.mapping = with(folder.mapping, part, other);
    const auto loaded = folder.load();
    REQUIRE_FALSE(loaded.has_value());
    CHECK_THAT(problems_of(loaded), Contains(told));
}

TEST_CASE("a report folder without its mapping is no source", "[config]")
{
    school_folder folder;
    folder.main = with(folder.main, "mapping = \"cpoms-mapping.toml\"", "");
    CHECK_THAT(problems_of(folder.load()), Contains("source[2].settings.mapping"));
    folder.main = with(folder.main, "folder = \"/srv/cpoms-exports\"", "folder = \"/srv\"\nmapping = \"none.toml\"");
    CHECK_THAT(problems_of(folder.load()), Contains("none.toml") && Contains("cannot be read"));
}

TEST_CASE("files may stay as clear text once somebody accepts it in words", "[config]")
{
    school_folder folder;
    folder.mapping = with(folder.mapping, "\"remove\"", "\"leave\"\naccept_clear_text = \"The DSL, 1 September 2026\"");
    CHECK(problems_of(folder.load()).empty());
}

TEST_CASE("a file of marks never says that other days' marks are gone", "[config]")
{
    school_folder folder;
    folder.mapping = "record = \"session-mark\"\nlists_all = true\n[columns]\npupil_upn = \"UPN\"\nday = \"Date\"\n"
                     "session = \"Session\"\ncode = \"Mark\"\n";
    CHECK_THAT(problems_of(folder.load()), Contains("cpoms-mapping.toml:2: lists_all"));
}

TEST_CASE("what is only about when and what then does not change how rows are read", "[config]")
{
    school_folder folder;
    const auto shape = [&] { return folder.load()->sources.at(1).mapping->shape; };
    const std::string before = shape();
    folder.mapping = with(folder.mapping, "settle = \"60s\"", "settle = \"0s\"");
    CHECK(shape() == before);
    folder.mapping = with(folder.mapping, "\"%d/%m/%Y %H:%M\"", "\"%m/%d/%Y %H:%M\"");
    CHECK(shape() != before);
}

TEST_CASE("every mapping that is shipped loads as it stands", "[config]")
{
    const auto folder = std::filesystem::path(ROLLBOOK_SOURCE_DIR) / "connectors/report/mappings";
    std::size_t count = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
        if (file.path().extension() != ".toml") continue;
        CAPTURE(file.path().filename());
        school_folder school;
        school.main = with(school.main, "cpoms-mapping.toml", file.path().string());
        CHECK(problems_of(school.load()).empty());
        ++count;
    }
    CHECK(count == 4);
}
