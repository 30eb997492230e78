#include "daemon/base/signed_note.hpp"

#include "daemon/base/merkle.hpp"
#include "daemon/base/random.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/base/utf8.hpp"

#include <sodium/core.h>
#include <sodium/crypto_sign.h>

#include <algorithm>

namespace rollbook {

namespace {

constexpr std::string_view signature_mark = "\xe2\x80\x94 "; // U+2014 and a space
constexpr std::string_view proof_header = "c2sp.org/tlog-proof@v1";
constexpr std::size_t signature_bytes = crypto_sign_BYTES;
constexpr std::size_t timestamp_bytes = 8;

failure unreadable(std::string what)
{
    return failure(
        errc::page_malformed, std::move(what), "Ask for the file again; it was damaged or is of another kind."
    );
}

failure unverified(std::string what)
{
    return failure(
        errc::ledger_in_doubt, std::move(what), "Keep the file as it is, and ask the log's keeper for an explanation."
    );
}

void begin_sodium()
{
    static const bool ready = sodium_init() >= 0;
    ROLLBOOK_ENSURE(ready);
}

bool is_signed_by(const hash& public_key, std::string_view message, bytes_view signature)
{
    begin_sodium();
    return signature.size() == signature_bytes && crypto_sign_verify_detached(
                                                      signature.data(),
                                                      reinterpret_cast<const unsigned char*>(message.data()),
                                                      message.size(),
                                                      public_key.data()
                                                  ) == 0;
}

std::string cosigned_message(std::string_view checkpoint_text, std::uint64_t posix_seconds)
{
    std::string message = "cosignature/v1\ntime ";
    append_decimal(message, posix_seconds);
    message += '\n';
    message += checkpoint_text;
    return message;
}

void append_big_endian(std::vector<std::uint8_t>& out, std::uint64_t value, std::size_t bytes)
{
    for (std::size_t i = bytes; i-- > 0;)
        out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

std::uint64_t from_big_endian(bytes_view bytes)
{
    std::uint64_t value = 0;
    for (const std::uint8_t b : bytes)
        value = value << 8 | b;
    return value;
}

std::string signature_line(const verifier_key& key, bytes_view payload)
{
    std::vector<std::uint8_t> bytes;
    append_big_endian(bytes, key.id, 4);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    std::string line(signature_mark);
    line += key.name;
    line += ' ';
    append_base64(line, bytes);
    line += '\n';
    return line;
}

// Takes the first line of `text`, without its LF; nothing when no LF is left.
std::optional<std::string_view> take_line(std::string_view& text)
{
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return line;
}

// Takes "<label> <number>" from the front of `text`.
std::optional<std::uint64_t> take_number_line(std::string_view& text, std::string_view label)
{
    auto line = take_line(text);
    if (!line || !line->starts_with(label)) return std::nullopt;
    return parse_decimal(line->substr(label.size()));
}

// Takes hashes, one a line, up to and with the empty line behind them. Nothing when a line is no hash, the empty line
// is missing, or there are too many.
std::optional<std::vector<hash>> take_hashes(std::string_view& text)
{
    std::vector<hash> hashes;
    for (;;) {
        const auto line = take_line(text);
        if (!line) return std::nullopt;
        if (line->empty()) return hashes;
        const auto value = hash_from_base64(*line);
        if (!value || hashes.size() == proof_hashes_max) return std::nullopt;
        hashes.push_back(*value);
    }
}

void append_hashes(std::string& out, std::span<const hash> hashes)
{
    for (const hash& h : hashes) {
        append_base64(out, h);
        out += '\n';
    }
    out += '\n';
}

std::optional<note_signature> parse_signature_line(std::string_view line)
{
    if (!line.starts_with(signature_mark)) return std::nullopt;
    line.remove_prefix(signature_mark.size());
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || !is_valid_key_name(line.substr(0, space))) return std::nullopt;
    const auto bytes = from_base64(line.substr(space + 1));
    if (!bytes || bytes->size() < 5) return std::nullopt;
    const bytes_view all(*bytes);
    return note_signature{
        std::string(line.substr(0, space)),
        static_cast<std::uint32_t>(from_big_endian(all.first(4))),
        {all.begin() + 4, all.end()}};
}

// What `line` proves of `key`, or nothing when its signature is not that key's.
std::optional<verified_signature>
check_signature(std::string_view text, const note_signature& line, const verifier_key& key)
{
    const bytes_view payload(line.payload);
    if (key.kind == key_kind::log) {
        if (!is_signed_by(key.public_key, text, payload)) return std::nullopt;
        return verified_signature{key, 0};
    }
    if (payload.size() != timestamp_bytes + signature_bytes) return std::nullopt;
    const std::uint64_t at = from_big_endian(payload.first(timestamp_bytes));
    if (at >> 63 != 0) return std::nullopt;
    if (!is_signed_by(key.public_key, cosigned_message(text, at), payload.subspan(timestamp_bytes))) {
        return std::nullopt;
    }
    return verified_signature{key, at};
}

} // namespace

bool is_valid_key_name(std::string_view name) noexcept
{
    if (name.empty() || !is_valid_utf8(name)) return false;
    // Unicode's White_Space property beyond ASCII.
    static constexpr std::string_view wide_spaces[] = {
        "\xc2\x85",
        "\xc2\xa0",
        "\xe1\x9a\x80",
        "\xe2\x80\x80",
        "\xe2\x80\x81",
        "\xe2\x80\x82",
        "\xe2\x80\x83",
        "\xe2\x80\x84",
        "\xe2\x80\x85",
        "\xe2\x80\x86",
        "\xe2\x80\x87",
        "\xe2\x80\x88",
        "\xe2\x80\x89",
        "\xe2\x80\x8a",
        "\xe2\x80\xa8",
        "\xe2\x80\xa9",
        "\xe2\x80\xaf",
        "\xe2\x81\x9f",
        "\xe3\x80\x80"};
    for (const char c : name) {
        if (static_cast<unsigned char>(c) <= 0x20 || c == '+') return false;
    }
    return std::none_of(std::begin(wide_spaces), std::end(wide_spaces), [&](std::string_view space) {
        return name.find(space) != std::string_view::npos;
    });
}

verifier_key make_verifier_key(std::string name, key_kind kind, const hash& public_key)
{
    ROLLBOOK_ENSURE(is_valid_key_name(name));
    const std::uint8_t type = static_cast<std::uint8_t>(kind);
    const hash digest = sha256_stream().add(name).add("\n").add(bytes_view(&type, 1)).add(public_key).finish();
    const auto id = static_cast<std::uint32_t>(from_big_endian(bytes_view(digest).first(4)));
    return verifier_key{std::move(name), kind, public_key, id};
}

std::string format_vkey(const verifier_key& key)
{
    std::vector<std::uint8_t> bytes;
    append_big_endian(bytes, key.id, 4);
    std::string text = key.name + '+' + to_hex(bytes) + '+';
    std::array<std::uint8_t, 33> typed_key;
    typed_key[0] = static_cast<std::uint8_t>(key.kind);
    std::copy(key.public_key.begin(), key.public_key.end(), typed_key.begin() + 1);
    append_base64(text, typed_key);
    return text;
}

result<verifier_key> parse_vkey(std::string_view text)
{
    const auto refuse = [](std::string_view why) {
        return failure(
            errc::configuration_invalid,
            "public key: " + std::string(why),
            "Give the key as its owner published it: name+id+base64, one line."
        );
    };
    // The base64 part may hold "+" itself.
    const std::size_t first = text.find('+');
    const std::size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
    if (second == std::string_view::npos) return refuse("it is not of the form name+id+base64");
    const std::string_view name = text.substr(0, first);
    const std::string_view id = text.substr(first + 1, second - first - 1);
    if (!is_valid_key_name(name)) return refuse("its name is empty or holds white space");
    const auto bytes = from_base64(text.substr(second + 1));
    if (!bytes || bytes->size() != 33) return refuse("its last part is not base64 of 33 bytes");
    const auto type = static_cast<key_kind>(bytes->front());
    if (type != key_kind::log && type != key_kind::witness) {
        return refuse("it is neither an Ed25519 log key nor an Ed25519 witness key");
    }
    verifier_key key = make_verifier_key(std::string(name), type, *to_hash(bytes_view(*bytes).subspan(1)));
    std::vector<std::uint8_t> id_bytes;
    append_big_endian(id_bytes, key.id, 4);
    if (id != to_hex(id_bytes)) return refuse("its id does not belong to its name and key");
    return key;
}

std::string public_key_pem(const verifier_key& key)
{
    // RFC 8410: SubjectPublicKeyInfo of an Ed25519 key is these twelve bytes and the key.
    std::vector<std::uint8_t> der = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    der.insert(der.end(), key.public_key.begin(), key.public_key.end());
    return "-----BEGIN PUBLIC KEY-----\n" + to_base64(der) + "\n-----END PUBLIC KEY-----\n";
}

signing_key::signing_key(std::string name, key_kind kind, const hash& seed)
{
    begin_sodium();
    static_assert(sizeof secret_ == crypto_sign_SECRETKEYBYTES && sizeof seed == crypto_sign_SEEDBYTES);
    hash public_key;
    crypto_sign_seed_keypair(public_key.data(), secret_.data(), seed.data());
    verifier_ = make_verifier_key(std::move(name), kind, public_key);
}

signing_key::~signing_key()
{
    wipe(secret_);
}

namespace {

std::array<std::uint8_t, signature_bytes> signature_of(std::string_view message, std::span<const std::uint8_t, 64> key)
{
    std::array<std::uint8_t, signature_bytes> signature;
    crypto_sign_detached(
        signature.data(), nullptr, reinterpret_cast<const unsigned char*>(message.data()), message.size(), key.data()
    );
    return signature;
}

} // namespace

std::string signing_key::sign(std::string_view text) const
{
    ROLLBOOK_ENSURE(verifier_.kind == key_kind::log);
    ROLLBOOK_ENSURE(text.ends_with('\n'));
    return signature_line(verifier_, signature_of(text, secret_));
}

std::string signing_key::cosign(std::string_view checkpoint_text, std::uint64_t posix_seconds) const
{
    ROLLBOOK_ENSURE(verifier_.kind == key_kind::witness);
    ROLLBOOK_ENSURE(checkpoint_text.ends_with('\n') && posix_seconds >> 63 == 0);
    std::vector<std::uint8_t> payload;
    append_big_endian(payload, posix_seconds, timestamp_bytes);
    const auto signature = signature_of(cosigned_message(checkpoint_text, posix_seconds), secret_);
    payload.insert(payload.end(), signature.begin(), signature.end());
    return signature_line(verifier_, payload);
}

std::string format_note(std::string_view text, std::span<const std::string> lines)
{
    ROLLBOOK_ENSURE(text.ends_with('\n') && !lines.empty());
    std::string note(text);
    note += '\n';
    for (const std::string& line : lines)
        note += line;
    return note;
}

result<signed_note> parse_note(std::string_view bytes)
{
    if (bytes.size() > note_bytes_max) return unreadable("signed note: it is larger than any we accept");
    if (!is_valid_utf8(bytes)) return unreadable("signed note: it is not UTF-8");
    const bool has_control = std::any_of(bytes.begin(), bytes.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 && c != '\n';
    });
    if (has_control)
        return unreadable("signed note: it holds a control character, perhaps line ends of another system");
    const std::size_t split = bytes.rfind("\n\n");
    if (split == std::string_view::npos) return unreadable("signed note: no empty line before the signatures");

