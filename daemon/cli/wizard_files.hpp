#pragma once

#include "daemon/base/new_files.hpp"

#include <sys/types.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

// What the wizard writes, and how it stays in memory until everything is asked: a program that is ended half-way,
// however that may be, leaves nothing behind. Failures are failure_error.
namespace rollbook {

// A file in memory alone, closed to all but one user, and gone with the program.
class memory_file {
public:
    // `reader`: the folder or file whose owner may read it, where root runs this.
    explicit memory_file(const std::filesystem::path& reader);
    memory_file(memory_file&& other) noexcept;
    memory_file& operator=(memory_file&& other) noexcept;
    ~memory_file();

    // Where this program, and no other, reads it.
    std::filesystem::path path() const;
    void rewrite(std::string_view text);

private:
    int number_;
};

// Fails where a file of that name is already, or could not be made.
void check_place(const std::filesystem::path& file);

class wizard_files {
public:
    // Holds a text that write() makes a file of, and returns where it can be read until then. Root's files go to the
    // group, and with `like` to the owner, of that folder, who shall read them.
    std::filesystem::path
    hold(const std::filesystem::path& file, std::string_view text, mode_t mode, const std::filesystem::path& like = {});

    std::size_t count() const { return held_.size(); }
    // Forgets what was held after the first `count`.
    void drop_to(std::size_t count) { held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(count), held_.end()); }
    // Where each file that is held can be read now, and where it is to be.
    std::vector<std::pair<std::filesystem::path, std::filesystem::path>> places() const;

    // Makes a folder where there is none, for the owner of the one it stands in.
    void make_folder(const std::filesystem::path& folder);
    // Makes the files. They go again, and the folder, unless keep() is called.
    void write();
    void keep() { made_.keep(); }

private:
    struct held_file {
        std::filesystem::path file;
        std::string text;
        mode_t mode;
        std::filesystem::path like;
        memory_file memory;
    };
    void make(const held_file& one);

    std::vector<held_file> held_;
    new_files made_;
};

// Signals that would end the program wait while this lasts: what has begun to be written is written whole.
class undisturbed {
public:
    undisturbed();
    ~undisturbed();
    undisturbed(const undisturbed&) = delete;
    undisturbed& operator=(const undisturbed&) = delete;

private:
    sigset_t before_{};
};

} // namespace rollbook
