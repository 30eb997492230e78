#include "daemon/base/error.hpp"
#include "daemon/base/key_chain.hpp"
#include "daemon/base/merkle.hpp"
#include "daemon/base/saved_checkpoint.hpp"
#include "daemon/base/sealed_file.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/base/signed_note.hpp"
#include "daemon/base/utf8.hpp"
#include "daemon/witness/judge.hpp"
#include "tests/fuzz/readers.hpp"
#include "tests/support/hashes.hpp"
#include "tests/support/temporary_folder.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

namespace rollbook::fuzz {
namespace {

constexpr const char* origin = "ledger.example.sch.uk/900001";
constexpr std::uint64_t leaves = 13;
constexpr std::uint64_t held_size = 5; // what the witness signed before

hash leaf(std::uint64_t index)
{
    return leaf_hash("leaf " + std::to_string(index) + "\n");
}

// Too small a tree for a tile.
class all_leaves final : public hash_reader {
public:
    void leaves(std::uint64_t from, std::span<hash> out) override
    {
        for (hash& each : out)
            each = leaf(from++);
    }
    bool tile(unsigned, std::uint64_t, tile_hashes&) override { return false; }
};

// One log with its keys, what it signed, and nothing else: whatever verifies beyond that was forged.
struct known_log {
    signing_key old_key{origin, key_kind::log, support::seed_of(1)};
    signing_key key{origin, key_kind::log, support::seed_of(2)};
    signing_key witness{"auditor.example/witness-1", key_kind::witness, support::seed_of(3)};
    all_leaves stored;
    merkle_reader tree{leaves, stored};
    std::string change = sign_key_change(old_key, key, *parse_instant("2026-12-31T00:00:00.000Z"));
    key_chain chain{old_key.verifier()};
    std::string note;     // of the whole tree, cosigned
    std::string old_note; // of the beginning, by the old key
    std::set<std::string> signed_texts;

