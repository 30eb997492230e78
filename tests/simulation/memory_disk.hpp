#pragma once

#include "tests/simulation/dice.hpp"

#include <sqlite3.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace rollbook::simulation {

// SQLite's view of a disk that is all in memory. What is written and not synced can be lost or torn by a power cut, as
// on a real one; a process that is killed leaves what it wrote. Any write, truncation, deletion or sync can be the last
// of its process. For one thread.
class memory_disk {
public:
    memory_disk();
    ~memory_disk();
    memory_disk(const memory_disk&) = delete;
    memory_disk& operator=(const memory_disk&) = delete;

    // A file that is there already, and safe.
    void add(const std::string& path, std::string bytes);

    // The process dies at the `n`th operation from here (from 1): neither it nor any later one reaches the disk.
    void die_at(std::size_t n) { dies_at_ = operations_ + n; }
    bool is_dying() const { return dies_at_ > 0 && operations_ >= dies_at_; }
    // The `n`th operation from here fails with an SQLite code, and the process lives on.
    void fail_at(std::size_t n, int code)
    {
        fails_at_ = operations_ + n;
        code_ = code;
    }
    bool has_failed() const { return fails_at_ > 0 && operations_ >= fails_at_; }
    std::size_t operations() const { return operations_; }

    // After a death, with every connection closed: the machine is there again. `power` says that it lost power too:
    // of what was not synced nothing is left, or all, or a beginning, or any part, the last with torn sectors.
    void recover(bool power, dice& chance);

private:
    friend struct memory_file; // what SQLite holds of an open file

    static constexpr std::size_t sector = 512;
    struct write {
        std::size_t at = 0;
        std::size_t size = 0;
        std::size_t size_before = 0; // the file's
        bool truncates = false;
    };
    struct file {
        std::string now;            // what a process sees
        std::vector<write> pending; // since it was last synced
        std::string replaced;       // by what is pending, one after the other: what a power cut leaves at least
        bool exists = false;
        bool was_there = false; // after a power cut too
        int shared = 0;
        bool reserved = false;
        bool exclusive = false;
        std::vector<std::unique_ptr<char[]>> regions; // the index of the write-ahead log
        std::array<int, 8> region_locks{};            // how many share each; -1: held alone
    };
    struct calls;

    bool next_operation(int& code);
    static void put(file& to, std::size_t at, std::string_view bytes);
    static void cut(file& to, std::size_t size);
    static std::vector<std::string> take_back(file& of);
    void settle(file& of, dice& chance);

    sqlite3_vfs* real_;
    sqlite3_vfs vfs_;
    std::map<std::string, file> files_;
    std::size_t operations_ = 0;
    std::size_t dies_at_ = 0;
    std::size_t fails_at_ = 0;
    int code_ = SQLITE_OK;
};

} // namespace rollbook::simulation
