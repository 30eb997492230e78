#include "daemon/base/sealed_file.hpp"

#include "daemon/base/random.hpp"
#include "daemon/base/sha256.hpp"

#include <sodium.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace rollbook {
namespace {

constexpr std::string_view public_prefix = "rollbook-recipient:";
constexpr std::string_view secret_prefix = "rollbook-recipient-secret:";
constexpr std::string_view recipient_line = "recipient ";
constexpr std::size_t chunk_bytes = 64 * 1024;
constexpr std::size_t header_bytes_max = 64 * 1024;
constexpr std::size_t trailer_bytes_max = 64 * 1024;

static_assert(crypto_box_PUBLICKEYBYTES == sizeof(hash) && crypto_box_SECRETKEYBYTES == sizeof(hash));
static_assert(crypto_secretstream_xchacha20poly1305_KEYBYTES == sizeof(hash));

void need_sodium()
{
    ROLLBOOK_ENSURE(sodium_init() >= 0);
}

failure damaged(std::string_view what)
{
    return failure(
        errc::ledger_in_doubt, "the sealed file is damaged: " + std::string(what), "Use another copy of the backup."
    );
}

std::array<std::uint8_t, 4> length_bytes(std::size_t size)
{
    return {
        static_cast<std::uint8_t>(size >> 24),
        static_cast<std::uint8_t>(size >> 16),
        static_cast<std::uint8_t>(size >> 8),
        static_cast<std::uint8_t>(size)};
}

} // namespace

std::string format_recipient(const hash& public_key)
{
    return std::string(public_prefix) + to_base64(public_key);
}

std::optional<hash> parse_recipient(std::string_view text)
{
    if (!text.starts_with(public_prefix)) return std::nullopt;
    return hash_from_base64(text.substr(public_prefix.size()));
}

recipient_keys make_recipient()
{
    need_sodium();
    recipient_keys keys;
    crypto_box_keypair(keys.public_key.data(), keys.secret.data());
    return keys;
}

std::string format_recipient_secret(const recipient_keys& keys)
{
    return std::string(secret_prefix) + to_base64(keys.secret);
}

std::optional<recipient_keys> parse_recipient_secret(std::string_view text)
{
    need_sodium();
    while (text.ends_with('\n') || text.ends_with('\r'))
        text.remove_suffix(1);
    if (!text.starts_with(secret_prefix)) return std::nullopt;
    const auto secret = hash_from_base64(text.substr(secret_prefix.size()));
    if (!secret) return std::nullopt;
    recipient_keys keys;
    keys.secret = *secret;
    if (crypto_scalarmult_base(keys.public_key.data(), keys.secret.data()) != 0) return std::nullopt;
    return keys;
}

std::string seal(std::string_view text, const hash& recipient)
{
    need_sodium();
    std::vector<std::uint8_t> sealed(text.size() + crypto_box_SEALBYTES);
    ROLLBOOK_ENSURE(crypto_box_seal(sealed.data(), as_bytes(text).data(), text.size(), recipient.data()) == 0);
    return to_base64(sealed);
}

std::optional<std::string> open_sealed(std::string_view base64, const recipient_keys& keys)
{
    need_sodium();
    const auto sealed = from_base64(base64);
    if (!sealed || sealed->size() < crypto_box_SEALBYTES) return std::nullopt;
    std::string text(sealed->size() - crypto_box_SEALBYTES, '\0');
    const int bad = crypto_box_seal_open(
        reinterpret_cast<unsigned char*>(text.data()),
        sealed->data(),
        sealed->size(),
        keys.public_key.data(),
        keys.secret.data()
    );
    if (bad != 0) return std::nullopt;
    return text;
}

struct sealed_writer::impl {
    int file = -1;
    std::filesystem::path path;
    hash key{};
    crypto_secretstream_xchacha20poly1305_state state{};
    sha256_stream digest;
    hash header_digest{};
    bool any = false;
    std::string waiting;

    ~impl()
    {
        wipe(key);
        sodium_memzero(&state, sizeof state);
        if (file >= 0) ::close(file);
    }

    result<void> put(bytes_view bytes)
    {
        digest.add(bytes);
        while (!bytes.empty()) {
            const ssize_t done = ::write(file, bytes.data(), bytes.size());
            if (done <= 0) {
                if (done < 0 && errno == EINTR) continue;
                return cannot();
            }
            bytes = bytes.subspan(static_cast<std::size_t>(done));
        }
        return {};
    }

