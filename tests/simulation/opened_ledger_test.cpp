#include "tests/simulation/dice.hpp"
#include "tests/simulation/memory_disk.hpp"
#include "tests/support/ledger_folder.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace rollbook;
using namespace rollbook::simulation;

namespace {

std::string bytes_of(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

transaction one_entry(const ledger& book)
{
    transaction t;
    t.entries.push_back(access_entry("office", no_entry, "name", "a test", support::noon(), book.size()));
    return t;
}

} // namespace

TEST_CASE(
    "whatever a ledger holds when it is opened is there after a power cut too, though a kill came before its sync",
    "[simulation][crash]"
)
{
    const support::ledger_folder fresh;
    const std::string bytes = bytes_of(fresh.file());
    int found_unsynced = 0;
    bool done = false;
    for (std::size_t n = 1; !done; ++n)
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            memory_disk disk;
            dice chance(seed);
            disk.add(fresh.file().string(), bytes);
            bool told = true;
            {
                const auto book = fresh.open();
                disk.die_at(n);
                try {
                    book->commit(one_entry(*book), support::noon());
                } catch (const failure_error&) {
                    told = false;
                }
                done = !disk.is_dying();
                disk.die_at(1);
            }
            disk.recover(false, chance);
            entry_index held = 0;
            {
                const auto book = fresh.open();
                held = book->size();
                disk.die_at(1);
            }
            found_unsynced += held > 1 && !told ? 1 : 0;
            disk.recover(true, chance);
            CAPTURE(n, seed, told);
            REQUIRE(fresh.open()->size() == held);
            REQUIRE((held == 2 || !told));
        }
    CHECK(found_unsynced > 0); // it did happen
}

TEST_CASE(
    "what a failed commit left in the log is there when the ledger is looked at next, or never again",
    "[simulation][crash]"
)
{
    const bool lives_on = GENERATE(false, true); // the process, or another one comes after it
    const bool with_power_cut = GENERATE(false, true);
    CAPTURE(lives_on, with_power_cut);
    const support::ledger_folder fresh;
    const std::string bytes = bytes_of(fresh.file());
    int failed = 0;
    bool done = false;
    for (std::size_t n = 1; !done; ++n)
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            memory_disk disk;
            dice chance(seed);
            disk.add(fresh.file().string(), bytes);
            auto book = fresh.open();
            disk.fail_at(n, SQLITE_IOERR_WRITE);
            try {
                book->commit(one_entry(*book), support::noon());
            } catch (const failure_error&) {
                ++failed;
            }
            done = !disk.has_failed();
            disk.fail_at(0, SQLITE_OK);
            if (lives_on) {
                book->reload();
            } else {
                book.reset();
                book = fresh.open();
            }
            const entry_index held = book->size();
            disk.die_at(1);
            book.reset();
            disk.recover(with_power_cut, chance);
            CAPTURE(n, seed);
            REQUIRE(fresh.open()->size() == held);
        }
    CHECK(failed > 0); // it did happen
}
