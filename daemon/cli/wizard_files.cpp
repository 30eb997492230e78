#include "daemon/cli/wizard_files.hpp"

#include "daemon/base/durable.hpp"
#include "daemon/base/error.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace rollbook {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void cannot(const fs::path& path, int why)
{
    throw failure_error(failure(
        errc::configuration_invalid,
        path.string() + " cannot be made: " + std::strerror(why),
        why == EEXIST   ? "The wizard overwrites nothing; move it away, or name another file with --config."
        : why == ENOSPC ? "Free some space, and run it again; nothing was kept."
                        : "Check the folder and its permissions; in /etc it takes root."
    ));
}

// Of no use, and of no harm, to anybody but root.
void give_to(int file, uid_t user, gid_t group)
{
    if (::geteuid() == 0) (void)!::fchown(file, user, group);
}

} // namespace

memory_file::memory_file(const fs::path& reader) : number_(::memfd_create("rollbook", MFD_CLOEXEC))
{
    if (number_ < 0) cannot("a file in memory", errno);
    struct stat owner {};
    if (::stat(reader.c_str(), &owner) == 0) give_to(number_, owner.st_uid, owner.st_gid);
    (void)::fchmod(number_, 0600);
}

memory_file::memory_file(memory_file&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

memory_file& memory_file::operator=(memory_file&& other) noexcept
{
    std::swap(number_, other.number_);
    return *this;
}

memory_file::~memory_file()
{
    if (number_ >= 0) ::close(number_);
}

fs::path memory_file::path() const
{
    return "/proc/self/fd/" + std::to_string(number_);
}

void memory_file::rewrite(std::string_view text)
{
    if (::ftruncate(number_, 0) != 0 || ::lseek(number_, 0, SEEK_SET) != 0 || !write_all(number_, text))
        cannot("a file in memory", errno);
}

void check_place(const fs::path& file)
{
    struct stat about {};
    if (::lstat(file.c_str(), &about) == 0) cannot(file, EEXIST);
    if (::access(file.parent_path().c_str(), W_OK | X_OK) != 0) cannot(file, errno);
}

fs::path wizard_files::hold(const fs::path& file, std::string_view text, mode_t mode, const fs::path& like)
{
    memory_file memory(like);
    memory.rewrite(text);
    held_.push_back({file, std::string(text), mode, like, std::move(memory)});
    return held_.back().memory.path();
}

std::vector<std::pair<fs::path, fs::path>> wizard_files::places() const
{
    std::vector<std::pair<fs::path, fs::path>> out;
    for (const held_file& each : held_)
        out.emplace_back(each.memory.path(), each.file);
    return out;
}

void wizard_files::make_folder(const fs::path& folder)
{
    if (::mkdir(folder.c_str(), 0750) != 0) {
        if (errno == EEXIST) return;
        cannot(folder, errno);
    }
    made_.add(folder);
    struct stat owner {};
    if (::geteuid() == 0 && ::stat(folder.parent_path().c_str(), &owner) == 0)
        (void)!::chown(folder.c_str(), owner.st_uid, owner.st_gid);
    (void)::chmod(folder.c_str(), 0750);
}

void wizard_files::write()
{
    for (const held_file& each : held_)
        make(each);
    for (const held_file& each : held_)
        (void)sync_folder(each.file.parent_path());
}

void wizard_files::make(const held_file& one)
{
    const int out = ::open(one.file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (out < 0) cannot(one.file, errno);
    made_.add(one.file);
    struct stat owner {};
    const fs::path& reader = one.like.empty() ? one.file.parent_path() : one.like;
    if (::stat(reader.c_str(), &owner) == 0) give_to(out, one.like.empty() ? 0 : owner.st_uid, owner.st_gid);
    (void)::fchmod(out, one.mode);
    const int why = write_all(out, one.text) && ::fsync(out) == 0 ? 0 : errno;
    ::close(out);
    if (why != 0) cannot(one.file, why);
}

undisturbed::undisturbed()
{
    sigset_t ends;
    sigemptyset(&ends);
    for (const int each : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP})
        sigaddset(&ends, each);
    ::pthread_sigmask(SIG_BLOCK, &ends, &before_);
}

undisturbed::~undisturbed()
{
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

} // namespace rollbook
