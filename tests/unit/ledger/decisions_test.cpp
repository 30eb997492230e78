#include "daemon/ledger/backup.hpp"
#include "daemon/ledger/decisions.hpp"
#include "tests/unit/ledger/small_ledger.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace rollbook;
using namespace rollbook::support;

namespace {

// A ledger with a backup target and one recipient.
struct copied_ledger {
    ledger_folder of;
    std::unique_ptr<ledger> book = of.open();
    std::filesystem::path target = of.folder.path / "target";
    std::string origin = of.key.verifier().name;
    recipient_keys keys = make_recipient();

    copied_ledger()
    {
        std::filesystem::create_directory(target);
        fill(*book);
    }

    entry_index decide(const std::string& reason)
    {
        transaction t;
        t.entries.push_back(access_entry("office", no_entry, "name", reason, noon(6), book->size()));
        commit_and_apply(*book, t, noon(6));
        return book->size() - 1;
    }

    void copy() { copy_decisions(of.file(), target, origin, {keys.public_key}).value(); }
    void tidy() { tidy_decisions(of.file(), target, origin).value(); }

    std::filesystem::path back_up(instant at)
    {
        const backup_place place{of.file(), target / backup_name(origin, at), {keys.public_key}, at};
        write_backup(place, of.key, {}).value();
        return place.file;
    }

    std::vector<std::string> held() const { return decisions_after(target, origin, 0, keys).value(); }

    void write(const std::string& text) const
    {
        std::ofstream(decisions_file(target), std::ios::binary | std::ios::app) << text;
    }
};

std::string line_of_another(std::size_t bytes)
{
    return R"({"entry":3,"origin":"another","sealed":[")" + std::string(bytes, 'A') + "\"]}\n";
}

} // namespace

TEST_CASE("a decision is copied once, whatever else stands behind it in the file", "[ledger]")
{
    copied_ledger at;
    at.copy();
    CHECK(at.held().empty());
    at.decide("first");
    at.copy();
    at.copy();
    CHECK(at.held().size() == 1);

    // Lines of another ledger, more and longer than are read at once, and what is no line at all.
    at.write("\n\nno line\n" + line_of_another(10) + line_of_another(200'000));
    for (int i = 0; i < 2'000; ++i)
        at.write(line_of_another(100));
    at.copy();
    CHECK(at.held().size() == 1);
    at.decide("second");
    at.copy();
    at.copy();
    CHECK(at.held().size() == 2);

    at.tidy();
    CHECK(at.held().size() == 2);
    CHECK(decisions_after(at.target, "another", 0, at.keys).value().size() == 2'002);
}

TEST_CASE("a copy that was cut short swallows neither the next one nor itself", "[ledger]")
{
    copied_ledger at;
    at.decide("first");
    at.copy();
    at.decide("second");
    at.copy();
    const auto file = decisions_file(at.target);
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 20);
    CHECK(at.held().size() == 1);
    at.decide("third");
    CHECK(decisions_not_copied(at.of.file(), at.target, at.origin).value() == 2);
    at.copy();
    CHECK(at.held().size() == 3);
    CHECK(decisions_not_copied(at.of.file(), at.target, at.origin).value() == 0);
    std::size_t lines = 0;
    std::ifstream in(file);
    for (std::string text; std::getline(in, text);)
        ++lines;
    CHECK(lines == 3);
}

TEST_CASE("copies go when every backup in the target holds them", "[ledger]")
{
    copied_ledger at;
    at.decide("first");
    at.copy();
    const auto oldest = at.back_up(noon(10));
    at.decide("second");
    at.copy();
    at.back_up(noon(20));
    at.tidy();
    // The newer backup holds the second too; whoever restores the older one is told of it all the same.
    REQUIRE(at.held().size() == 1);
    CHECK(at.held()[0].find("second") != std::string::npos);

    std::filesystem::remove(oldest);
    at.tidy();
    CHECK(at.held().empty());
    CHECK(decisions_not_copied(at.of.file(), at.target, at.origin).value() == 0);
    at.copy();
    CHECK(at.held().empty());
    at.decide("third");
    CHECK(decisions_not_copied(at.of.file(), at.target, at.origin).value() == 1);
    at.copy();
    CHECK(at.held().size() == 1);
}

TEST_CASE("copies that were lost are made again from the oldest backup on", "[ledger]")
{
    copied_ledger at;
    at.decide("first");
    at.back_up(noon(10));
    at.decide("second");
    at.copy();
    std::filesystem::remove(decisions_file(at.target));
    at.copy();
    REQUIRE(at.held().size() == 1);
    CHECK(at.held()[0].find("second") != std::string::npos);
}

TEST_CASE("a copy left of a history that a restore ended keeps no later decision from being copied", "[ledger]")
{
    copied_ledger at;
    at.decide("first");
    at.copy();
    at.write(R"({"entry":900,"origin":")" + at.origin + R"(","sealed":[]})" + "\n");
    at.decide("second");
    at.copy();
    REQUIRE(at.held().size() == 2);
    CHECK(at.held()[1].find("second") != std::string::npos);
}
