#include "connectors/report/report_file.hpp"

#include "daemon/base/sha256.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rollbook {

namespace {

namespace fs = std::filesystem;

listed_file listed_from(std::string name, const struct stat& found)
{
    listed_file out;
    out.name = std::move(name);
    out.bytes = static_cast<std::uint64_t>(found.st_size);
    out.inode = found.st_ino;
    out.time = instant(std::chrono::floor<std::chrono::milliseconds>(
        std::chrono::seconds(found.st_mtim.tv_sec) + std::chrono::nanoseconds(found.st_mtim.tv_nsec)
    ));
    return out;
}

failure not_readable(std::string_view what, int why)
{
    return failure(
        errc::source_misconfigured,
        std::string(what) + " cannot be read: " + std::strerror(why),
        "Check the path, and that Rollbook's user may read and (to remove files) write there."
    );
}

} // namespace

result<std::vector<listed_file>> list_files(const fs::path& folder, const std::string& pattern)
{
    std::vector<listed_file> found;
    std::error_code failed;
    fs::directory_iterator at(folder, failed);
    for (; !failed && at != fs::directory_iterator(); at.increment(failed)) {
        const std::string name = at->path().filename().string();
        if (::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
        struct stat state {};
        if (::lstat(at->path().c_str(), &state) != 0 || !S_ISREG(state.st_mode)) continue;
        if (found.size() == files_max)
            return failure(
                errc::source_misconfigured,
                "the folder holds more than " + std::to_string(files_max) + " files",
                "Name a folder of its own for the exports, and remove old ones."
            );
        found.push_back(listed_from(name, state));
    }
    if (failed) return not_readable("the folder", failed.value());
    std::sort(found.begin(), found.end(), [](const listed_file& a, const listed_file& b) {
        return std::tie(a.time, a.name) < std::tie(b.time, b.name);
    });
    return found;
}

bool is_still(
    const listed_file& file, std::chrono::milliseconds settle, instant now, instant machine_now, instant first_seen
)
{
    if (settle.count() == 0) return true;
    if (file.time <= now) return now - file.time >= settle;
    if (file.time <= machine_now) return machine_now - file.time >= settle;
    return machine_now - first_seen >= settle;
}

result<std::unique_ptr<report_file>> report_file::open(const fs::path& folder, const listed_file& listed)
{
    const fs::path path = folder / listed.name;
    // O_NONBLOCK: a pipe that took the file's place must not hold us up.
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) return not_readable("a file of the folder", errno);
    std::unique_ptr<report_file> opened(new report_file(descriptor, listed));
    if (!opened->is_unchanged())
        return failure(
            errc::source_unreachable, "a file of the folder is just being changed", "Nothing; it is read later."
        );
    if (listed.bytes > file_bytes_max)
        return failure(errc::page_malformed, "the file is larger than 1 GiB", "Export less at a time.");
    return opened;
}

report_file::~report_file()
{
    ::close(descriptor_);
}

bool report_file::is_unchanged() const
{
    struct stat state {};
    return ::fstat(descriptor_, &state) == 0 && S_ISREG(state.st_mode) && listed_from(listed_.name, state) == listed_;
}

result<std::size_t> report_file::read(std::span<char> into)
{
    for (;;) {
        const ssize_t got = ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset_));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return not_readable("a file of the folder", errno);
        offset_ += static_cast<std::uint64_t>(got);
        return static_cast<std::size_t>(got);
    }
}

result<hash> report_file::digest()
{
    rewind();
    sha256_stream sum;
    std::array<char, 64 * 1024> piece;
    for (;;) {
        const result<std::size_t> got = read(piece);
        if (!got) return got.error();
        if (*got == 0) break;
        sum.add(std::string_view(piece.data(), *got));
    }
    rewind();
    return sum.finish();
}

} // namespace rollbook
