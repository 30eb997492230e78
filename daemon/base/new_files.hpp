#pragma once

#include <filesystem>
#include <vector>

namespace rollbook {

// Files and folders that were just made, and go again, the newest first, unless keep() says that all of it was done.
class new_files {
public:
    new_files() = default;
    new_files(const new_files&) = delete;
    new_files& operator=(const new_files&) = delete;
    ~new_files()
    {
        std::error_code ignored;
        for (; !made_.empty(); made_.pop_back())
            std::filesystem::remove(made_.back(), ignored); // a folder only when it is empty
    }

    void add(std::filesystem::path made) { made_.push_back(std::move(made)); }
    void keep() { made_.clear(); }

private:
    std::vector<std::filesystem::path> made_;
};

} // namespace rollbook
