// The ledger by itself: appending, opening, proving, verifying, and what an entry costs on the disk.

#include "daemon/ledger/reader.hpp"
#include "daemon/ledger/store.hpp"
#include "daemon/reconcile/payload.hpp"
#include "tests/bench/programs.hpp"

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

constexpr int pupils = 1'200;

// Mark number `n` of a school of 1,200: two sessions a day, pupil after pupil.
draft mark_number(entry_index n, const digester& digest)
{
    const auto session = static_cast<int>(n / pupils);
    const std::string id = fmt::format("A{:09}", n);
    reported_mark mark;
    mark.source_id = id;
    mark.session = {civil_day(std::chrono::days(19'000 + session / 2)), static_cast<half_day>(session % 2)};
    mark.raw = mark.statutory = n % 19 == 0 ? "I" : "/";
    mark_version row;
    row.session = mark.session;
    row.pupil = n % pupils + 1; // as if the pupils were entries 1 to 1,200
    row.source = "mis";
    row.raw = row.statutory = mark.raw;
    row.digest = mark_digest(digest, id, {}, {});
    const instant then = parse_instant("2026-09-01T12:00:00Z").value();
    return mark_entry(mark, std::move(row), learned{then - std::chrono::hours(1), then, false});
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

void measure(const options& wanted)
{
    std::string name = (wanted.folder / "rollbook-ledger-bench-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("no folder can be made below " + wanted.folder.string());
    const fs::path folder = name;
    const fs::path file = folder / "ledger.db";
    hash seed{};
    seed.fill(7);
    const signing_key key("ledger.example.sch.uk/900001", key_kind::log, seed);
    const instant now = parse_instant("2026-09-01T12:00:00Z").value();
    create_ledger(file, {key.verifier().name, true, now}, key).value();

    std::uint64_t payload_bytes = 0;
    {
        auto book = open_ledger(file, key).value();
        const digester digest = [&](std::string_view text) { return book->digest(text); };
        cost append;
        for (entry_index n = 0; n < wanted.entries;) {
            transaction t;
            for (std::size_t i = 0; i < wanted.batch && n < wanted.entries; ++i)
                t.entries.push_back(mark_number(n++, digest));
            for (const draft& each : t.entries)
                payload_bytes += each.payload.size();
            const entry_index base = book->size();
            const stopwatch watch;
            book->commit(t, now);
            for (std::size_t i = 0; i < t.entries.size(); ++i)
                book->state().apply(base + i, t.entries[i].row, t.entries[i].payload);
            const cost one = watch.so_far();
            append.wall_s += one.wall_s;
            append.cpu_s += one.cpu_s;
        }
        say(fmt::format("append, {} a transaction, FULL, projections", wanted.batch), wanted.entries, append);
        book->sign_checkpoint(now);
    }
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
    const auto reader = open_reader(file).value();
    std::mt19937_64 dice(1);
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
    fs::remove_all(folder);
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