    signed_note note{std::string(bytes.substr(0, split + 1)), {}};
    std::string_view lines = bytes.substr(split + 2);
    if (lines.empty()) return unreadable("signed note: no signature");
    while (!lines.empty()) {
        const auto line = take_line(lines);
        auto signature = line ? parse_signature_line(*line) : std::nullopt;
        if (!signature) return unreadable("signed note: a signature line has the wrong form");
        if (note.signatures.size() == note_signatures_max) return unreadable("signed note: too many signatures");
        note.signatures.push_back(std::move(*signature));
    }
    return note;
}

result<std::vector<verified_signature>> verify_note(const signed_note& note, std::span<const verifier_key> known)
{
    std::vector<verified_signature> verified;
    for (const note_signature& line : note.signatures) {
        bool names_known_key = false;
        std::optional<verified_signature> found;
        for (const verifier_key& key : known) {
            if (key.name != line.name || key.id != line.key_id) continue;
            names_known_key = true;
            if ((found = check_signature(note.text, line, key))) break;
        }
        if (!names_known_key) continue;
        if (!found) return unverified("signed note: the signature of a known key does not verify");
        const bool seen = std::any_of(verified.begin(), verified.end(), [&](const verified_signature& other) {
            return other.key == found->key;
        });
        if (!seen) verified.push_back(std::move(*found));
    }
    if (verified.empty()) return unverified("signed note: no known key signed it");
    return verified;
}

