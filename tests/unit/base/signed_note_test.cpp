#include "daemon/base/signed_note.hpp"

#include "daemon/base/ledger_entry.hpp"
#include "daemon/base/merkle.hpp"
#include "daemon/base/sha256.hpp"
#include "tests/unit/base/printing.hpp"
#include "tests/unit/base/stops.hpp"
#include "tests/unit/base/worked_example.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;
namespace example = worked_example;

namespace {

verifier_key log_verifier()
{
    return parse_vkey(example::log_vkey).value();
}

verifier_key witness_verifier()
{
    return parse_vkey(example::witness_vkey).value();
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to)
{
    std::string out(text);
    const std::size_t at = out.find(from);
    REQUIRE(at != std::string::npos);
    out.replace(at, from.size(), to);
    return out;
}

std::string signature_line_of(std::string_view note, std::string_view name)
{
    const std::size_t at = note.find("— " + std::string(name));
    REQUIRE(at != std::string::npos);
    return std::string(note.substr(at, note.find('\n', at) + 1 - at));
}

hash leaf_2()
{
    return leaf_hash(example::leaf(2));
}

std::vector<hash> example_leaves()
{
    std::vector<hash> leaves;
    for (std::size_t i = 0; i < example::entries.size(); ++i)
        leaves.push_back(leaf_hash(example::leaf(i)));
    return leaves;
}

struct example_store : hash_reader {
    std::vector<hash> all = example_leaves();
    void leaves(std::uint64_t from, std::span<hash> out) override
    {
        std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(from), out.size(), out.begin());
    }
    bool tile(unsigned, std::uint64_t, tile_hashes&) override { return false; }
};

std::string text_of_size(std::uint64_t size)
{
    return checkpoint_text({"school.example/ledger-test", size, *hash_from_hex(example::roots[size - 1])});
}

} // namespace

TEST_CASE("the worked example's keys come from their seeds", "[base][note][example]")
{
    CHECK(format_vkey(example::log_key().verifier()) == example::log_vkey);
    CHECK(format_vkey(example::witness_key().verifier()) == example::witness_vkey);
    CHECK(log_verifier() == example::log_key().verifier());
    CHECK(witness_verifier() == example::witness_key().verifier());
    CHECK(log_verifier().id == 0x46bc012c);
    CHECK(
        public_key_pem(log_verifier()) == "-----BEGIN PUBLIC KEY-----\n"
                                          "MCowBQYDK2VwAyEA84LaDhzNKqw8t0hpVmhVAkxOYL93Qlr3aA07eEQtxdA=\n"
                                          "-----END PUBLIC KEY-----\n"
    );
}

TEST_CASE("a public key text with any fault is refused", "[base][note]")
{
    const std::string good(example::log_vkey);
    const std::string text = GENERATE_COPY(values<std::string>(
        {"",
         "school.example/ledger-test",
         "school.example/ledger-test+46bc012c",
         replaced(good, "46bc012c", "46bc012d"),
         replaced(good, "46bc012c", "46BC012C"),
         replaced(good, "46bc012c", "46bc012"),
         replaced(good, "ledger-test", "ledger-tesu"),
         replaced(good, "+AfOC", "+BfOC"),
         replaced(good, "+AfOC", "+BvOC"),
         replaced(good, "school.example", "school example"),
         replaced(good, "school.example/ledger-test", ""),
         good + "=",
         good + "AAAA",
         good + "\n"}
    ));
    CAPTURE(text);
    const auto key = parse_vkey(text);
    REQUIRE_FALSE(key);
    CHECK(key.error().code == errc::configuration_invalid);
}

TEST_CASE("a public key whose base64 holds a plus sign is read", "[base][note]")
{
    for (int i = 0; i < 64; ++i) {
        const signing_key key("a.example", key_kind::log, example::seed("plus " + std::to_string(i)));
        const std::string text = format_vkey(key.verifier());
        if (std::count(text.begin(), text.end(), '+') < 3) continue;
        CHECK(parse_vkey(text).value() == key.verifier());
        return;
    }
    FAIL("no seed gave a key with a plus sign");
}

