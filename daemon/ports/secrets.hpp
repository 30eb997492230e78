#pragma once

#include "daemon/ports/configuration.hpp"

namespace rollbook {

// Reads a secret: the file's content (relative paths from `base`; a file others may read is refused), the environment
// variable, or the systemd credential under $CREDENTIALS_DIRECTORY. One trailing line end is cut. Fails with
// configuration_invalid, naming the reference and never the content.
result<std::string> read_secret(const secret_reference& reference, const std::filesystem::path& base);

} // namespace rollbook
