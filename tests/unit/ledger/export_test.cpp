#include "daemon/base/merkle.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/ledger/export.hpp"
#include "daemon/ledger/export_folder.hpp"
#include "tests/unit/ledger/small_ledger.hpp"
#include "tests/unit/ledger/sql.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <map>
#include <sys/wait.h>
#include <unistd.h>

using namespace rollbook;
using namespace rollbook::support;
using Catch::Matchers::Contains;

namespace {

// Many entries in few commits, each naming nobody.
void grow(ledger& book, entry_index to, instant at)
{
    while (book.size() < to) {
        transaction t;
        const entry_index base = book.size();
        for (entry_index i = base; i < std::min<entry_index>(to, base + 5'000); ++i)
            t.entries.push_back(access_entry("office", no_entry, "name", "", at, i));
        book.commit(t, at);
    }
    book.sign_checkpoint(at);
    book.checkpoints().keep(book.size(), keep_reason::exported, at).value();
}

struct exporting {
    export_request request()
    {
        export_request wanted;
        wanted.folder = out;
        wanted.log = at.key.verifier();
        return wanted;
    }
    result<export_report> run() { return export_ledger(at.file(), request()); }

    ledger_folder at;
    std::filesystem::path out = at.folder.path / "export";
};

std::map<std::string, std::string> files_in(const std::filesystem::path& folder)
{
    std::map<std::string, std::string> files;
    if (!std::filesystem::exists(folder)) return files;
    for (const auto& each : std::filesystem::recursive_directory_iterator(folder)) {
        if (!each.is_regular_file()) continue;
        std::ifstream in(each.path(), std::ios::binary);
        files[each.path().lexically_relative(folder).string()] = {std::istreambuf_iterator<char>(in), {}};
    }
    return files;
}

} // namespace

TEST_CASE("tiles are named as tlog-tiles says", "[ledger]")
{
    CHECK(tile_number(0) == "000");
    CHECK(tile_number(67) == "067");
    CHECK(tile_number(1067) == "x001/067");
    CHECK(tile_number(1234067) == "x001/x234/067");
    CHECK(tile_number(1000000) == "x001/x000/000");
    CHECK(tile_path("0", 5, 256) == "tile/0/005");
    CHECK(tile_path("entries", 1067, 7) == "tile/entries/x001/067.p/7");
}

TEST_CASE("every tile of an export is made of the level below, up to the signed root", "[ledger]")
{
    exporting e;
    const entry_index size = 65'536 + 256 * 3 + 7;
    grow(*e.at.open(), size, noon());
    const export_report report = e.run().value();
    CHECK(report.size == size);

    const auto files = files_in(e.out);
    const auto opened = open_checkpoint(files.at("checkpoint"), e.at.key.verifier());
    REQUIRE(opened.has_value());
    CHECK(opened->point.size == size);

    merkle_frontier tree;
    std::map<std::string, std::string> expected;
    std::string bundle;
    entry_index index = 0;
    std::string row;
    const auto place = [](unsigned level, std::uint64_t n, std::size_t width) {
        return tile_path(std::to_string(level), n, width);
    };
    const auto text = [](std::span<const hash> hashes) {
        return std::string(reinterpret_cast<const char*>(hashes.data()), hashes.size_bytes());
    };
    for (std::uint64_t n = 0; n * 256 < size; ++n) {
        const std::size_t width = std::min<std::uint64_t>(256, size - n * 256);
        const std::string& entries = files.at(tile_path("entries", n, width));
        row.clear();
        for (std::size_t at = 0; at < entries.size();) {
            const std::size_t length =
                static_cast<unsigned char>(entries[at]) << 8 | static_cast<unsigned char>(entries[at + 1]);
            const std::string leaf = entries.substr(at + 2, length);
            REQUIRE(leaf.starts_with("ledger-entry/v1\n" + std::to_string(index++) + "\n"));
            const hash made = leaf_hash(leaf);
            row += std::string(as_text(made));
            tree.append(made, [&](unsigned level, std::uint64_t number, std::span<const hash, tile_width> hashes) {
                expected[place(level, number, 256)] = text(hashes);
            });
            at += 2 + length;
        }
        expected[place(0, n, width)] = row;
        expected[tile_path("entries", n, width)] = entries;
    }
    for (unsigned level = 1; level < 3; ++level)
        if (const auto edge = tree.edge(level); !edge.empty())
            expected[place(level, size >> (8 * level) >> 8, edge.size())] = text(edge);
    expected["checkpoint"] = files.at("checkpoint");
    CHECK(tree.root() == opened->point.root);
    CHECK(index == size);
    CHECK(files == expected);
    CHECK(expected.contains("tile/1/000"));
    CHECK(expected.contains("tile/1/001.p/3"));
    CHECK(expected.contains("tile/2/000.p/1"));
}

TEST_CASE("an export of a ledger whose entries are not what was signed gets no checkpoint", "[ledger]")
{
    exporting e;
    grow(*e.at.open(), 300, noon());
    tamper(e.at.file(), "UPDATE entry SET recorded_at = recorded_at + 1 WHERE idx = 7");
    const auto refused = e.run();
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == errc::ledger_in_doubt);
    CHECK_FALSE(files_in(e.out).contains("checkpoint"));

    exporting gap;
    grow(*gap.at.open(), 300, noon());
    tamper(gap.at.file(), "DELETE FROM entry WHERE idx = 299");
    CHECK_THAT(gap.run().error().what, Contains("entry 299 is missing"));
}

TEST_CASE("an export is made only of a checkpoint that was signed for it", "[ledger]")
{
    exporting e;
    {
        const auto book = e.at.open();
        transaction t;
        t.entries.push_back(access_entry("office", no_entry, "name", "", noon(), 1));
        book->commit(t, noon());
        book->sign_checkpoint(noon());
    }
    CHECK(e.run().error().code == errc::not_found);
    export_request other = e.request();
    grow(*e.at.open(), 5, noon(1));
    other.log = signing_key(e.at.key.verifier().name, key_kind::log, seed_of(8)).verifier();
    CHECK_FALSE(export_ledger(e.at.file(), other).has_value());
    CHECK(e.run().has_value());
}

TEST_CASE("openings are one JSON object a line, and erased entries are left out", "[ledger]")
{
    exporting e;
    grow(*e.at.open(), 10, noon());
    tamper(e.at.file(), "DELETE FROM opening WHERE idx IN (3, 4)");
    export_request wanted = e.request();
    wanted.openings = true;
    wanted.wants = [](std::uint64_t index, std::string_view) { return index != 9; };
    const export_report report = export_ledger(e.at.file(), wanted).value();
    CHECK(report.openings == 7);
    CHECK(report.left_out == 1);
    CHECK(report.erased == 2);
    const std::string lines = files_in(e.out).at("openings.ndjson");
    CHECK(std::count(lines.begin(), lines.end(), '\n') == 7);
    e.at.reader()->entries(0, 10, [&](const entry_view& entry) {
        const std::string line = "{\"index\":" + std::to_string(entry.index) + ",\"commit_key\":\"" +
                                 to_hex(entry.commit_key) + "\",\"payload\":\"" + to_base64(as_bytes(entry.payload)) +
                                 "\"}\n";
        CAPTURE(entry.index);
        CHECK((lines.find(line) != std::string::npos) == (entry.is_open && entry.index != 9));
        return true;
    });
}

TEST_CASE("an export that is killed anywhere is the one before it, and the next one finishes it", "[ledger][crash]")
{
    exporting e;
    grow(*e.at.open(), 600, noon());
    REQUIRE(e.run().has_value());
    const auto before = files_in(e.out);
    grow(*e.at.open(), 1'400, noon(10));
    // Killed after each share of the entries, and before the checkpoint.
    for (const std::uint64_t stop : {1u, 2u}) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            export_request wanted = e.request();
            wanted.openings = stop == 2;
            wanted.progress = [&](std::uint64_t, std::uint64_t) {
                if (stop == 1) ::_exit(9);
            };
            wanted.wants = [](std::uint64_t index, std::string_view) {
                if (index == 700) ::_exit(9);
                return true;
            };
            (void)export_ledger(e.at.file(), wanted);
            ::_exit(0);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WEXITSTATUS(status) == 9);
        for (const auto& [name, bytes] : before) {
            CAPTURE(name);
            CHECK(files_in(e.out).at(name) == bytes);
        }
    }
    REQUIRE(e.run().has_value());
    const auto after = files_in(e.out);
    CHECK(open_checkpoint(after.at("checkpoint"), e.at.key.verifier())->point.size == 1'400);
    for (const auto& [name, bytes] : after)
        CHECK_FALSE(name.starts_with(".writing"));
}

TEST_CASE("a folder that cannot be written is refused with what to do", "[ledger]")
{
    exporting e;
    grow(*e.at.open(), 5, noon());
    std::ofstream(e.out) << "a file stands there";
    const auto refused = e.run();
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == errc::usage);
    CHECK_FALSE(refused.error().to_do.empty());
}
