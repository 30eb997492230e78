#include "daemon/base/bytes.hpp"
#include "daemon/base/durable.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/delivery/channels.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace rollbook::delivery {

namespace asio = boost::asio;

namespace {

// A file descriptor that is closed when it is left.
struct open_file {
    explicit open_file(int descriptor) : fd(descriptor) {}
    ~open_file()
    {
        if (fd >= 0) ::close(fd);
    }
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;
    int fd;
};

class file_channel final : public channel {
public:
    explicit file_channel(std::filesystem::path folder) : folder_(std::move(folder)) {}

    // The decisions are plain functions: g++ 12 warns wrongly of a result made inside a sanitized coroutine.
    asio::awaitable<result<void>> send(message m) override { co_return write(m); }
    asio::awaitable<result<void>> check() override { co_return look(); }

private:
    result<void> look() const
    {
        std::error_code unknown;
        if (!std::filesystem::is_directory(folder_, unknown)) return why(unknown ? unknown.value() : ENOTDIR);
        if (::access(folder_.c_str(), W_OK | X_OK) != 0) return why(errno);
        return {};
    }

    // The name follows from the id alone, so that a repeat replaces the same file. It appears whole or not at all.
    result<void> write(const message& m) const
    {
        const std::string name = to_hex(sha256(as_bytes(m.id))).substr(0, 32) + ".json";
        const std::filesystem::path hidden = folder_ / ("." + name + ".part");
        {
            const open_file file(::open(hidden.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
            if (file.fd < 0) return why(errno);
            if (!write_all(file.fd, m.json + "\n") || ::fsync(file.fd) != 0) {
                const int failed = errno;
                ::unlink(hidden.c_str());
                return why(failed);
            }
        }
        if (::rename(hidden.c_str(), (folder_ / name).c_str()) != 0) return why(errno);
        if (!sync_folder(folder_)) return why(errno);
        return {};
    }

    failure why(int failed) const
    {
        const bool person = failed == ENOENT || failed == ENOTDIR || failed == EACCES || failed == EPERM ||
                            failed == EROFS || failed == ELOOP;
        return failure(
            person ? errc::delivery_refused : errc::delivery_unreachable,
            folder_.string() + ": cannot be written to: " + std::strerror(failed),
            person ? "Make the folder, and let Rollbook's user write to it."
                   : "It is tried again by itself. Look at the disk."
        );
    }

    std::filesystem::path folder_;
};

} // namespace

std::unique_ptr<channel> make_file_channel(std::filesystem::path folder)
{
    return std::make_unique<file_channel>(std::move(folder));
}

} // namespace rollbook::delivery
