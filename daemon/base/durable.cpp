#include "daemon/base/durable.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace rollbook {

bool sync_folder(const std::filesystem::path& folder)
{
    const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) return false;
    const bool synced = ::fsync(opened) == 0;
    const int why = errno;
    ::close(opened);
    errno = why;
    return synced;
}

} // namespace rollbook
