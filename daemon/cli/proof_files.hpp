#pragma once

#include "daemon/base/error.hpp"

#include <filesystem>
#include <string>

namespace rollbook {

// A file that somebody hands in, or standard input for "-"; at most 4 MiB. Throws failure_error (usage).
std::string read_given_file(const std::filesystem::path& file);
// The one checkpoint in such a file, however it was kept (base/saved_checkpoint.hpp). Throws failure_error.
std::string read_proof_file(const std::filesystem::path& file);
// A whole new file under that name, or the old one untouched. Throws failure_error.
void write_proof_file(const std::filesystem::path& file, std::string_view text);

failure no_checkpoint_yet();

} // namespace rollbook
