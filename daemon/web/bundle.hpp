#pragma once

#include "daemon/base/error.hpp"
#include "daemon/web/http.hpp"

#include <filesystem>
#include <memory>

namespace rollbook {

// The files below `folder` as one tar archive (POSIX ustar), below the name `prefix`, in order of name, without owners
// or times: equal folders give equal archives. The folder is removed with it. Fails with usage: a file cannot be read,
// or its name is too long for the format.
result<std::shared_ptr<web_stream>> make_tar(const std::filesystem::path& folder, const std::string& prefix);

} // namespace rollbook