TEST_CASE("the worked example's checkpoint is signed byte for byte", "[base][note][example]")
{
    const checkpoint point{"school.example/ledger-test", 3, *hash_from_hex(example::roots[2])};
    CHECK(sign_checkpoint(point, example::log_key()) == example::checkpoint_at_3);

    const auto opened = open_checkpoint(example::checkpoint_at_3, log_verifier());
    REQUIRE(opened);
    CHECK(opened->point == point);
    CHECK(opened->text == checkpoint_text(point));
    REQUIRE(opened->signatures.size() == 1);
    CHECK(opened->signatures[0].key == log_verifier());
}

TEST_CASE("the worked example's proof file is made and read byte for byte", "[base][note][example]")
{
    example_store store;
    merkle_reader tree(5, store);
    const std::string text = text_of_size(5);
    const std::vector<std::string> lines = {
        example::log_key().sign(text), example::witness_key().cosign(text, example::cosigned_at)};
    const offline_proof made{2, inclusion_proof(2, 5, tree).value(), format_note(text, lines), {}};
    CHECK(format_offline_proof(made) == example::proof_file);

    const auto parsed = parse_offline_proof(example::proof_file);
    REQUIRE(parsed);
    CHECK(format_offline_proof(*parsed) == example::proof_file);
    const verifier_key witness = witness_verifier();
    const auto opened = verify_offline_proof(*parsed, leaf_2(), log_verifier(), std::span(&witness, 1));
    REQUIRE(opened);
    CHECK(opened->point.size == 5);
    REQUIRE(opened->signatures.size() == 2);
    CHECK(opened->signatures[1].key == witness);
    CHECK(opened->signatures[1].posix_seconds == example::cosigned_at);
}

TEST_CASE("the worked example's witness request is made and read byte for byte", "[base][note][example]")
{
    example_store store;
    merkle_reader tree(5, store);
    const checkpoint point{"school.example/ledger-test", 5, tree.root(5)};
    const witness_request made{3, consistency_proof(3, 5, tree).value(), sign_checkpoint(point, example::log_key())};
    CHECK(format_witness_request(made) == example::witness_request);

    const auto parsed = parse_witness_request(example::witness_request);
    REQUIRE(parsed);
    CHECK(parsed->old_size == 3);
    CHECK(format_witness_request(*parsed) == example::witness_request);
    CHECK(verify_consistency(3, 5, *hash_from_hex(example::roots[2]), point.root, parsed->proof));
}

TEST_CASE("any changed byte of a signed checkpoint is noticed", "[base][note]")
{
    std::size_t accepted = 0;
    for (std::size_t i = 0; i < example::checkpoint_at_3.size(); ++i) {
        for (const unsigned char flip : {0x01, 0x20, 0x80}) {
            std::string note(example::checkpoint_at_3);
            note[i] = static_cast<char>(static_cast<unsigned char>(note[i]) ^ flip);
            accepted += open_checkpoint(note, log_verifier()).has_value();
        }
    }
    CHECK(accepted == 0);
}

