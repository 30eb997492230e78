#include "connectors/report/dispose.hpp"

#include "daemon/base/durable.hpp"

#include <sodium.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rollbook {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t sealed_bytes_max = 256 << 20; // a file is sealed in memory

failure not_done(const std::string& what, int why)
{
    return failure(
        errc::source_misconfigured,
        "a file was read, but " + what + ": " + std::strerror(why),
        "Give Rollbook's user the right to write in the folder; what was read is kept, and the file is not read again."
    );
}

result<void> write_sealed(const fs::path& path, const std::string& sealed)
{
    if (replace_durably(path, sealed)) return {};
    return not_done("it cannot be archived", errno);
}

result<void> archive(report_file& file, const listed_file& listed, const hash& digest, const report_settings& settings)
{
    if (listed.bytes > sealed_bytes_max)
        return failure(
            errc::source_misconfigured,
            "a file was read, but it is larger than 256 MiB and cannot be archived",
            "Move it away yourself, or set after_import = \"remove\"."
        );
    std::string bytes(listed.bytes, '\0');
    std::size_t size = 0;
    file.rewind();
    while (size < bytes.size()) {
        const result<std::size_t> got = file.read(std::span(bytes).subspan(size));
        if (!got) return got.error();
        if (*got == 0) break;
        size += *got;
    }
    std::string sealed(size + crypto_box_SEALBYTES, '\0');
    const int failed = crypto_box_seal(
        reinterpret_cast<unsigned char*>(sealed.data()),
        reinterpret_cast<const unsigned char*>(bytes.data()),
        size,
        settings.archive_key->data()
    );
    sodium_memzero(bytes.data(), bytes.size());
    if (failed != 0)
        return failure(
            errc::source_misconfigured,
            "a file was read, but archive_public_key is no key to seal to",
            "Make a new pair of keys."
        );
    const std::string name =
        format_day(std::chrono::local_days(std::chrono::floor<std::chrono::days>(listed.time).time_since_epoch())) +
        "-" + to_hex(digest).substr(0, 16) + ".sealed";
    return write_sealed(settings.archive_folder / name, sealed);
}

} // namespace

result<void>
dispose_of(const listed_file& listed, const hash& digest, after_import then, const report_settings& settings)
{
    if (then == after_import::leave) return {};
    const auto file = report_file::open(settings.folder, listed);
    // Another file of that name is for the next read to look at; one that is gone is gone.
    if (!file) return {};
    if (then == after_import::archive)
        if (const result<void> kept = archive(**file, listed, digest, settings); !kept) return kept;
    if (!(*file)->is_unchanged()) return {};
    const fs::path path = settings.folder / listed.name;
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return not_done("it cannot be removed", errno);
    sync_folder(settings.folder);
    return {};
}

} // namespace rollbook
