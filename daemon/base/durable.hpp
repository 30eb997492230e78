#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace rollbook {

// Makes what was made, renamed or removed in a folder outlast a power cut. False, with errno set, where the folder
// cannot be opened, or its file system cannot do it.
bool sync_folder(const std::filesystem::path& folder);

// Writes all of it, in as many pieces as the system takes it. False, with errno set, where it cannot.
bool write_all(int file, std::string_view bytes);

// Puts what `fill` writes in the place of the file, for its owner alone: whatever happens, the old one is there or the
// whole new one, and after true the new one outlasts a power cut. False, with errno set, and the old one as it was.
bool replace_durably(const std::filesystem::path& file, const std::function<bool(int)>& fill);
bool replace_durably(const std::filesystem::path& file, std::string_view text);

} // namespace rollbook
