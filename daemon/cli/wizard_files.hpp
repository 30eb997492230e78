#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// Files that go again unless keep() is called: a wizard that is left half-way leaves nothing behind. What is there
// already is never overwritten. Failures are failure_error.
class wizard_files {
public:
    wizard_files() = default;
    ~wizard_files();
    wizard_files(const wizard_files&) = delete;
    wizard_files& operator=(const wizard_files&) = delete;

    // Makes a file. Root's goes to the group, and with `like` to the owner, of that folder, who shall read it.
    void
    make(const std::filesystem::path& file, std::string_view text, mode_t mode, const std::filesystem::path& like = {});
    // Makes a folder where there is none, for the owner of the one it stands in.
    void make_folder(const std::filesystem::path& folder);
    // Another text for a file of ours.
    void rewrite(const std::filesystem::path& file, std::string_view text);

    std::size_t count() const { return made_.size(); }
    // Removes what was made after the first `count`.
    void drop_to(std::size_t count);
    void keep() { made_.clear(); }

private:
    std::vector<std::filesystem::path> made_;
};

} // namespace rollbook
