#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <thread>

namespace rollbook {

// Sends lines of sd_notify(3) to the service manager that started us: "READY=1", "WATCHDOG=1", "STATUS=...". Does
// nothing without one, and never fails: who does not listen is not told.
void tell_service_manager(std::string_view lines);

// How often the service manager wants to hear "WATCHDOG=1" before it takes us for dead; empty when it does not watch
// us.
std::optional<std::chrono::microseconds> watchdog_limit();

// Tells the service manager that we live, from a thread of its own, as long as this does: for work that keeps the main
// thread to itself and shows nothing of its progress. Not for longer than `longest`, so that work that hangs is ended
// after all.
class watchdog_feeder {
public:
    explicit watchdog_feeder(std::chrono::steady_clock::duration longest);

private:
    std::jthread feeding_;
};

} // namespace rollbook
