#pragma once

#include "daemon/ports/configuration.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace rollbook {

struct tap_settings {
    std::vector<std::string> command; // the program's absolute path, and its arguments
    setting_table config;             // what the tap gets as its --config; secrets by reference
    std::filesystem::path catalog;    // absolute; empty: none
    bool keeps_state = true;
    std::chrono::milliseconds timeout{std::chrono::minutes(10)};
    std::uint64_t memory_bytes = std::uint64_t{1} << 30;
};

using tap_secret_reader = std::function<result<std::string>(const secret_reference&)>;

// Fails with configuration_invalid on the first thing that is wrong; check_tap() names them all.
result<tap_settings> read_tap_settings(const source_configuration& source, const std::filesystem::path& base);
std::vector<failure> check_tap(const source_configuration& source, const std::filesystem::path& base);

// The tap's config as JSON, with the secrets in it. Fails with configuration_invalid when one cannot be read.
result<std::string> config_json(const setting_table& config, const tap_secret_reader& secrets);

} // namespace rollbook
