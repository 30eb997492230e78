#include "daemon/service/service_manager.hpp"

#include "daemon/base/bytes.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <mutex>

namespace rollbook {

void tell_service_manager(std::string_view lines)
{
    const char* named = std::getenv("NOTIFY_SOCKET");
    const std::string_view path = named ? named : "";
    sockaddr_un to{};
    if (path.size() < 2 || path.size() >= sizeof to.sun_path) return;
    to.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), to.sun_path);
    if (path.front() == '@') to.sun_path[0] = '\0'; // a name without a file
    const int out = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (out < 0) return;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    (void)::sendto(out, lines.data(), lines.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), size);
    ::close(out);
}

std::optional<std::chrono::microseconds> watchdog_limit()
{
    const char* limit = std::getenv("WATCHDOG_USEC");
    const char* meant = std::getenv("WATCHDOG_PID");
    if (!limit || (meant && parse_decimal(meant) != static_cast<std::uint64_t>(::getpid()))) return std::nullopt;
    const auto microseconds = parse_decimal(limit);
    if (!microseconds || *microseconds == 0) return std::nullopt;
    return std::chrono::microseconds(*microseconds);
}

watchdog_feeder::watchdog_feeder(std::chrono::steady_clock::duration longest)
{
    const auto limit = watchdog_limit();
    if (!limit) return;
    const auto until = std::chrono::steady_clock::now() + longest;
    feeding_ = std::jthread([every = *limit / 3, until](const std::stop_token& ended) {
        std::mutex alone;
        std::condition_variable_any sleep;
        std::unique_lock lock(alone);
        do
            tell_service_manager("WATCHDOG=1");
        while (!sleep.wait_for(lock, ended, every, [&] { return ended.stop_requested(); }) &&
               std::chrono::steady_clock::now() < until);
    });
}

} // namespace rollbook
