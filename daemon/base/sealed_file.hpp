#pragma once

#include "daemon/base/bytes.hpp"
#include "daemon/base/error.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// Files that only the holders of certain keys can read: a header in clear, a random file key sealed to each recipient
// (libsodium crypto_box_seal: X25519, XSalsa20-Poly1305), and a body encrypted with it in chunks
// (crypto_secretstream_xchacha20poly1305), bound to the header. To the byte: schemas/backup.md.
namespace rollbook {

// Who can read: an X25519 public key. Text: "rollbook-recipient:" and base64.
std::string format_recipient(const hash& public_key);
std::optional<hash> parse_recipient(std::string_view text);

// A recipient's two keys. The secret's text: "rollbook-recipient-secret:" and base64 of the secret key.
struct recipient_keys {
    hash public_key{};
    hash secret{};
};
recipient_keys make_recipient();
std::string format_recipient_secret(const recipient_keys& keys);
std::optional<recipient_keys> parse_recipient_secret(std::string_view text);

// One text sealed to one recipient, base64; and opened again, empty when it is not for that key or was changed.
std::string seal(std::string_view text, const hash& recipient);
std::optional<std::string> open_sealed(std::string_view base64, const recipient_keys& keys);

// Writes a sealed file. Everything is on the disk when finish() has returned. Fails with ledger_in_doubt (no space, no
// permission); what was written by then is the caller's to remove.
class sealed_writer {
public:
    // `header`: lines, each with its LF, none of them empty. Refuses a file that is there.
    static result<std::unique_ptr<sealed_writer>>
    create(const std::filesystem::path& file, std::string_view header, const std::vector<hash>& recipients);
    ~sealed_writer();
    sealed_writer(const sealed_writer&) = delete;
    sealed_writer& operator=(const sealed_writer&) = delete;

    result<void> write(std::string_view bytes);
    // Ends the body. Returns the SHA-256 of the file so far; what is handed to trailer() comes after it.
    result<hash> finish();
    result<void> trailer(std::string_view text);
    // The key of this file, for reading it back while the writer lives.
    bytes_view file_key() const;

private:
    struct impl;
    explicit sealed_writer(std::unique_ptr<impl> p);
    std::unique_ptr<impl> impl_;
};

// Reads a sealed file from its beginning to its end. Anything that was changed, left out or added fails with
// ledger_in_doubt.
class sealed_reader {
public:
    static result<std::unique_ptr<sealed_reader>> open(const std::filesystem::path& file);
    ~sealed_reader();
    sealed_reader(const sealed_reader&) = delete;
    sealed_reader& operator=(const sealed_reader&) = delete;

    // The header's lines.
    const std::string& header() const;
    // Takes the key. False when the file is for none of these.
    bool unlock(const recipient_keys& keys);
    void unlock(bytes_view file_key);

    // The next chunk of the body, empty at its end.
    result<std::string> next();
    // Passes over the body without a key, checking its form only.
    result<void> skip();
    // After the body: SHA-256 of the file up to the trailer, and the trailer.
    result<std::pair<hash, std::string>> trailer();

private:
    struct impl;
    explicit sealed_reader(std::unique_ptr<impl> p);
    std::unique_ptr<impl> impl_;
};

} // namespace rollbook
