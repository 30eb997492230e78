// The ledger by itself: appending, opening, proving, verifying, and what an entry costs on the disk.

#include "daemon/ledger/reader.hpp"
#include "daemon/ledger/store.hpp"
#include "tests/bench/mark_drafts.hpp"
#include "tests/bench/programs.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string_view>

namespace rollbook::bench {
namespace {

namespace fs = std::filesystem;

struct options {
    entry_index entries = 3'400'000;
    std::size_t batch = 100;
    fs::path folder = fs::temp_directory_path(); // on the disk that is to be measured
};

options read_options(int argc, char** argv)
{
    options read;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        if (name == "--entries")
            read.entries = std::strtoull(argv[i + 1], nullptr, 10);
        else if (name == "--batch")
            read.batch = std::strtoull(argv[i + 1], nullptr, 10);
        else if (name == "--folder")
            read.folder = argv[i + 1];
        else
            throw std::runtime_error(fmt::format("{} is not known", name));
    }
    return read;
}

std::string rate(std::uint64_t count, double seconds)
{
    return seconds > 0 ? fmt::format("{:.0f}/s", static_cast<double>(count) / seconds) : "-";
}

void say(std::string_view what, std::uint64_t count, const cost& spent)
{
    fmt::print(
        "{:<44} {:>8.2f} s  CPU {:>7.2f} s  {:>10}  a CPU s {:>10}\n",
        what,
        spent.wall_s,
        spent.cpu_s,
        rate(count, spent.wall_s),
        rate(count, spent.cpu_s)
    );
    std::fflush(stdout);
}

// A folder of this run's own, removed at its end.
class scratch {
public:
    explicit scratch(const fs::path& below)
    {
        std::string name = (below / "rollbook-ledger-bench-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("no folder can be made below " + below.string());
        path = name;
    }
    ~scratch()
    {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    fs::path path;
};

signing_key bench_key()
{
    hash seed{};
    seed.fill(7);
    return signing_key("ledger.example.sch.uk/900001", key_kind::log, seed);
}

const instant noon = parse_instant("2026-09-01T12:00:00Z").value();

struct appended {
    cost spent;
    std::uint64_t payload_bytes = 0;
};

// A new ledger of marks, signed.
appended append_marks(const fs::path& file, entry_index entries, std::size_t batch)
{
    const signing_key key = bench_key();
    create_ledger(file, {key.verifier().name, true, noon}, key).value();
    auto book = open_ledger(file, key).value();
    const digester digest = [&](std::string_view text) { return book->digest(text); };
    appended done;
    book->state(); // in memory, as a daemon has it
    for (entry_index n = 0; n < entries;) {
        transaction t;
        for (std::size_t i = 0; i < batch && n < entries; ++i)
            t.entries.push_back(mark_number(n++, digest));
        for (const draft& each : t.entries)
            done.payload_bytes += each.payload.size();
        const entry_index base = book->size();
        const stopwatch watch;
        book->commit(t, noon);
        book->apply(t, base);
        done.spent += watch.so_far();
    }
    book->sign_checkpoint(noon);
    return done;
}

// The floor: the same payloads in one table of SQLite's own, as durable, in as many transactions.
cost store_payloads(const fs::path& file, entry_index entries, std::size_t batch)
{
    SQLite::Database db(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.exec(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE mark (id INTEGER PRIMARY KEY, text BLOB)"
    );
    SQLite::Statement insert(db, "INSERT INTO mark (id, text) VALUES (?, ?)");
    const digester digest = [](std::string_view text) { return std::hash<std::string_view>()(text); };
    cost spent;
    for (entry_index n = 0; n < entries;) {
        std::vector<std::string> texts;
        for (std::size_t i = 0; i < batch && n + i < entries; ++i)
            texts.push_back(mark_number(n + i, digest).payload);
        const stopwatch watch;
        SQLite::Transaction some(db, SQLite::TransactionBehavior::IMMEDIATE);
        for (const std::string& text : texts) {
            insert.bind(1, static_cast<std::int64_t>(n++));
            insert.bindNoCopy(2, text.data(), static_cast<int>(text.size()));
            insert.exec();
            insert.reset();
        }
        some.commit();
        spent += watch.so_far();
    }
    return spent;
}

// Append on the disk that is measured, and in memory, where no sync is waited for: each beside SQLite alone.
appended measure_append(const options& wanted, const fs::path& file)
{
    const appended done = append_marks(file, wanted.entries, wanted.batch);
    say(fmt::format("append, {} a transaction, FULL, projections", wanted.batch), wanted.entries, done.spent);
    const auto beside = [&](std::string_view name, const fs::path& folder, entry_index count, const cost& ours) {
        const cost raw = store_payloads(folder / "raw.db", count, wanted.batch);
        say(name, count, raw);
        fmt::print(
            "{:<44} {:>8.2f}   by CPU  {:>7.2f}\n",
            "  the ledger takes as many times as long",
            ours.wall_s / raw.wall_s,
            ours.cpu_s / raw.cpu_s
        );
        fs::remove(folder / "raw.db");
    };
    beside("  the payloads alone in SQLite, as durable", file.parent_path(), wanted.entries, done.spent);
    const fs::path memory = "/dev/shm";
    if (!fs::is_directory(memory)) return done;
    const scratch folder(memory);
    const entry_index count = std::min<entry_index>(wanted.entries, 500'000);
    const cost ours = append_marks(folder.path / "ledger.db", count, wanted.batch).spent;
    say("append, the same in memory", count, ours);
    beside("  the payloads alone in SQLite, in memory", folder.path, count, ours);
    return done;
}

void measure(const options& wanted)
{
    const scratch folder(wanted.folder);
    const fs::path file = folder.path / "ledger.db";
    const signing_key key = bench_key();
    const std::uint64_t payload_bytes = measure_append(wanted, file).payload_bytes;
    const auto bytes = fs::file_size(file);
    fmt::print(
        "{:<44} {:>8.1f} bytes an entry (payload {:.1f})\n",
        "on the disk, projections and all",
        static_cast<double>(bytes) / static_cast<double>(wanted.entries),
        static_cast<double>(payload_bytes) / static_cast<double>(wanted.entries)
    );
    for (int i = 0; i < 3; ++i) {
        const stopwatch watch;
        const auto book = open_ledger(file, key).value();
        say("open for writing", 1, watch.so_far());
    }
    std::mt19937_64 dice(1);
    for (int i = 0; i < 3; ++i) {
        const auto fresh = open_reader(file).value();
        const stopwatch watch;
        fresh->prove(dice() % wanted.entries).value();
        fmt::print("{:<44} {:>8.3f} ms\n", "the first proof of a ledger just opened", watch.so_far().wall_s * 1e3);
    }
    const auto reader = open_reader(file).value();
    {
        constexpr int proofs = 1'000;
        double longest = 0;
        const stopwatch watch;
        for (int i = 0; i < proofs; ++i) {
            const stopwatch one;
            reader->prove(dice() % wanted.entries).value();
            longest = std::max(longest, one.so_far().wall_s);
        }
        say("a proof, of 1,000", proofs, watch.so_far());
        fmt::print("{:<44} {:>8.3f} ms\n", "  the longest", longest * 1e3);
    }
    verify_options options;
    options.key = key.verifier();
    for (const bool quick : {true, false}) {
        options.quick = quick;
        cost walk; // without SQLite's own check of the file in front of it
        std::optional<stopwatch> watch;
        const stopwatch all;
        bool done = false;
        options.progress = [&](std::uint64_t at, std::uint64_t of) {
            if (!watch) watch.emplace();
            if (at == of && !done) walk = watch->so_far();
            done = at == of;
        };
        if (!reader->verify(options).ok()) throw std::runtime_error("the ledger does not verify");
        say(quick ? "verify --quick: leaves, tree, openings" : "verify, projections too", wanted.entries, walk);
        say("  with the integrity check and counts", wanted.entries, all.so_far());
    }
}

} // namespace
} // namespace rollbook::bench

int main(int argc, char** argv)
{
    try {
        rollbook::bench::measure(rollbook::bench::read_options(argc, argv));
        return 0;
    } catch (const std::exception& e) {
        fmt::print(stderr, "rollbook-ledger-bench: {}\n", e.what());
        return 1;
    }
}