std::string checkpoint_text(const checkpoint& point)
{
    ROLLBOOK_ENSURE(is_valid_key_name(point.origin) && point.size >> 63 == 0);
    std::string text = point.origin;
    text += '\n';
    append_decimal(text, point.size);
    text += '\n';
    append_base64(text, point.root);
    text += '\n';
    return text;
}

result<checkpoint> parse_checkpoint(std::string_view text)
{
    const auto origin = take_line(text);
    if (!origin || !is_valid_key_name(*origin)) return unreadable("checkpoint: the first line is not an origin");
    const auto size = take_number_line(text, "");
    if (!size) return unreadable("checkpoint: the second line is not a tree size");
    const auto root_line = take_line(text);
    const auto root = root_line ? hash_from_base64(*root_line) : std::nullopt;
    if (!root) return unreadable("checkpoint: the third line is not a root hash");
    if (*size == 0 && *root != empty_root()) return unreadable("checkpoint: the root is not that of an empty tree");
    while (!text.empty()) {
        const auto line = take_line(text);
        if (!line || line->empty()) return unreadable("checkpoint: an extra line is empty or has no end");
    }
    return checkpoint{std::string(*origin), *size, *root};
}

std::string sign_checkpoint(const checkpoint& point, const signing_key& log)
{
    ROLLBOOK_ENSURE(point.origin == log.verifier().name);
    const std::string text = checkpoint_text(point);
    const std::string line = log.sign(text);
    return format_note(text, std::span(&line, 1));
}

