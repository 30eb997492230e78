#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace rollbook {

// Sends lines of sd_notify(3) to the service manager that started us: "READY=1", "WATCHDOG=1", "STATUS=...". Does
// nothing without one, and never fails: who does not listen is not told.
void tell_service_manager(std::string_view lines);

// How often the service manager wants to hear "WATCHDOG=1" before it takes us for dead; empty when it does not watch
// us.
std::optional<std::chrono::microseconds> watchdog_limit();

} // namespace rollbook
