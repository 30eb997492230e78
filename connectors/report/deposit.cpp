#include "connectors/report/deposit.hpp"

#include "daemon/base/durable.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fnmatch.h>
#include <unistd.h>

#include <utility>

namespace rollbook {

namespace {

namespace fs = std::filesystem;

class descriptor {
public:
    explicit descriptor(int number) : number_(number) {}
    ~descriptor()
    {
        if (number_ >= 0) ::close(number_);
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    int get() const { return number_; }
    bool is_open() const { return number_ >= 0; }

private:
    int number_;
};

failure not_written(int why)
{
    return failure(
        errc::source_misconfigured,
        std::string("the folder of the exports cannot be written to: ") + std::strerror(why),
        "Let Rollbook's user write there, or put the file there yourself."
    );
}

// 0, or why not.
int copy_all(int from, int to)
{
    std::array<char, 64 * 1024> piece;
    for (;;) {
        const ssize_t got = ::read(from, piece.data(), piece.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0) return ::fsync(to) == 0 ? 0 : errno;
        for (ssize_t done = 0; done < got;) {
            const ssize_t put = ::write(to, piece.data() + done, static_cast<std::size_t>(got - done));
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return errno;
            done += put;
        }
    }
}

// A name under which no other file stands. A share of another machine may not know how to refuse to replace one.
int move_to(const fs::path& part, const fs::path& name)
{
    if (::renameat2(AT_FDCWD, part.c_str(), AT_FDCWD, name.c_str(), RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;
    if (::access(name.c_str(), F_OK) == 0) return EEXIST;
    return ::rename(part.c_str(), name.c_str()) == 0 ? 0 : errno;
}

} // namespace

std::optional<std::string> name_that_fits(const std::string& pattern, const std::string& mark)
{
    std::string name;
    bool is_marked = false;
    for (std::size_t at = 0; at < pattern.size(); ++at) {
        switch (pattern[at]) {
        case '*':
            if (!std::exchange(is_marked, true)) name += mark;
            break;
        case '?': name += 'x'; break;
        case '[': {
            // One of those that are named; of "[!...]" none is known to fit.
            const std::size_t end = pattern.find(']', at + 2);
            if (end == std::string::npos) return std::nullopt;
            name += pattern[at + 1];
            at = end;
            break;
        }
        case '\\':
            if (++at < pattern.size()) name += pattern[at];
            break;
        default: name += pattern[at];
        }
    }
    const bool is_plain = !name.empty() && name[0] != '.' && name.find('/') == std::string::npos;
    if (!is_plain || ::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) != 0) return std::nullopt;
    return name;
}

result<void> deposit(const fs::path& file, const fs::path& folder, const std::string& pattern, const std::string& mark)
{
    const auto name = name_that_fits(pattern, mark);
    if (!name)
        return failure(
            errc::source_misconfigured,
            "no name can be made that fits the mapping's files = \"" + pattern + "\"",
            "Say there which files are meant with a star, such as \"*.csv\", or put the file there yourself."
        );
    // A name that begins with a dot fits no pattern: a half copy is never read.
    const fs::path part = folder / (".rollbook-" + mark);
    const descriptor from(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!from.is_open()) return not_written(errno);
    int why = 0;
    {
        const descriptor to(::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!to.is_open()) return not_written(errno);
        why = copy_all(from.get(), to.get());
    }
    if (why == 0) why = move_to(part, folder / *name);
    if (why != 0) {
        ::unlink(part.c_str());
        return not_written(why);
    }
    sync_folder(folder);
    return {};
}

} // namespace rollbook
