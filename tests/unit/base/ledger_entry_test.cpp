#include "daemon/base/ledger_entry.hpp"

#include "daemon/base/canonical_json.hpp"
#include "daemon/base/json.hpp"
#include "tests/unit/base/printing.hpp"
#include "tests/unit/base/stops.hpp"
#include "tests/unit/base/worked_example.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
namespace example = worked_example;

TEST_CASE("the worked example's commitments and leaves come out", "[base][entry][example]")
{
    for (std::size_t i = 0; i < example::entries.size(); ++i) {
        CAPTURE(i);
        const example::entry& e = example::entries[i];
        CHECK(to_base64(commitment(*hash_from_hex(e.commit_key), e.payload)) == e.commitment);
        CHECK(to_hex(leaf_hash(example::leaf(i))) == e.leaf_hash);
    }
    CHECK(
        example::leaf(2) == "ledger-entry/v1\n2\nrecord\n2026-09-01T09:31:07.250Z\n"
                            "Ecg8YgV4KFtXmmqBdjWrc0duitwnzDh8NSllHNds5RY=\n"
    );
    CHECK(example::leaf(2).size() == 95);
}

TEST_CASE("the worked example's payloads are canonical already", "[base][entry][example]")
{
    for (const example::entry& e : example::entries) {
        const auto document = json_document::parse(std::string(e.payload), {.strict = true});
        REQUIRE(document);
        std::string out;
        json_writer writer(out);
        document->root().write_canonical(writer);
        CHECK(out == e.payload);
    }
}

TEST_CASE("every entry kind has one word", "[base][entry]")
{
    using enum entry_kind;
    for (const entry_kind kind : {record, erasure, key, fork, note})
        CHECK(parse_entry_kind(to_text(kind)) == kind);
    CHECK(to_text(fork) == "fork");
    CHECK_FALSE(parse_entry_kind("Record"));
    CHECK_FALSE(parse_entry_kind(""));
}

TEST_CASE("a commitment changes with its key and with its payload", "[base][entry]")
{
    const hash key = example::seed("a key");
    CHECK(commitment(key, "payload") != commitment(key, "payloae"));
    CHECK(commitment(key, "payload") != commitment(example::seed("another"), "payload"));
}

TEST_CASE("a leaf outside the form stops the program", "[base][entry]")
{
    std::string out;
    CHECK(stops([&] {
        append_leaf(out, 1, entry_kind::note, std::chrono::sys_days(std::chrono::year(10000) / 1 / 1), hash{});
    }));
    CHECK(stops([&] { append_leaf(out, std::uint64_t{1} << 63, entry_kind::note, instant{}, hash{}); }));
}
