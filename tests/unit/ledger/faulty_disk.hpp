#pragma once

#include "daemon/base/error.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace rollbook::support {

// SQLite's view of the disk while it lives: every write, truncation, deletion and sync can be made to fail, and power
// can be cut before any of them. What was written and not synced since is then on the disk, or is not, or in part, as
// lose_power() rolls it. Syncs cost nothing.
class faulty_disk {
public:
    faulty_disk() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_)
    {
        vfs_.zName = "faulty";
        vfs_.pAppData = this;
        vfs_.szOsFile = static_cast<int>(sizeof(open_file)) + real_->szOsFile;
        vfs_.xOpen = open;
        vfs_.xDelete = remove;
        ROLLBOOK_ENSURE(sqlite3_vfs_register(&vfs_, 1) == SQLITE_OK);
    }
    ~faulty_disk() { sqlite3_vfs_unregister(&vfs_); }
    faulty_disk(const faulty_disk&) = delete;
    faulty_disk& operator=(const faulty_disk&) = delete;

    // The `n`th operation from here (from 1) fails with `code`; with `lasting` all that follow too.
    void fail_at(int n, int code, bool lasting)
    {
        operations_ = 0;
        fails_at_ = n;
        code_ = code;
        lasting_ = lasting;
    }
    // Nothing reaches the disk from the `n`th operation on.
    void cut_at(int n) { fail_at(n, SQLITE_IOERR, true); }
    void heal() { fails_at_ = 0; }
    bool has_failed() const { return fails_at_ > 0 && operations_ >= fails_at_; }

    // After a cut, with every connection closed: puts on the real disk what the power left of it.
    void lose_power(std::uint32_t seed)
    {
        std::mt19937 dice(seed);
        for (auto& [path, file] : files_) {
            std::string left = file.durable;
            const unsigned mood = dice() % 5; // nothing of it, all of it, a beginning, any part, any part and torn
            const std::size_t prefix = file.pending.empty() ? 0 : dice() % (file.pending.size() + 1);
            for (std::size_t i = 0; i < file.pending.size(); ++i) {
                const bool lands = mood == 1 || (mood == 2 && i < prefix) || (mood > 2 && dice() % 2 == 0);
                if (lands)
                    apply(
                        file.pending[i], left, mood == 4 ? dice() % (file.pending[i].bytes.size() / sector + 1) : whole
                    );
            }
            const bool gone = file.is_deleted && dice() % 2 == 0;
            std::filesystem::remove(path);
            if (!gone && (file.is_durable || !left.empty())) std::ofstream(path, std::ios::binary) << left;
            std::filesystem::remove(path + "-shm");
        }
        files_.clear();
        heal();
    }