TEST_CASE("a note with any fault of form is refused", "[base][note]")
{
    const std::string good(example::checkpoint_at_3);
    const std::string line = signature_line_of(good, "school.example");
    const std::string text = GENERATE_COPY(values<std::string>(
        {"",
         "\n\n",
         "text\n\n",
         "text\n" + line,
         good.substr(0, good.size() - 1),
         good + "\n",
         good + "x\n",
         replaced(good, "— ", "- "),
         replaced(good, "— ", "—"),
         replaced(good, "— school.example/ledger-test ", "—  "),
         replaced(good, "— school.example/ledger-test", "— school+example/ledger-test"),
         replaced(
             good,
             "— school.example/ledger-test",
             "— school\xc2\xa0"
             "example/ledger-test"
         ),
         replaced(good, "RrwBLB", "RrwBL"),
         replaced(good, "KAs=\n", "KAs= \n"),
         replaced(good, "KAs=\n", "KAs\n"),
         replaced(good, "KAs=\n", "KAt=\n"),
         replaced(good, line, "— school.example/ledger-test RrwBLA==\n"),
         replaced(good, "\n3\n", "\r\n3\n"),
         replaced(good, "\n3\n", "\n3\t\n"),
         replaced(good, "\n3\n", "\n3\xff\n"),
         replaced(good, "\n3\n", std::string("\n3\0\n", 4)),
         std::string(note_bytes_max, 'a') + good}
    ));
    CAPTURE(text.substr(0, 300));
    const auto note = parse_note(text);
    REQUIRE_FALSE(note);
    CHECK(note.error().code == errc::page_malformed);
}

TEST_CASE("a note is split at its last empty line", "[base][note]")
{
    const std::string text = "one\n\ntwo\n\n\nthree\n";
    const std::string line = example::log_key().sign(text);
    const auto note = parse_note(format_note(text, std::span(&line, 1)));
    REQUIRE(note);
    CHECK(note->text == text);
    const verifier_key log = log_verifier();
    CHECK(verify_note(*note, std::span(&log, 1)));
}

TEST_CASE("a note carries many signatures, within a cap", "[base][note]")
{
    const std::string text = text_of_size(3);
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < note_signatures_max; ++i) {
        const std::string name = "w" + std::to_string(i) + ".example";
        lines.push_back(signing_key(name, key_kind::log, example::seed(name)).sign(text));
    }
    CHECK(parse_note(format_note(text, lines))->signatures.size() == note_signatures_max);
    lines.push_back(lines.front());
    CHECK_FALSE(parse_note(format_note(text, lines)));
}

TEST_CASE("lines of unknown keys are ignored, and a known key that fails refuses the note", "[base][note]")
{
    const std::string text = text_of_size(3);
    const std::string by_log = example::log_key().sign(text);
    const std::string stranger = signing_key("other.example", key_kind::log, example::seed("other")).sign(text);
    // Same name, another key: another id, so it is a stranger too.
    const std::string namesake =
        signing_key("school.example/ledger-test", key_kind::log, example::seed("namesake")).sign(text);
    const std::string of_other_text = example::log_key().sign(text_of_size(4));
    const verifier_key log = log_verifier();
    const auto verdict = [&](std::vector<std::string> lines) {
        return verify_note(parse_note(format_note(text, lines)).value(), std::span(&log, 1));
    };

    CHECK(verdict({by_log})->size() == 1);
    CHECK(verdict({stranger, by_log, namesake})->size() == 1);
    CHECK(verdict({by_log, by_log})->size() == 1);
    CHECK(verdict({stranger}).error().code == errc::ledger_in_doubt);
    CHECK(verdict({namesake}).error().code == errc::ledger_in_doubt);
    CHECK(verdict({of_other_text}).error().code == errc::ledger_in_doubt);
    CHECK(verdict({by_log, of_other_text}).error().code == errc::ledger_in_doubt);
}

TEST_CASE("a cosignature binds its time and its checkpoint", "[base][note]")
{
    const std::string text = text_of_size(5);
    const std::string by_log = example::log_key().sign(text);
    const verifier_key witness = witness_verifier();
    const auto open = [&](const std::string& line) {
        const std::vector<std::string> lines = {by_log, line};
        return open_checkpoint(format_note(text, lines), log_verifier(), std::span(&witness, 1));
    };
    const std::string good = example::witness_key().cosign(text, example::cosigned_at);
    REQUIRE(open(good));
    CHECK(open(good)->signatures.size() == 2);
    CHECK_FALSE(open(example::witness_key().cosign(text_of_size(4), example::cosigned_at)));

    const std::size_t at = good.rfind(' ') + 1;
    auto bytes = *from_base64(std::string_view(good).substr(at, good.size() - 1 - at));
    REQUIRE(bytes.size() == 76);
    for (const std::size_t changed : {4u, 11u, 12u, 75u}) {
        CAPTURE(changed);
        auto forged = bytes;
        forged[changed] ^= 1;
        CHECK_FALSE(open(good.substr(0, at) + to_base64(forged) + "\n"));
    }
    bytes.pop_back();
    CHECK_FALSE(open(good.substr(0, at) + to_base64(bytes) + "\n"));
}

