#pragma once

#include "daemon/base/bytes.hpp"
#include "daemon/base/error.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Signed notes, checkpoints, cosignatures, witness requests and offline proofs as the C2SP documents signed-note,
// tlog-checkpoint, tlog-cosignature, tlog-witness and tlog-proof define them. All signatures are Ed25519.
//
// What cannot be read fails with page_malformed; what can be read and does not verify fails with ledger_in_doubt.
namespace rollbook {

inline constexpr std::size_t note_bytes_max = 256 * 1024;
inline constexpr std::size_t note_signatures_max = 64;
inline constexpr std::size_t proof_hashes_max = 63;

// What a key signs; the type byte of the C2SP key texts.
enum class key_kind : std::uint8_t {
    log = 0x01,     // signs the note's text
    witness = 0x04, // signs the text with a time (cosignature/v1)
};

// Not empty, no Unicode white space, no "+": the rule for key names and origins.
bool is_valid_key_name(std::string_view name) noexcept;

// A public key and its name. The id is a label on signature lines, not a security check.
struct verifier_key {
    std::string name;
    key_kind kind = key_kind::log;
    hash public_key{};
    std::uint32_t id = 0;

    bool operator==(const verifier_key&) const = default;
};

verifier_key make_verifier_key(std::string name, key_kind kind, const hash& public_key);

// "school.example/ledger+46bc012c+AfOC...". Parsing refuses an id that does not belong to the key.
std::string format_vkey(const verifier_key& key);
result<verifier_key> parse_vkey(std::string_view text);

// The public key in PEM, as the openssl command reads it.
std::string public_key_pem(const verifier_key& key);

// A private key: signs, and erases itself when destroyed. `name` must be a valid key name.
class signing_key {
public:
    signing_key(std::string name, key_kind kind, const hash& seed);
    ~signing_key();
    signing_key(const signing_key&) = delete;
    signing_key& operator=(const signing_key&) = delete;

    const verifier_key& verifier() const noexcept { return verifier_; }

    // The signature line of a log key over a note's text, with its last LF.
    std::string sign(std::string_view text) const;
    // The signature line of a witness key over a checkpoint's text, made at `posix_seconds`.
    std::string cosign(std::string_view checkpoint_text, std::uint64_t posix_seconds) const;

private:
    verifier_key verifier_;
    std::array<std::uint8_t, 64> secret_;
};

struct note_signature {
    std::string name;
    std::uint32_t key_id = 0;
    std::vector<std::uint8_t> payload; // what follows the key id
};

struct signed_note {
    std::string text; // with its last LF
    std::vector<note_signature> signatures;
};

// Text, empty line, signature lines. `lines` are as sign() and cosign() give them.
std::string format_note(std::string_view text, std::span<const std::string> lines);

// Reads the form only; nothing is trusted before verify_note().
result<signed_note> parse_note(std::string_view bytes);

struct verified_signature {
    verifier_key key;
    std::uint64_t posix_seconds = 0; // when a witness signed; 0 for a log key
};

// Which of the known keys signed the note, each once. Lines of other keys are ignored. Fails when a known key's line
// does not verify, and when no known key signed.
result<std::vector<verified_signature>> verify_note(const signed_note& note, std::span<const verifier_key> known);

// What a log promises: the size and root of its tree.
struct checkpoint {
    std::string origin;
    std::uint64_t size = 0;
    hash root{};

    bool operator==(const checkpoint&) const = default;
};

// The three lines that are signed. The origin must be a valid key name.
std::string checkpoint_text(const checkpoint& point);
// Tolerates extra lines that are not empty.
result<checkpoint> parse_checkpoint(std::string_view text);

std::string sign_checkpoint(const checkpoint& point, const signing_key& log);

struct opened_checkpoint {
    checkpoint point;
    std::string text;                           // what was signed, and what a witness signs
    std::vector<verified_signature> signatures; // of the log first, then of known witnesses
};

// Reads a checkpoint note: signed by the log, whose name is the origin, and perhaps by some of `witnesses`.
result<opened_checkpoint>
open_checkpoint(std::string_view note, const verifier_key& log, std::span<const verifier_key> witnesses = {});

// The body of add-checkpoint: works over HTTP and as a file sent to an auditor.
struct witness_request {
    std::uint64_t old_size = 0; // of the last checkpoint this witness cosigned; 0 for none
    std::vector<hash> proof;    // from old_size to the checkpoint's size
    std::string checkpoint_note;
};

std::string format_witness_request(const witness_request& request);
// Reads the form only, with at most 63 hashes. Whether the proof fits old_size is the witness's decision.
result<witness_request> parse_witness_request(std::string_view body);

// A `.tlog-proof` file: shows without us that one entry is in a signed tree.
struct offline_proof {
    std::uint64_t index = 0;
    std::vector<hash> proof;
    std::string checkpoint_note;                    // verbatim, with all signature lines
    std::optional<std::vector<std::uint8_t>> extra; // not protected by any signature
};

std::string format_offline_proof(const offline_proof& proof);
result<offline_proof> parse_offline_proof(std::string_view file);

// Checks a proof for the leaf with that hash: origin, log signature, known witnesses, inclusion. How many witnesses
// are enough is the caller's policy; they are in the answer.
result<opened_checkpoint> verify_offline_proof(
    const offline_proof& proof, const hash& leaf, const verifier_key& log, std::span<const verifier_key> witnesses = {}
);

} // namespace rollbook
