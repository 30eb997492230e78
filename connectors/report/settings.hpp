#pragma once

#include "daemon/base/bytes.hpp"
#include "daemon/ports/configuration.hpp"

#include <filesystem>
#include <optional>

namespace rollbook {

struct report_settings {
    std::filesystem::path folder;         // absolute
    std::filesystem::path archive_folder; // absolute; empty: none
    std::optional<hash> archive_key;      // X25519 public key that archived files are sealed to
};

// Fails with configuration_invalid on the first thing that is wrong; check_report() names them all.
result<report_settings> read_report_settings(const source_configuration& source, const std::filesystem::path& base);
std::vector<failure> check_report(const source_configuration& source, const std::filesystem::path& base);

} // namespace rollbook
