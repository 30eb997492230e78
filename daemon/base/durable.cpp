#include "daemon/base/durable.hpp"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

namespace rollbook {

bool sync_folder(const std::filesystem::path& folder)
{
    const int opened = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) return false;
    const bool synced = ::fsync(opened) == 0;
    const int why = errno;
    ::close(opened);
    errno = why;
    return synced;
}

bool write_all(int file, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t written = ::write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

namespace {

struct opened_file {
    int number;
    ~opened_file()
    {
        if (number >= 0) ::close(number);
    }
};

} // namespace

bool replace_durably(const std::filesystem::path& file, const std::function<bool(int)>& fill)
{
    const std::string unfinished = file.string() + ".unfinished";
    const opened_file out{::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (out.number < 0) return false;
    if (fill(out.number) && ::fsync(out.number) == 0 && std::rename(unfinished.c_str(), file.c_str()) == 0) {
        sync_folder(file.has_parent_path() ? file.parent_path() : std::filesystem::path("."));
        return true;
    }
    const int why = errno;
    ::unlink(unfinished.c_str());
    errno = why;
    return false;
}

bool replace_durably(const std::filesystem::path& file, std::string_view text)
{
    return replace_durably(file, [&](int out) { return write_all(out, text); });
}

} // namespace rollbook