    failure cannot() const
    {
        return failure(
            errc::ledger_in_doubt,
            "the file " + path.string() + " cannot be written: " + std::strerror(errno),
            "Check the folder, its permissions and free space."
        );
    }

    result<void> chunk(std::string_view bytes, bool last)
    {
        std::vector<std::uint8_t> sealed(bytes.size() + crypto_secretstream_xchacha20poly1305_ABYTES);
        unsigned long long size = 0;
        const bytes_view bound = any ? bytes_view() : bytes_view(header_digest);
        crypto_secretstream_xchacha20poly1305_push(
            &state,
            sealed.data(),
            &size,
            as_bytes(bytes).data(),
            bytes.size(),
            bound.data(),
            bound.size(),
            last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0
        );
        any = true;
        const auto length = length_bytes(static_cast<std::size_t>(size));
        if (const result<void> done = put(length); !done) return done;
        return put(sealed);
    }
};

sealed_writer::sealed_writer(std::unique_ptr<impl> p) : impl_(std::move(p)) {}
sealed_writer::~sealed_writer() = default;

result<std::unique_ptr<sealed_writer>>
sealed_writer::create(const std::filesystem::path& file, std::string_view header, const std::vector<hash>& recipients)
{
    need_sodium();
    auto made = std::make_unique<impl>();
    made->path = file;
    made->file = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (made->file < 0) return made->cannot();
    random_bytes(made->key);
    std::string text(header);
    for (const hash& each : recipients)
        text.append(recipient_line).append(seal(as_text(made->key), each)).append("\n");
    text += "\n";
    made->header_digest = sha256(as_bytes(text));
    std::array<std::uint8_t, crypto_secretstream_xchacha20poly1305_HEADERBYTES> start{};
    crypto_secretstream_xchacha20poly1305_init_push(&made->state, start.data(), made->key.data());
    if (const result<void> done = made->put(as_bytes(text)); !done) return done.error();
    if (const result<void> done = made->put(start); !done) return done.error();
    return std::unique_ptr<sealed_writer>(new sealed_writer(std::move(made)));
}

result<void> sealed_writer::write(std::string_view bytes)
{
    while (!bytes.empty()) {
        const std::size_t some = std::min(bytes.size(), chunk_bytes - impl_->waiting.size());
        impl_->waiting.append(bytes.substr(0, some));
        bytes.remove_prefix(some);
        if (impl_->waiting.size() < chunk_bytes) break;
        if (const result<void> done = impl_->chunk(impl_->waiting, false); !done) return done;
        impl_->waiting.clear();
    }
    return {};
}

result<hash> sealed_writer::finish()
{
    if (const result<void> done = impl_->chunk(impl_->waiting, true); !done) return done.error();
    impl_->waiting.clear();
    if (const result<void> done = impl_->put(length_bytes(0)); !done) return done.error();
    return sha256_stream(impl_->digest).finish();
}

result<void> sealed_writer::trailer(std::string_view text)
{
    if (const result<void> done = impl_->put(as_bytes(text)); !done) return done;
    if (::fsync(impl_->file) != 0) return impl_->cannot();
    return {};
}

bytes_view sealed_writer::file_key() const
{
    return impl_->key;
}

struct sealed_reader::impl {
    int file = -1;
    std::string header;
    std::vector<std::string> sealed_keys;
    hash header_digest{};
    std::array<std::uint8_t, crypto_secretstream_xchacha20poly1305_HEADERBYTES> start{};
    crypto_secretstream_xchacha20poly1305_state state{};
    sha256_stream digest;
    bool any = false;
    bool ended = false;  // the last chunk was read
    bool at_end = false; // and the mark after it

    ~impl()
    {
        sodium_memzero(&state, sizeof state);
        if (file >= 0) ::close(file);
    }

    bool get(std::span<std::uint8_t> out)
    {
        std::size_t done = 0;
        while (done < out.size()) {
            const ssize_t got = ::read(file, out.data() + done, out.size() - done);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return false;
            done += static_cast<std::size_t>(got);
        }
        digest.add(out);
        return true;
    }

