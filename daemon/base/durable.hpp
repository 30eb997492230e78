#pragma once

#include <filesystem>
#include <string_view>

namespace rollbook {

// Makes what was made, renamed or removed in a folder outlast a power cut. False, with errno set, where the folder
// cannot be opened, or its file system cannot do it.
bool sync_folder(const std::filesystem::path& folder);

// Writes all of it, in as many pieces as the system takes it. False, with errno set, where it cannot.
bool write_all(int file, std::string_view bytes);

} // namespace rollbook