private:
    static constexpr std::size_t sector = 512;
    static constexpr std::size_t whole = ~std::size_t{0};

    struct write {
        std::size_t at = 0;
        std::string bytes;
        bool truncates = false; // to `at`
    };
    struct file_state {
        std::string durable;
        std::vector<write> pending;
        bool is_durable = false; // the file was there, or was synced
        bool is_deleted = false;
    };
    struct open_file {
        sqlite3_file base;
        faulty_disk* disk;
        file_state* state;
        sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
    };

    static void apply(const write& each, std::string& to, std::size_t sectors)
    {
        if (each.truncates) return to.resize(each.at);
        const std::size_t size = sectors == whole ? each.bytes.size() : std::min(each.bytes.size(), sectors * sector);
        if (size == 0) return;
        to.resize(std::max(to.size(), each.at + size));
        std::copy_n(each.bytes.begin(), size, to.begin() + static_cast<std::ptrdiff_t>(each.at));
    }

    // SQLITE_OK, or what the operation fails with.
    int next_operation()
    {
        ++operations_;
        if (fails_at_ == 0 || operations_ < fails_at_) return SQLITE_OK;
        return operations_ == fails_at_ || lasting_ ? code_ : SQLITE_OK;
    }

    static open_file* of(sqlite3_file* file) { return reinterpret_cast<open_file*>(file); }

    static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags)
    {
        auto* disk = static_cast<faulty_disk*>(vfs->pAppData);
        open_file* opened = of(file);
        opened->base.pMethods = nullptr;
        opened->disk = disk;
        opened->state = nullptr;
        if (name) {
            auto [at, is_new] = disk->files_.try_emplace(name);
            if (is_new && std::filesystem::exists(name)) {
                std::ifstream in(name, std::ios::binary);
                at->second.durable.resize(std::filesystem::file_size(name));
                in.read(at->second.durable.data(), static_cast<std::streamsize>(at->second.durable.size()));
                at->second.is_durable = true;
            }
            opened->state = &at->second;
        }
        const int code = disk->real_->xOpen(disk->real_, name, opened->real(), flags, out_flags);
        if (opened->real()->pMethods) opened->base.pMethods = &methods();
        if (code == SQLITE_OK && opened->state) opened->state->is_deleted = false;
        return code;
    }

    static int remove(sqlite3_vfs* vfs, const char* name, int sync)
    {
        auto* disk = static_cast<faulty_disk*>(vfs->pAppData);
        if (const int code = disk->next_operation(); code != SQLITE_OK) return SQLITE_IOERR_DELETE;
        if (const auto found = disk->files_.find(name); found != disk->files_.end()) {
            found->second.pending.push_back({0, {}, true});
            found->second.is_deleted = true;
        }
        return disk->real_->xDelete(disk->real_, name, sync);
    }

    static int write_at(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at)
    {
        open_file* to = of(file);
        if (to->state)
            if (const int code = to->disk->next_operation(); code != SQLITE_OK) return code;
        const int code = to->real()->pMethods->xWrite(to->real(), bytes, size, at);
        if (code == SQLITE_OK && to->state)
            to->state->pending.push_back(
                {static_cast<std::size_t>(at),
                 std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size)),
                 false}
            );
        return code;
    }

    static int truncate(sqlite3_file* file, sqlite3_int64 size)
    {
        open_file* to = of(file);
        if (to->state)
            if (const int code = to->disk->next_operation(); code != SQLITE_OK) return code;
        const int code = to->real()->pMethods->xTruncate(to->real(), size);
        if (code == SQLITE_OK && to->state) to->state->pending.push_back({static_cast<std::size_t>(size), {}, true});
        return code;
    }

    static int sync(sqlite3_file* file, int)
    {
        open_file* to = of(file);
        if (!to->state) return SQLITE_OK;
        if (const int code = to->disk->next_operation(); code != SQLITE_OK) return code;
        for (const write& each : to->state->pending)
            apply(each, to->state->durable, whole);
        to->state->pending.clear();
        to->state->is_durable = true;
        return SQLITE_OK;
    }

    static const sqlite3_io_methods& methods()
    {
        static const sqlite3_io_methods all = [] {
            sqlite3_io_methods m{};
            m.iVersion = 2; // without memory-mapped reads
            m.xClose = [](sqlite3_file* f) { return of(f)->real()->pMethods->xClose(of(f)->real()); };
            m.xRead = [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
                return of(f)->real()->pMethods->xRead(of(f)->real(), to, size, at);
            };
            m.xWrite = write_at;
            m.xTruncate = truncate;
            m.xSync = sync;
            m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
                return of(f)->real()->pMethods->xFileSize(of(f)->real(), size);
            };
            m.xLock = [](sqlite3_file* f, int l) { return of(f)->real()->pMethods->xLock(of(f)->real(), l); };
            m.xUnlock = [](sqlite3_file* f, int l) { return of(f)->real()->pMethods->xUnlock(of(f)->real(), l); };
            m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
                return of(f)->real()->pMethods->xCheckReservedLock(of(f)->real(), out);
            };
            m.xFileControl = [](sqlite3_file* f, int op, void* arg) {
                return of(f)->real()->pMethods->xFileControl(of(f)->real(), op, arg);
            };
            m.xSectorSize = [](sqlite3_file*) { return static_cast<int>(sector); };
            m.xDeviceCharacteristics = [](sqlite3_file*) { return 0; }; // promises nothing
            m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** to) {
                return of(f)->real()->pMethods->xShmMap(of(f)->real(), page, size, extend, to);
            };
            m.xShmLock = [](sqlite3_file* f, int at, int n, int flags) {
                return of(f)->real()->pMethods->xShmLock(of(f)->real(), at, n, flags);
            };
            m.xShmBarrier = [](sqlite3_file* f) { of(f)->real()->pMethods->xShmBarrier(of(f)->real()); };
            m.xShmUnmap = [](sqlite3_file* f, int remove) {
                return of(f)->real()->pMethods->xShmUnmap(of(f)->real(), remove);
            };
            return m;
        }();
        return all;
    }

    sqlite3_vfs* real_;
    sqlite3_vfs vfs_;
    std::map<std::string, file_state> files_;
    int operations_ = 0;
    int fails_at_ = 0;
    int code_ = SQLITE_OK;
    bool lasting_ = false;
};

} // namespace rollbook::support
