// Export files that a person adds on a page: where they are put, and what is said of them first.

#include "connectors/report/deposit.hpp"
#include "connectors/report/report_connector.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/record_mapping.hpp"
#include "daemon/service/export_preview.hpp"
#include "tests/connectors/printing.hpp"
#include "tests/unit/net/run.hpp"

#include <catch2/catch.hpp>

#include <boost/asio/io_context.hpp>

#include <fnmatch.h>
#include <fstream>
#include <sys/stat.h>

using namespace rollbook;
using Catch::Matchers::Contains;

namespace {

namespace fs = std::filesystem;

struct folders {
    folders() : root(fs::temp_directory_path() / ("rollbook-added-" + std::to_string(::getpid())))
    {
        fs::remove_all(root);
        fs::create_directories(root / "drop");
    }
    ~folders()
    {
        fs::permissions(root / "drop", fs::perms::owner_all);
        fs::remove_all(root);
    }
    folders(const folders&) = delete;
    folders& operator=(const folders&) = delete;

    fs::path write(const std::string& name, const std::string& text) const
    {
        std::ofstream(root / name, std::ios::binary) << text;
        return root / name;
    }
    std::vector<std::string> names_in(const char* folder) const
    {
        std::vector<std::string> names;
        for (const auto& each : fs::directory_iterator(root / folder))
            names.push_back(each.path().filename().string());
        std::sort(names.begin(), names.end());
        return names;
    }
    fs::path root;
};

std::string text_of(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST_CASE("an added file gets a name that the mapping means", "[report]")
{
    for (const auto& [pattern, name] : std::vector<std::pair<std::string, std::string>>{
             {"*", "now"},
             {"*.csv", "now.csv"},
             {"CPOMS-*.CSV", "CPOMS-now.CSV"},
             {"a*b*c", "anowbc"},
             {"week-??.xml", "week-xx.xml"},
             {"[Cc]poms*.csv", "Cpomsnow.csv"},
             {"exactly.csv", "exactly.csv"},
             {"[!a]*.csv", "!now.csv"},
             {"\\*now.csv", "*now.csv"}}) {
        CAPTURE(pattern);
        CHECK(name_that_fits(pattern, "now") == name);
        CHECK(::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0);
    }
    for (const char* pattern : {"", ".hidden", "[a-", "[abc", "../*.csv", "a/*.csv"}) {
        CAPTURE(pattern);
        CHECK_FALSE(name_that_fits(pattern, "now").has_value());
    }
}

TEST_CASE("an added file is whole under its name at once, for its owner alone, and replaces no other", "[report]")
{
    const folders at;
    const std::string content(300'000, 'r');
    const fs::path file = at.write("upload", content);
    REQUIRE(deposit(file, at.root / "drop", "*.csv", "added-1"));
    CHECK(at.names_in("drop") == std::vector<std::string>{"added-1.csv"});
    CHECK(text_of(at.root / "drop/added-1.csv") == content);
    CHECK(
        (fs::status(at.root / "drop/added-1.csv").permissions() & ~(fs::perms::owner_read | fs::perms::owner_write)) ==
        fs::perms::none
    );
    CHECK(fs::exists(file));

    at.write("upload", "another");
    CHECK_FALSE(deposit(file, at.root / "drop", "*.csv", "added-1"));
    CHECK(text_of(at.root / "drop/added-1.csv") == content);
    CHECK(at.names_in("drop") == std::vector<std::string>{"added-1.csv"});
    REQUIRE(deposit(file, at.root / "drop", "*.csv", "added-2"));
}

TEST_CASE("a folder that is not there, or a pattern without a name, is said and nothing is left", "[report]")
{
    const folders at;
    const fs::path file = at.write("upload", "rows");
    const auto no_folder = deposit(file, at.root / "nothing", "*.csv", "added-1");
    REQUIRE_FALSE(no_folder);
    CHECK(no_folder.error().code == errc::source_misconfigured);
    const auto no_name = deposit(file, at.root / "drop", ".hidden", "added-1");
    REQUIRE_FALSE(no_name);
    CHECK_THAT(no_name.error().what, Contains(".hidden"));
    CHECK(at.names_in("drop").empty());
}

// A source of concerns whose files lie in `folder`.
struct concerns : folders {
    boost::asio::io_context loop{1};
    source_configuration source;
    std::unique_ptr<connector> from;

    concerns()
    {
        auto mapping = std::make_shared<mapping_file>();
        record_mapping rows;
        rows.record = what::concern;
        for (const char* name : {"incident_ref", "incident_at", "pupil_upn", "pupil_surname", "category"}) {
            mapped_column column;
            column.field = find_mappable(what::concern, name);
            REQUIRE(column.field != nullptr);
            column.from = name;
            if (column.field->is == mappable_field::kind::list) column.split = ';';
            rows.columns.push_back(std::move(column));
        }
        rows.key = {find_mappable(what::concern, "incident_ref")};
        mapping->records.push_back(std::move(rows));
        mapping->settle = {};
        mapping->then = after_import::leave;
        mapping->shape = "1";
        source.name = "cpoms";
        source.connector = "report";
        source.mapping = mapping;
        source.settings["folder"].value = (root / "drop").string();
        open();
    }

    void open(const std::string& bookmark = "")
    {
        const auto now = [] { return parse_instant("2026-11-27T09:00:00Z").value(); };
        from = make_report_connector(source, root, *time_zone::named("Europe/London"), now, now).value();
        from->resume(0, bookmark);
    }
    result<export_preview> look(const std::atomic<bool>* is_ending = nullptr)
    {
        return test::run(loop, preview(*from, is_ending));
    }
};

constexpr const char* headings = "incident_ref,incident_at,pupil_upn,pupil_surname,category,secret\n";

TEST_CASE_METHOD(concerns, "a preview says what would be taken and what not, and no value of a pupil", "[report]")
{
    write(
        "drop/a.csv",
        std::string(headings) + "17,2026-11-20T08:50,A123456789012,Ahmed,Bullying;Neglect,not mapped\n" +
            "18,2026-11-24T10:00,1.23E+12,Brown,Bullying,not mapped\n" +
            "19,24/11/2026,B123456789012,Clark,Bullying,not mapped\n" +
            "20,2026-11-25T10:00,B123456789012,Clark,Bullying,not mapped\n"
    );
    const auto found = look();
    REQUIRE(found);
    CHECK(found->rows == 4);
    CHECK(found->rows_aside == 2);
    CHECK(found->kinds == std::map<std::string, std::size_t>{{"concern", 2}, {"involvement", 2}, {"pupil", 2}});
    CHECK(found->first_day == "2026-11-20");
    CHECK(found->last_day == "2026-11-25");
    REQUIRE(found->aside.size() == 2);
    CHECK(found->aside[0].row == 2);
    CHECK_THAT(found->aside[0].reason, Contains("pupil_upn was turned into a number"));
    CHECK(found->aside[1].row == 3);
    CHECK_THAT(found->aside[1].reason, Contains("incident_at"));
    CHECK_FALSE(found->was_read_before);
    std::string all;
    const auto add = [&](const export_preview::cells& cells) {
        for (const auto& [field, shape] : cells)
            all += field + "=" + shape + "\n";
    };
    for (const auto& each : found->samples)
        add(each.fields);
    for (const auto& each : found->aside)
        add(each.row_cells);
    for (const auto& each : found->fields)
        all += each.name + "=" + each.shape + "\n";
    CHECK_THAT(all, Contains("pupil.surname=Xxxxx") && Contains("upn=X999999999999"));
    for (const char* hidden :
         {"Ahmed", "Brown", "Clark", "Bullying", "A123456789012", "not mapped", "secret", "2026"}) {
        CAPTURE(hidden);
        CHECK(all.find(hidden) == std::string::npos);
    }
    CHECK(names_in("drop") == std::vector<std::string>{"a.csv"});
}

TEST_CASE_METHOD(
    concerns, "a preview goes through pages to the end, and lists the first rows put aside only", "[report]"
)
{
    std::string text = headings;
    for (int i = 0; i < 1'700; ++i)
        text += std::to_string(i) + (i % 4 == 0 ? ",never" : ",2026-11-20T08:50") + ",A123456789012,Ahmed,Bullying,x\n";
    write("drop/a.csv", text);
    const auto found = look();
    REQUIRE(found);
    CHECK(found->rows == 1'700);
    CHECK(found->rows_aside == 425);
    CHECK(found->kinds.at("concern") == 1'275);
    CHECK(found->aside.size() == put_aside_shown_max);
    CHECK(found->aside[199].row == 797);
    CHECK(std::count_if(found->samples.begin(), found->samples.end(), [](const auto& each) {
              return each.kind == "concern";
          }) == samples_max);
}

TEST_CASE_METHOD(concerns, "a preview says why a file cannot be read, and that it was read before", "[report]")
{
    SECTION("a heading is missing")
    {
        write("drop/a.csv", "incident_ref,incident_at\n17,2026-11-20\n");
        const auto found = look();
        REQUIRE_FALSE(found);
        CHECK(found.error().code == errc::source_misconfigured);
    }
    SECTION("it ends inside a row")
    {
        write("drop/a.csv", std::string(headings) + "17,\"2026-11-20");
        const auto found = look();
        REQUIRE_FALSE(found);
        CHECK(found.error().code == errc::page_malformed);
    }
    SECTION("it was read before")
    {
        write("drop/a.csv", std::string(headings) + "17,2026-11-20T08:50,A123456789012,Ahmed,Bullying,x\n");
        REQUIRE(look()->rows == 1);
        const std::string bookmark = from->bookmark(0);
        fs::rename(root / "drop/a.csv", root / "drop/b.csv");
        open(bookmark);
        const auto again = look();
        REQUIRE(again);
        CHECK(again->was_read_before);
        CHECK(again->rows == 0);
    }
    SECTION("the daemon stops")
    {
        write("drop/a.csv", std::string(headings) + "17,2026-11-20T08:50,A123456789012,Ahmed,Bullying,x\n");
        const std::atomic<bool> stop = true;
        const auto found = look(&stop);
        REQUIRE_FALSE(found);
        CHECK(found.error().code == errc::stopped);
    }
}

} // namespace
