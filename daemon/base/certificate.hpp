#pragma once

#include "daemon/base/time.hpp"

#include <filesystem>
#include <optional>

namespace rollbook {

// When the first certificate of a PEM file stops being valid; empty when there is none that can be read.
std::optional<instant> certificate_ends(const std::filesystem::path& file);

} // namespace rollbook