TEST_CASE("a witness cannot stand in for the log", "[base][note]")
{
    const std::string text = text_of_size(5);
    const std::string by_witness = example::witness_key().cosign(text, example::cosigned_at);
    const verifier_key witness = witness_verifier();
    CHECK_FALSE(open_checkpoint(format_note(text, std::span(&by_witness, 1)), log_verifier(), std::span(&witness, 1)));
}

TEST_CASE("a checkpoint of another log is refused", "[base][note]")
{
    const signing_key other("other.example/ledger", key_kind::log, example::seed("other"));
    const std::string note = sign_checkpoint({"other.example/ledger", 3, *hash_from_hex(example::roots[2])}, other);
    CHECK(open_checkpoint(note, other.verifier()));
    CHECK_FALSE(open_checkpoint(note, log_verifier()));
    // Signed by our log's key, but not as a checkpoint of our log.
    const std::string text = checkpoint_text({"other.example/ledger", 3, {}});
    const std::string line = example::log_key().sign(text);
    CHECK_FALSE(open_checkpoint(format_note(text, std::span(&line, 1)), log_verifier()));
    CHECK(stops([&] { (void)sign_checkpoint({"third.example", 3, {}}, other); }));
    CHECK(stops([&] { (void)sign_checkpoint({"a b", 3, {}}, other); }));
    CHECK(stops([&] { (void)other.cosign(text_of_size(3), 1); }));
}

