#pragma once

#include <filesystem>

namespace rollbook {

// Makes what was made, renamed or removed in a folder outlast a power cut. False, with errno set, where the folder
// cannot be opened, or its file system cannot do it.
bool sync_folder(const std::filesystem::path& folder);

} // namespace rollbook
