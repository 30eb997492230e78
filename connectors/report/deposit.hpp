#pragma once

#include "daemon/base/error.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace rollbook {

// A name that fits a pattern (shell style), made from it: `mark` stands for its first star. Empty for a pattern that no
// such name fits, and for one that would lead out of its folder.
std::optional<std::string> name_that_fits(const std::string& pattern, const std::string& mark);

// Puts a copy of the file into a report folder, under a name that fits the pattern and that no file there has. It is
// durable when this returns, and under that name it is whole at once. Fails with source_misconfigured when the folder
// cannot be written to; then nothing is left in it.
result<void> deposit(
    const std::filesystem::path& file,
    const std::filesystem::path& folder,
    const std::string& pattern,
    const std::string& mark
);

} // namespace rollbook