TEST_CASE("a checkpoint's text has one form", "[base][note]")
{
    const std::string good = text_of_size(3);
    CHECK(parse_checkpoint(good));
    CHECK(parse_checkpoint(good + "an extra line\n")->size == 3);
    CHECK(parse_checkpoint("a.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"));
    CHECK(
        checkpoint_text({"a.example", 0, empty_root()}) ==
        "a.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    );
    const std::string text = GENERATE_COPY(values<std::string>(
        {"",
         "a.example\n",
         "a.example\n3\n",
         good.substr(0, good.size() - 1),
         good + "\n",
         good + "an extra line",
         replaced(good, "school.example", "school example"),
         replaced(good, "school.example", "school+example"),
         replaced(good, "\n3\n", "\n03\n"),
         replaced(good, "\n3\n", "\n+3\n"),
         replaced(good, "\n3\n", "\n-3\n"),
         replaced(good, "\n3\n", "\n\n"),
         replaced(good, "\n3\n", "\n9223372036854775808\n"),
         replaced(good, "\n3\n", "\n0\n"),
         replaced(good, "Htk=", "Htl="),
         replaced(good, "Htk=", "Htk"),
         replaced(good, "Htk=", "Hg=="),
         replaced(good, "1ne4", "1ne41ne4")}
    ));
    CAPTURE(text);
    CHECK_FALSE(parse_checkpoint(text));
}

TEST_CASE("a proof file with any fault of form is refused", "[base][note]")
{
    const std::string good(example::proof_file);
    const std::string hash_line = "irHouSTRFha4ZgN0ffBMpOcAO8CovGcUrlHCu9FhFws=\n";
    std::string many;
    for (int i = 0; i < 61; ++i)
        many += hash_line; // with the three already there, 64
    const std::string text = GENERATE_COPY(values<std::string>(
        {"",
         replaced(good, "@v1", "@v2"),
         replaced(good, "index 2", "index 02"),
         replaced(good, "index 2", "index +2"),
         replaced(good, "index 2", "index -2"),
         replaced(good, "index 2", "index  2"),
         replaced(good, "index 2", "index 9223372036854775808"),
         replaced(good, "index 2\n", ""),
         replaced(good, "index 2\n", "index 2\r\n"),
         replaced(good, "Fws=\n", "Fws=\r\n"),
         replaced(good, "Fws=\n", "Fwt=\n"),
         replaced(good, "Fws=\n", "Fws\n"),
         replaced(good, hash_line, "AAAA\n"),
         replaced(good, hash_line, hash_line + many),
         replaced(good, "index", "extra %%\nindex"),
         replaced(good, "index", "extra AAAA\nextra AAAA\nindex"),
         good.substr(0, good.find("school")),
         good.substr(0, good.size() - 1)}
    ));
    CAPTURE(text);
    CHECK_FALSE(parse_offline_proof(text));
}

TEST_CASE("a proof file may carry an extra line that proves nothing", "[base][note]")
{
    const std::string text = replaced(example::proof_file, "index", "extra aGVsbG8=\nindex");
    const auto proof = parse_offline_proof(text);
    REQUIRE(proof);
    CHECK(as_text(*proof->extra) == "hello");
    CHECK(format_offline_proof(*proof) == text);
    CHECK(verify_offline_proof(*proof, leaf_2(), log_verifier()));
}

TEST_CASE("a proof file proves one leaf at one place only", "[base][note]")
{
    auto proof = parse_offline_proof(example::proof_file).value();
    CHECK_FALSE(verify_offline_proof(proof, leaf_hash(example::leaf(1)), log_verifier()));
    proof.index = 3;
    CHECK_FALSE(verify_offline_proof(proof, leaf_2(), log_verifier()));
    proof.index = 2;
    std::swap(proof.proof[0], proof.proof[1]);
    CHECK_FALSE(verify_offline_proof(proof, leaf_2(), log_verifier()));
    std::swap(proof.proof[0], proof.proof[1]);
    CHECK(verify_offline_proof(proof, leaf_2(), log_verifier()));
    proof.proof.insert(proof.proof.begin(), leaf_2());
    CHECK_FALSE(verify_offline_proof(proof, leaf_2(), log_verifier()));
}

TEST_CASE("a witness request with any fault of form is refused", "[base][note]")
{
    const std::string good(example::witness_request);
    CHECK(parse_witness_request(replaced(good, "old 3", "old 0")));
    const std::string text = GENERATE_COPY(values<std::string>(
        {"",
         replaced(good, "old 3", "old 03"),
         replaced(good, "old 3", "old"),
         replaced(good, "old 3", "Old 3"),
         replaced(good, "old 3\n", "old 3\r\n"),
         replaced(good, "/iA=\n", "/iA\n"),
         replaced(good, "/iA=\n", "/iB=\n"),
         replaced(good, "CbY=\n\n", "CbY=\n"),
         good.substr(0, good.find("school"))}
    ));
    CAPTURE(text);
    CHECK_FALSE(parse_witness_request(text));
}

TEST_CASE("a key name holds no white space and no plus sign", "[base][note]")
{
    CHECK(is_valid_key_name("school.example/ledger"));
    CHECK(is_valid_key_name("école.example"));
    for (const char* name :
         {"",
          "a b",
          "a+b",
          "a\tb",
          "a\nb",
          "a\xc2\xa0"
          "b",
          "a\xc2\x85",
          "\xe3\x80\x80",
          "a\xe2\x80\xa8"
          "b",
          "\xff"}) {
        CAPTURE(name);
        CHECK_FALSE(is_valid_key_name(name));
    }
    CHECK(stops([] { (void)signing_key("a b", key_kind::log, hash{}); }));
}
