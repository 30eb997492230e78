#include "tests/sanitized.hpp"
#include "tests/unit/ledger/faulty_disk.hpp"
#include "tests/unit/ledger/small_ledger.hpp"
#include "tests/unit/ledger/sql.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
using namespace rollbook::support;

namespace {

// What was promised to the outside while the disk was well.
struct promised {
    entry_index committed = 0;        // entries of transactions that returned
    std::vector<std::string> signed_; // checkpoints that were signed, and may have been sent
};

// A ledger that was just made, copied: making one costs more than all that is done to it here.
class fresh_copy {
public:
    explicit fresh_copy(const ledger_folder& of) : key(of.key)
    {
        for (const auto& each : std::filesystem::directory_iterator(of.folder.path))
            std::filesystem::copy(each.path(), folder.path / each.path().filename());
    }
    std::filesystem::path file() const { return folder.path / "ledger.db"; }

    temporary_folder folder;
    const signing_key& key;
};

void keep_promises(const fresh_copy& at, const promised& kept)
{
    auto book = open_ledger(at.file(), at.key);
    if (!book) FAIL(book.error().what);
    CHECK((*book)->size() >= kept.committed);
    (*book)->sign_checkpoint(noon(60));
    book->reset();
    verify_options options;
    options.key = at.key.verifier();
    options.earlier_checkpoints = kept.signed_;
    const verify_report report = open_reader(at.file()).value()->verify(options);
    for (const verify_problem& problem : report.problems)
        FAIL_CHECK(problem.what);
    CHECK(report.unsigned_entries == 0);
}

// Short days of a ledger: pages, signatures, the log emptied in between, the program ended and started again. A
// failure ends what is being done; then the program goes on, as the service does.
void live(const fresh_copy& at, promised& kept, int days = 2)
{
    for (int day = 0; day < days; ++day) {
        auto opened = open_ledger(at.file(), at.key);
        if (!opened) return;
        ledger& book = **opened;
        const auto attempt = [&](auto work) {
            try {
                work();
            } catch (const std::exception&) {
                try {
                    book.reload();
                } catch (const std::exception&) {
                    return false;
                }
            }
            return true;
        };
        const auto sign = [&] {
            book.sign_checkpoint(noon(day));
            kept.signed_.push_back(book.checkpoints().proofs().newest()->note);
        };
        const auto page = [&] {
            transaction t;
            for (entry_index i = 0; i < 3; ++i)
                t.entries.push_back(tiny_draft(book.size() + i));
            t.messages.push_back(message_to("lead", "<" + std::to_string(book.size()) + "@example>"));
            book.commit(t, noon(day));
            kept.committed = book.size();
        };
        const auto empty_log = [&] {
            SQLite::Database other(at.file().string(), SQLite::OPEN_READWRITE);
            other.exec("PRAGMA wal_checkpoint(PASSIVE)");
        };
        const bool well = attempt(sign) && attempt(page) && attempt(sign) && attempt(page) && attempt(empty_log) &&
                          attempt(page) && attempt(sign) && attempt(page);
        if (!well) return;
    }
}

} // namespace

TEST_CASE(
    "whichever write or sync fails, what was committed stays and what was signed is extended", "[ledger][crash][long]"
)
{
    const auto [why, code, lasting] = GENERATE(table<const char*, int, bool>({
        {"the disk is full and stays so", SQLITE_FULL, true},
        {"one write finds no room", SQLITE_FULL, false},
        {"the disk answers no more", SQLITE_IOERR_WRITE, true},
        {"one sync fails", SQLITE_IOERR_FSYNC, false},
    }));
    CAPTURE(why);
    const ledger_folder made;
    int steps = 0;
    for (int n = 1;; n += is_sanitized ? 5 : 1) {
        CAPTURE(n);
        const fresh_copy folder(made);
        faulty_disk disk;
        promised kept;
        disk.fail_at(n, code, lasting);
        live(folder, kept);
        const bool failed = disk.has_failed();
        disk.heal();
        keep_promises(folder, kept);
        if (!failed) {
            CHECK(kept.committed == 25);
            break;
        }
        steps = n;
    }
    CHECK(steps > 40); // the workload does write
}

TEST_CASE(
    "a power cut at any step, whatever of the unsynced writes landed, is no loss and no alarm", "[ledger][crash][long]"
)
{
    // 1,000 recoveries: every step of the workload in turn, each time with other dice.
    constexpr int recoveries = is_sanitized ? 150 : 1'000;
    constexpr int step = is_sanitized ? 7 : 1;
    const ledger_folder made;
    int cuts = 0;
    int n = 1;
    for (std::uint32_t seed = 1; cuts < recoveries; ++seed) {
        CAPTURE(n, seed);
        const fresh_copy folder(made);
        faulty_disk disk;
        promised kept;
        disk.cut_at(n);
        live(folder, kept);
        if (disk.has_failed()) {
            ++cuts;
            n += step;
        } else {
            n = 1 + static_cast<int>(seed) % step;
        }
        disk.lose_power(seed);
        keep_promises(folder, kept);
    }
}