    known_log()
    {
        ROLLBOOK_ENSURE(chain.add(held_size, open_key_change(change).value()).has_value());
        old_note = sign_checkpoint({origin, held_size, root(held_size)}, old_key);
        const std::string text = checkpoint_text({origin, leaves, root(leaves)});
        note = format_note(text, std::vector{key.sign(text), witness.cosign(text, 1'790'000'000)});
        for (const std::string& each : {note, old_note})
            signed_texts.insert(parse_note(each).value().text);
    }

    hash root(std::uint64_t size) { return tree.root(size); }
};

known_log& log()
{
    static known_log one;
    return one;
}

std::string written(const signed_note& note)
{
    std::string out = note.text + "\n";
    for (const note_signature& line : note.signatures) {
        std::vector<std::uint8_t> bytes;
        for (int shift = 24; shift >= 0; shift -= 8)
            bytes.push_back(static_cast<std::uint8_t>(line.key_id >> shift));
        bytes.insert(bytes.end(), line.payload.begin(), line.payload.end());
        out += "\xe2\x80\x94 " + line.name + " " + to_base64(bytes) + "\n";
    }
    return out;
}

void check_refusal(const failure& why)
{
    ROLLBOOK_ENSURE(why.code == errc::page_malformed || why.code == errc::ledger_in_doubt);
    ROLLBOOK_ENSURE(!why.what.empty() && !why.to_do.empty());
}

void check_opened(const result<opened_checkpoint>& opened)
{
    if (!opened) return check_refusal(opened.error());
    ROLLBOOK_ENSURE(log().signed_texts.contains(opened->text));
    ROLLBOOK_ENSURE(checkpoint_text(opened->point) == opened->text);
    for (const verified_signature& each : opened->signatures)
        ROLLBOOK_ENSURE(each.posix_seconds == (each.key.kind == key_kind::witness ? 1'790'000'000u : 0u));
}

void check_note(std::string_view bytes)
{
    const auto note = parse_note(bytes);
    if (!note) return check_refusal(note.error());
    ROLLBOOK_ENSURE(bytes.size() <= note_bytes_max && note->signatures.size() <= note_signatures_max);
    // One note has one text: nothing of what was read can be said in other bytes.
    ROLLBOOK_ENSURE(written(*note) == bytes);
    if (const auto point = parse_checkpoint(note->text))
        ROLLBOOK_ENSURE(note->text.starts_with(checkpoint_text(*point)));
    const verifier_key witnesses[] = {log().witness.verifier()};
    for (const signing_key* key : {&log().key, &log().old_key})
        check_opened(open_checkpoint(bytes, key->verifier(), witnesses));
    check_opened(log().chain.open(bytes));
    if (const auto change = open_key_change(bytes)) {
        ROLLBOOK_ENSURE(change->old_key.name == change->new_key.name);
        ROLLBOOK_ENSURE(change->old_key != log().old_key.verifier() || note->text == parse_note(log().change)->text);
    }
}

// A checkpoint of any size and root, as a log would have signed it that means no good.
std::string signed_by_the_log(const checkpoint& point)
{
    return sign_checkpoint(point, log().key);
}

void check_verdict(std::string_view request, std::uint64_t size)
{
    witness::seen_log seen;
    seen.keys = {log().key.verifier()};
    seen.size = size;
    if (size > 0) seen.root = log().root(size);
    const witness::verdict said = witness::judge(request, {seen});
    ROLLBOOK_ENSURE((said.code == witness::status::signs) == said.next.has_value());
    ROLLBOOK_ENSURE(said.why.empty() == said.next.has_value() && said.why.find('\n') == std::string::npos);
    ROLLBOOK_ENSURE((said.code == witness::status::other_size) == !said.body.empty());
    if (!said.next) return;
    const witness_request asked = parse_witness_request(request).value();
    ROLLBOOK_ENSURE(said.next->origin == origin && asked.old_size == size && said.next->size >= size);
    // Never another tree of the size that was signed before.
    if (said.next->size == size && size > 0) ROLLBOOK_ENSURE(said.next->root == seen.root && asked.proof.empty());
    ROLLBOOK_ENSURE(said.text == parse_note(asked.checkpoint_note)->text);
}

void check_request(std::string_view bytes)
{
    const auto request = parse_witness_request(bytes);
    for (const std::uint64_t size : {std::uint64_t{0}, held_size, leaves})
        check_verdict(bytes, size);
    if (!request) return check_refusal(request.error());
    ROLLBOOK_ENSURE(request->proof.size() <= proof_hashes_max);
    ROLLBOOK_ENSURE(format_witness_request(*request) == bytes);
    const auto note = parse_note(request->checkpoint_note);
    const auto point = note ? parse_checkpoint(note->text) : result<checkpoint>(failure(errc::page_malformed, "", ""));
    if (!point || point->origin != origin) return;
    witness_request by_the_log = *request;
    // Another tree of the size that the witness signed before.
    by_the_log.old_size = held_size;
    checkpoint fork{origin, held_size, point->root};
    fork.root[0] ^= 1;
    by_the_log.checkpoint_note = signed_by_the_log(fork);
    check_verdict(format_witness_request(by_the_log), held_size);
    by_the_log = *request;
    by_the_log.checkpoint_note = signed_by_the_log(*point);
    for (const std::uint64_t size : {std::uint64_t{0}, held_size, leaves})
        check_verdict(format_witness_request(by_the_log), size);
}

void check_proof(std::string_view bytes)
{
    const auto proof = parse_offline_proof(bytes);
    if (!proof) return check_refusal(proof.error());
    ROLLBOOK_ENSURE(proof->proof.size() <= proof_hashes_max && format_offline_proof(*proof) == bytes);
    constexpr std::uint64_t own = 6;
    const verifier_key witnesses[] = {log().witness.verifier()};
    const auto shown = verify_offline_proof(*proof, leaf(own), log().key.verifier(), witnesses);
    check_opened(shown);
    if (!shown) return;
    // Of one leaf in one tree there is one proof.
    ROLLBOOK_ENSURE(proof->index == own && shown->point.size == leaves);
    ROLLBOOK_ENSURE(proof->proof == inclusion_proof(own, leaves, log().tree).value());
}

} // namespace

void read_checkpoint(std::string_view bytes)
{
    check_note(bytes);
    if (const auto key = parse_vkey(bytes)) ROLLBOOK_ENSURE(format_vkey(*key) == bytes);
    const auto kept = checkpoints_in(bytes);
    if (!kept) check_refusal(kept.error());
    for (const std::string& note : kept ? *kept : std::vector<std::string>()) {
        const auto parsed = parse_note(note);
        ROLLBOOK_ENSURE(parsed && parse_checkpoint(parsed->text));
        ROLLBOOK_ENSURE(checkpoints_in(note).value() == std::vector{note});
        check_note(note);
    }
    for (const std::string& line : signature_lines_in(bytes))
        ROLLBOOK_ENSURE(parse_note("-\n\n" + line).has_value());
}

void read_proof(std::string_view bytes)
{
    check_proof(bytes);
    check_request(bytes);
}

namespace {

const recipient_keys& recipient()
{
    static const recipient_keys keys =
        parse_recipient_secret("rollbook-recipient-secret:" + to_base64(support::seed_of(7))).value();
    return keys;
}

constexpr std::string_view sealed_body = "what was backed up\n";
constexpr std::string_view sealed_header = "rollbook-backup/1\nsize 13\n";

// The file that a backup is, made once: what it says for its recipient is the body above, or nothing.
const std::string& sealed_example()
{
    static const std::string bytes = [] {
        const support::temporary_folder folder;
        const std::filesystem::path file = folder.path / "sealed";
        const auto out = sealed_writer::create(file, sealed_header, {recipient().public_key}).value();
        out->write(sealed_body).value();
        out->finish().value();
        out->trailer("the end\n").value();
        std::ifstream in(file, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    }();
    return bytes;
}

// Everything in the file, when all of it is sound; `unlocked` says whether the recipient could read it.
result<std::string> all_of(sealed_reader& in, bool unlocked)
{
    std::string body;
    if (!unlocked) {
        const auto skipped = in.skip();
        if (!skipped) return skipped.error();
    }
    while (unlocked) {
        const auto some = in.next();
        if (!some) return some.error();
        if (some->empty()) break;
        body += *some;
    }
    const auto trailer = in.trailer();
    if (!trailer) return trailer.error();
    return body;
}

} // namespace

void read_sealed(std::string_view bytes)
{
    if (const auto key = parse_recipient(bytes)) ROLLBOOK_ENSURE(format_recipient(*key) == bytes);
    (void)parse_recipient_secret(bytes);
    (void)open_sealed(bytes, recipient());

    const int file = ::memfd_create("sealed", MFD_CLOEXEC);
    ROLLBOOK_ENSURE(file >= 0 && ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    const std::string path = "/proc/self/fd/" + std::to_string(file);
    for (const bool with_key : {true, false}) {
        auto in = sealed_reader::open(path);
        if (!in) break;
        ROLLBOOK_ENSURE((*in)->header().empty() || (*in)->header().ends_with("\n"));
        const bool unlocked = with_key && (*in)->unlock(recipient());
        if (with_key && !unlocked) continue;
        const auto body = all_of(**in, unlocked);
        if (!body)
            check_refusal(body.error());
        else if (unlocked)
            ROLLBOOK_ENSURE(*body == sealed_body && (*in)->header().starts_with(sealed_header));
    }
    ::close(file);
}

std::vector<std::string> checkpoint_seeds()
{
    const std::string quoted =
        "From lead@example.sch.uk Mon\r\nContent-Type: multipart/mixed;\r\n boundary=\"b 1\"\r\n\r\n"
        "--b 1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E2=80=94 is no note=\r\n\r\n"
        "--b 1\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
        to_base64(as_bytes(log().note)) + "\r\n--b 1--\r\n";
    std::string windows = "Subject: checkpoint\r\n\r\n";
    for (const char c : log().old_note)
        windows += c == '\n' ? "\r\n" : std::string(1, c);
    const std::size_t lines = log().note.find("\n\n") + 2;
    return {
        log().note,
        log().old_note,
        log().change,
        quoted,
        windows,
        log().note.substr(lines),
        format_vkey(log().key.verifier())};
}

std::vector<std::string> proof_seeds()
{
    offline_proof proof;
    proof.index = 6;
    proof.proof = inclusion_proof(6, leaves, log().tree).value();
    proof.checkpoint_note = log().note;
    offline_proof with_more = proof;
    with_more.extra = std::vector<std::uint8_t>{1, 2, 3};
    witness_request request;
    request.old_size = held_size;
    request.proof = consistency_proof(held_size, leaves, log().tree).value();
    request.checkpoint_note = log().note;
    witness_request first;
    first.checkpoint_note = log().note;
    return {
        format_offline_proof(proof),
        format_offline_proof(with_more),
        format_witness_request(request),
        format_witness_request(first)};
}

std::vector<std::string> sealed_seeds()
{
    return {
        sealed_example(),
        format_recipient(recipient().public_key),
        format_recipient_secret(recipient()) + "\r\n",
        seal("a decision", recipient().public_key)};
}

} // namespace rollbook::fuzz