result<opened_checkpoint>
open_checkpoint(std::string_view note, const verifier_key& log, std::span<const verifier_key> witnesses)
{
    auto parsed = parse_note(note);
    if (!parsed) return parsed.error();
    auto point = parse_checkpoint(parsed->text);
    if (!point) return point.error();
    if (point->origin != log.name) return unverified("checkpoint: it is of another log");

    auto by_log = verify_note(*parsed, std::span(&log, 1));
    if (!by_log) return by_log.error();
    opened_checkpoint opened{std::move(*point), parsed->text, std::move(*by_log)};
    // Seen apart from the log's, so that a witness's name or id can never stand in for the log.
    const bool any_witness = std::any_of(parsed->signatures.begin(), parsed->signatures.end(), [&](const auto& line) {
        return std::any_of(witnesses.begin(), witnesses.end(), [&](const verifier_key& key) {
            return key.name == line.name && key.id == line.key_id;
        });
    });
    if (any_witness) {
        auto by_witnesses = verify_note(*parsed, witnesses);
        if (!by_witnesses) return by_witnesses.error();
        for (auto& signature : *by_witnesses)
            opened.signatures.push_back(std::move(signature));
    }
    return opened;
}

std::string format_witness_request(const witness_request& request)
{
    ROLLBOOK_ENSURE(request.proof.size() <= proof_hashes_max && request.old_size >> 63 == 0);
    std::string body = "old ";
    append_decimal(body, request.old_size);
    body += '\n';
    append_hashes(body, request.proof);
    body += request.checkpoint_note;
    return body;
}

result<witness_request> parse_witness_request(std::string_view body)
{
    if (body.size() > 2 * note_bytes_max) return unreadable("witness request: it is larger than any we accept");
    const auto old_size = take_number_line(body, "old ");
    if (!old_size) return unreadable("witness request: the first line is not the old size");
    auto proof = take_hashes(body);
    if (!proof) return unreadable("witness request: the proof is not up to 63 hashes and an empty line");
    if (auto note = parse_note(body); !note) return note.error();
    return witness_request{*old_size, std::move(*proof), std::string(body)};
}

std::string format_offline_proof(const offline_proof& proof)
{
    ROLLBOOK_ENSURE(proof.proof.size() <= proof_hashes_max && proof.index >> 63 == 0);
    std::string file(proof_header);
    file += '\n';
    if (proof.extra) {
        file += "extra ";
        append_base64(file, *proof.extra);
        file += '\n';
    }
    file += "index ";
    append_decimal(file, proof.index);
    file += '\n';
    append_hashes(file, proof.proof);
    file += proof.checkpoint_note;
    return file;
}

result<offline_proof> parse_offline_proof(std::string_view file)
{
    if (file.size() > 2 * note_bytes_max) return unreadable("proof file: it is larger than any we accept");
    if (take_line(file) != proof_header) return unreadable("proof file: the first line is not the one of this format");
    offline_proof made;
    if (constexpr std::string_view label = "extra "; file.starts_with(label)) {
        const auto line = take_line(file);
        made.extra = line ? from_base64(line->substr(label.size())) : std::nullopt;
        if (!made.extra) return unreadable("proof file: the extra line is not base64");
    }
    const auto index = take_number_line(file, "index ");
    if (!index) return unreadable("proof file: no line with the index");
    made.index = *index;
    auto hashes = take_hashes(file);
    if (!hashes) return unreadable("proof file: the proof is not up to 63 hashes and an empty line");
    made.proof = std::move(*hashes);
    if (auto note = parse_note(file); !note) return note.error();
    made.checkpoint_note = std::string(file);
    return made;
}

result<opened_checkpoint> verify_offline_proof(
    const offline_proof& proof, const hash& leaf, const verifier_key& log, std::span<const verifier_key> witnesses
)
{
    auto opened = open_checkpoint(proof.checkpoint_note, log, witnesses);
    if (!opened) return opened;
    if (!verify_inclusion(proof.index, opened->point.size, leaf, proof.proof, opened->point.root)) {
        return unverified("proof file: the entry is not in the tree that was signed");
    }
    return opened;
}

} // namespace rollbook
