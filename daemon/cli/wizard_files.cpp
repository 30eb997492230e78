#include "daemon/cli/wizard_files.hpp"

#include "daemon/base/error.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rollbook {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void cannot(const fs::path& path, int why)
{
    throw failure_error(failure(
        errc::configuration_invalid,
        path.string() + " cannot be made: " + std::strerror(why),
        why == EEXIST ? "The wizard overwrites nothing; move it away, or name another file with --config."
                      : "Check the folder and its permissions; in /etc it takes root."
    ));
}

void write_whole(int file, const fs::path& path, std::string_view text)
{
    while (!text.empty()) {
        const ssize_t written = ::write(file, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            const int why = errno;
            ::close(file);
            cannot(path, why);
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

} // namespace

wizard_files::~wizard_files()
{
    drop_to(0);
}

void wizard_files::make(const fs::path& file, std::string_view text, mode_t mode, const fs::path& like)
{
    const int out = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (out < 0) cannot(file, errno);
    made_.push_back(file);
    struct stat owner {};
    const fs::path& reader = like.empty() ? file.parent_path() : like;
    // Of no use, and of no harm, to anybody but root.
    if (::geteuid() == 0 && ::stat(reader.c_str(), &owner) == 0)
        (void)!::fchown(out, like.empty() ? 0 : owner.st_uid, owner.st_gid);
    (void)::fchmod(out, mode);
    write_whole(out, file, text);
    ::close(out);
}

void wizard_files::make_folder(const fs::path& folder)
{
    if (::mkdir(folder.c_str(), 0750) != 0) {
        if (errno == EEXIST) return;
        cannot(folder, errno);
    }
    made_.push_back(folder);
    struct stat owner {};
    if (::geteuid() == 0 && ::stat(folder.parent_path().c_str(), &owner) == 0)
        (void)!::chown(folder.c_str(), owner.st_uid, owner.st_gid);
    (void)::chmod(folder.c_str(), 0750);
}

void wizard_files::rewrite(const fs::path& file, std::string_view text)
{
    const int out = ::open(file.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW);
    if (out < 0) cannot(file, errno);
    write_whole(out, file, text);
    ::close(out);
}

void wizard_files::drop_to(std::size_t count)
{
    std::error_code ignored;
    for (; made_.size() > count; made_.pop_back())
        fs::remove(made_.back(), ignored); // a folder only when it is empty
}

} // namespace rollbook