    bool read_header()
    {
        std::string text;
        std::uint8_t byte = 0;
        while (!text.ends_with("\n\n")) {
            if (text.size() > header_bytes_max || !get({&byte, 1})) return false;
            text += static_cast<char>(byte);
        }
        header_digest = sha256(as_bytes(text));
        text.pop_back();
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = text.find('\n', at);
            const std::string line = text.substr(at, end - at);
            if (line.starts_with(recipient_line))
                sealed_keys.push_back(line.substr(recipient_line.size()));
            else
                header += line + "\n";
            at = end + 1;
        }
        return get(start);
    }

    // The next sealed chunk; empty at the mark that ends the body.
    result<std::vector<std::uint8_t>> sealed_chunk()
    {
        std::array<std::uint8_t, 4> length{};
        if (!get(length)) return damaged("it ends in the middle");
        const std::size_t size = std::size_t{length[0]} << 24 | std::size_t{length[1]} << 16 |
                                 std::size_t{length[2]} << 8 | std::size_t{length[3]};
        if (size > chunk_bytes + crypto_secretstream_xchacha20poly1305_ABYTES)
            return damaged("a part of it is longer than parts are");
        std::vector<std::uint8_t> sealed(size);
        if (!get(sealed)) return damaged("it ends in the middle");
        at_end = size == 0;
        return sealed;
    }
};

sealed_reader::sealed_reader(std::unique_ptr<impl> p) : impl_(std::move(p)) {}
sealed_reader::~sealed_reader() = default;

result<std::unique_ptr<sealed_reader>> sealed_reader::open(const std::filesystem::path& file)
{
    need_sodium();
    auto made = std::make_unique<impl>();
    made->file = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (made->file < 0)
        return failure(
            errc::not_found,
            "the file " + file.string() + " cannot be opened: " + std::strerror(errno),
            "Check its name and permissions."
        );
    if (!made->read_header()) return damaged("its header cannot be read");
    return std::unique_ptr<sealed_reader>(new sealed_reader(std::move(made)));
}

const std::string& sealed_reader::header() const
{
    return impl_->header;
}

void sealed_reader::unlock(bytes_view file_key)
{
    crypto_secretstream_xchacha20poly1305_init_pull(&impl_->state, impl_->start.data(), file_key.data());
}

bool sealed_reader::unlock(const recipient_keys& keys)
{
    for (const std::string& each : impl_->sealed_keys) {
        auto key = open_sealed(each, keys);
        if (!key || key->size() != sizeof(hash)) continue;
        unlock(as_bytes(*key));
        sodium_memzero(key->data(), key->size());
        return true;
    }
    return false;
}

result<std::string> sealed_reader::next()
{
    if (impl_->at_end) return std::string();
    auto sealed = impl_->sealed_chunk();
    if (!sealed) return sealed.error();
    if (impl_->at_end) {
        if (!impl_->ended) return damaged("its end is missing");
        return std::string();
    }
    if (impl_->ended || sealed->size() < crypto_secretstream_xchacha20poly1305_ABYTES)
        return damaged("something follows its end");
    std::string plain(sealed->size() - crypto_secretstream_xchacha20poly1305_ABYTES, '\0');
    unsigned long long size = 0;
    unsigned char tag = 0;
    const bytes_view bound = impl_->any ? bytes_view() : bytes_view(impl_->header_digest);
    const int bad = crypto_secretstream_xchacha20poly1305_pull(
        &impl_->state,
        reinterpret_cast<unsigned char*>(plain.data()),
        &size,
        &tag,
        sealed->data(),
        sealed->size(),
        bound.data(),
        bound.size()
    );
    if (bad != 0) return damaged("a part of it was changed");
    impl_->any = true;
    impl_->ended = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    // The last chunk may be empty; an empty answer would mean the end to the caller.
    return plain.empty() ? next() : result<std::string>(std::move(plain));
}

result<void> sealed_reader::skip()
{
    while (!impl_->at_end) {
        const auto sealed = impl_->sealed_chunk();
        if (!sealed) return sealed.error();
    }
    return {};
}

result<std::pair<hash, std::string>> sealed_reader::trailer()
{
    const hash so_far = sha256_stream(impl_->digest).finish();
    std::string text;
    std::array<char, 4096> some;
    for (;;) {
        const ssize_t got = ::read(impl_->file, some.data(), some.size());
        if (got < 0) return damaged("its end cannot be read");
        if (got == 0) break;
        text.append(some.data(), static_cast<std::size_t>(got));
        if (text.size() > trailer_bytes_max) return damaged("something follows its end");
    }
    return std::pair(so_far, std::move(text));
}

} // namespace rollbook
