#pragma once

#include "daemon/base/error.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace rollbook {

struct tap_start {
    std::vector<std::string> command;
    std::string config;  // JSON; handed over in a file of mode 0600 that is gone when the tap is
    std::string state;   // JSON; empty: none
    std::string catalog; // a path; empty: none
    std::chrono::milliseconds timeout{};
    std::uint64_t memory_bytes = 0;
};

// A tap as a child process: no shell, nothing of our environment, a folder of its own that goes with it, limits on
// memory and time, and a process group that is ended as a whole, by SIGTERM and then by SIGKILL. It also dies with us.
// What it says on its standard error is counted and dropped: it may hold what the tap read.
class tap_process {
public:
    // Fails with source_misconfigured when the program cannot be started.
    static result<std::unique_ptr<tap_process>> start(boost::asio::any_io_executor executor, const tap_start& how);
    // Ends the group if it still runs; takes at most a few seconds.
    ~tap_process();
    tap_process(const tap_process&) = delete;
    tap_process& operator=(const tap_process&) = delete;

    // The next line without its end; one that is not ended counts too. Nothing when the output has ended. Fails with
    // page_malformed when a line is too long, with source_unreachable when the time is up.
    boost::asio::awaitable<result<std::optional<std::string>>> line();
    // Once the output has ended: waits for the program to end by itself. Fails with source_unreachable when it ends
    // with another status than 0 or has to be ended.
    boost::asio::awaitable<result<void>> finished();

private:
    struct running;
    explicit tap_process(std::shared_ptr<running> p) : running_(std::move(p)) {}
    std::shared_ptr<running> running_;
};

} // namespace rollbook
