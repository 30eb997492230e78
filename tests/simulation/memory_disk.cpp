#include "tests/simulation/memory_disk.hpp"

#include "daemon/base/error.hpp"

#include <algorithm>
#include <cstring>

namespace rollbook::simulation {

struct memory_file {
    sqlite3_file base;
    memory_disk* disk;
    memory_disk::file* of;
    int lock;
    unsigned shared_regions; // bits of the locks that this connection shares or holds alone
    unsigned own_regions;
};

// What SQLite calls. Names and meanings: sqlite3_io_methods and sqlite3_vfs in sqlite3.h.
struct memory_disk::calls {
    static memory_file* of(sqlite3_file* file) { return reinterpret_cast<memory_file*>(file); }
    static memory_disk* disk_of(sqlite3_vfs* vfs) { return static_cast<memory_disk*>(vfs->pAppData); }

    static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* made, int flags, int* out_flags)
    {
        memory_disk* disk = disk_of(vfs);
        memory_file* opened = of(made);
        *opened = {};
        const auto known = name ? disk->files_.find(name) : disk->files_.end();
        const bool exists = known != disk->files_.end() && known->second.exists;
        if (!name || (!exists && (flags & SQLITE_OPEN_CREATE) == 0)) return SQLITE_CANTOPEN;
        opened->disk = disk;
        opened->of = &disk->files_[name];
        opened->of->exists = true;
        opened->base.pMethods = &methods();
        if (out_flags) *out_flags = flags;
        return SQLITE_OK;
    }

    static int close(sqlite3_file* file)
    {
        unlock(file, SQLITE_LOCK_NONE);
        return SQLITE_OK;
    }

    static int remove(sqlite3_vfs* vfs, const char* name, int)
    {
        memory_disk* disk = disk_of(vfs);
        int code = SQLITE_OK;
        if (!disk->next_operation(code)) return SQLITE_IOERR_DELETE;
        const auto found = disk->files_.find(name);
        if (found == disk->files_.end() || !found->second.exists) return SQLITE_IOERR_DELETE_NOENT;
        found->second.exists = false;
        cut(found->second, 0);
        return SQLITE_OK;
    }

    static int access(sqlite3_vfs* vfs, const char* name, int, int* out)
    {
        memory_disk* disk = disk_of(vfs);
        const auto found = disk->files_.find(name);
        *out = found != disk->files_.end() && found->second.exists ? 1 : 0;
        return SQLITE_OK;
    }

    static int full_path(sqlite3_vfs*, const char* name, int size, char* out)
    {
        if (std::strlen(name) >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
        std::strcpy(out, name);
        return SQLITE_OK;
    }

    static int read(sqlite3_file* file, void* to, int size, sqlite3_int64 at)
    {
        const std::string& from = of(file)->of->now;
        const auto begin = std::min(static_cast<std::size_t>(at), from.size());
        const std::size_t there = std::min(static_cast<std::size_t>(size), from.size() - begin);
        std::memcpy(to, from.data() + begin, there);
        if (there == static_cast<std::size_t>(size)) return SQLITE_OK;
        std::memset(static_cast<char*>(to) + there, 0, static_cast<std::size_t>(size) - there);
        return SQLITE_IOERR_SHORT_READ;
    }

    static int write_at(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at)
    {
        memory_disk& disk = *of(file)->disk;
        int code = SQLITE_OK;
        if (!disk.next_operation(code)) return code;
        const std::string_view what(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
        put(*of(file)->of, static_cast<std::size_t>(at), what);
        return SQLITE_OK;
    }

    static int truncate(sqlite3_file* file, sqlite3_int64 size)
    {
        int code = SQLITE_OK;
        if (!of(file)->disk->next_operation(code)) return code;
        cut(*of(file)->of, static_cast<std::size_t>(size));
        return SQLITE_OK;
    }

    static int sync(sqlite3_file* file, int)
    {
        int code = SQLITE_OK;
        if (!of(file)->disk->next_operation(code)) return code;
        memory_disk::file& to = *of(file)->of;
        to.pending.clear();
        to.replaced.clear();
        to.was_there = true;
        return SQLITE_OK;
    }

    static int file_size(sqlite3_file* file, sqlite3_int64* size)
    {
        *size = static_cast<sqlite3_int64>(of(file)->of->now.size());
        return SQLITE_OK;
    }

    static int lock(sqlite3_file* file, int wanted)
    {
        memory_file* mine = of(file);
        memory_disk::file& on = *mine->of;
        if (wanted <= mine->lock) return SQLITE_OK;
        const bool holds_shared = mine->lock >= SQLITE_LOCK_SHARED;
        const bool holds_reserved = mine->lock >= SQLITE_LOCK_RESERVED;
        if (on.exclusive) return SQLITE_BUSY;
        if (wanted >= SQLITE_LOCK_RESERVED && on.reserved && !holds_reserved) return SQLITE_BUSY;
        if (wanted == SQLITE_LOCK_EXCLUSIVE && on.shared > (holds_shared ? 1 : 0)) return SQLITE_BUSY;
        if (!holds_shared) ++on.shared;
        if (wanted >= SQLITE_LOCK_RESERVED) on.reserved = true;
        if (wanted == SQLITE_LOCK_EXCLUSIVE) on.exclusive = true;
        mine->lock = wanted;
        return SQLITE_OK;
    }

    static int unlock(sqlite3_file* file, int wanted)
    {
        memory_file* mine = of(file);
        memory_disk::file& on = *mine->of;
        if (wanted >= mine->lock) return SQLITE_OK;
        if (mine->lock == SQLITE_LOCK_EXCLUSIVE) on.exclusive = false;
        if (mine->lock >= SQLITE_LOCK_RESERVED) on.reserved = false;
        if (wanted == SQLITE_LOCK_NONE) --on.shared;
        mine->lock = wanted;
        return SQLITE_OK;
    }

    static int is_reserved(sqlite3_file* file, int* out)
    {
        *out = of(file)->of->reserved ? 1 : 0;
        return SQLITE_OK;
    }

    static int map_region(sqlite3_file* file, int number, int size, int extend, void volatile** out)
    {
        auto& regions = of(file)->of->regions;
        const auto at = static_cast<std::size_t>(number);
        *out = nullptr;
        if (at >= regions.size() && extend == 0) return SQLITE_OK;
        while (regions.size() <= at)
            regions.push_back(std::make_unique<char[]>(static_cast<std::size_t>(size)));
        *out = regions[at].get();
        return SQLITE_OK;
    }

    static int lock_region(sqlite3_file* file, int first, int count, int flags)
    {
        memory_file* mine = of(file);
        auto& locks = mine->of->region_locks;
        const unsigned mask = ((1u << count) - 1) << first;
        const bool alone = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
        for (int i = first; i < first + count; ++i) {
            int& lock = locks[static_cast<std::size_t>(i)];
            const unsigned bit = 1u << i;
            if ((flags & SQLITE_SHM_UNLOCK) != 0) {
                if ((mine->own_regions & bit) != 0) lock = 0;
                if ((mine->shared_regions & bit) != 0) --lock;
            } else if (alone) {
                if (lock != 0 && !(lock == 1 && (mine->shared_regions & bit) != 0)) return SQLITE_BUSY;
            } else if (lock < 0) {
                return SQLITE_BUSY;
            }
        }
        if ((flags & SQLITE_SHM_UNLOCK) != 0) {
            mine->own_regions &= ~mask;
            mine->shared_regions &= ~mask;
            return SQLITE_OK;
        }
        for (int i = first; i < first + count; ++i) {
            int& lock = locks[static_cast<std::size_t>(i)];
            const unsigned bit = 1u << i;
            if (alone) {
                lock = -1;
                mine->own_regions |= bit;
            } else if ((mine->shared_regions & bit) == 0) {
                ++lock;
                mine->shared_regions |= bit;
            }
        }
        return SQLITE_OK;
    }

    static int unmap_regions(sqlite3_file* file, int remove_all)
    {
        memory_file* mine = of(file);
        lock_region(file, 0, 8, SQLITE_SHM_UNLOCK);
        if (remove_all != 0) mine->of->regions.clear();
        return SQLITE_OK;
    }

    static const sqlite3_io_methods& methods()
    {
        static const sqlite3_io_methods all = [] {
            sqlite3_io_methods m{};
            m.iVersion = 2; // without memory-mapped reads
            m.xClose = close;
            m.xRead = read;
            m.xWrite = write_at;
            m.xTruncate = truncate;
            m.xSync = sync;
            m.xFileSize = file_size;
            m.xLock = lock;
            m.xUnlock = unlock;
            m.xCheckReservedLock = is_reserved;
            m.xFileControl = [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; };
            m.xSectorSize = [](sqlite3_file*) { return static_cast<int>(sector); };
            m.xDeviceCharacteristics = [](sqlite3_file*) { return 0; }; // promises nothing
            m.xShmMap = map_region;
            m.xShmLock = lock_region;
            m.xShmBarrier = [](sqlite3_file*) {};
            m.xShmUnmap = unmap_regions;
            return m;
        }();
        return all;
    }
};

memory_disk::memory_disk() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_)
{
    vfs_.zName = "memory";
    vfs_.pAppData = this;
    vfs_.szOsFile = static_cast<int>(sizeof(memory_file));
    vfs_.xOpen = calls::open;
    vfs_.xDelete = calls::remove;
    vfs_.xAccess = calls::access;
    vfs_.xFullPathname = calls::full_path;
    ROLLBOOK_ENSURE(sqlite3_vfs_register(&vfs_, 1) == SQLITE_OK);
}

memory_disk::~memory_disk()
{
    sqlite3_vfs_unregister(&vfs_);
}

bool memory_disk::next_operation(int& code)
{
    ++operations_;
    if (is_dying()) code = SQLITE_IOERR;
    if (operations_ == fails_at_) code = code_;
    return code == SQLITE_OK;
}

void memory_disk::put(file& to, std::size_t at, std::string_view bytes)
{
    const std::size_t size = to.now.size();
    const std::size_t over = at < size ? std::min(size - at, bytes.size()) : 0;
    to.replaced.append(to.now, over > 0 ? at : 0, over);
    to.pending.push_back({at, bytes.size(), size, false});
    if (at > size) to.now.resize(at);
    std::memcpy(to.now.data() + at, bytes.data(), over);
    to.now.append(bytes.substr(over));
}

void memory_disk::cut(file& to, std::size_t size)
{
    to.pending.push_back({size, 0, to.now.size(), true});
    if (size == 0 && to.replaced.empty())
        to.replaced.swap(to.now); // the log, each time the program ends
    else if (size < to.now.size())
        to.replaced.append(to.now, size);
    to.now.resize(size);
}

// Takes back what is pending, the newest first, and gives the bytes that each write wrote.
std::vector<std::string> memory_disk::take_back(file& of)
{
    std::vector<std::string> written(of.pending.size());
    for (std::size_t i = of.pending.size(); i-- > 0;) {
        const write& each = of.pending[i];
        if (!each.truncates) written[i] = of.now.substr(each.at, each.size);
        of.now.resize(each.size_before);
        const std::size_t end = each.truncates ? each.size_before : std::min(each.size_before, each.at + each.size);
        if (end <= each.at) continue;
        const std::size_t from = of.replaced.size() - (end - each.at);
        std::memcpy(of.now.data() + each.at, of.replaced.data() + from, end - each.at);
        of.replaced.resize(from);
    }
    return written;
}

void memory_disk::settle(file& of, dice& chance)
{
    const std::size_t mood = chance.below(5); // nothing, all, a beginning, any part, any part and torn
    const std::size_t beginning = chance.below(of.pending.size() + 1);
    const std::vector<std::string> written = take_back(of); // left is what was safe
    for (std::size_t i = 0; i < of.pending.size(); ++i) {
        const write& each = of.pending[i];
        const bool lands = mood == 1 || (mood == 2 && i < beginning) || (mood > 2 && chance.one_in(2));
        const std::size_t size =
            mood == 4 ? std::min(each.size, chance.below(each.size / sector + 1) * sector) : each.size;
        if (lands && each.truncates) of.now.resize(each.at);
        if (lands && size > 0) {
            of.now.resize(std::max(of.now.size(), each.at + size));
            std::memcpy(of.now.data() + each.at, written[i].data(), size);
        }
    }
    // What was deleted may be there again, and what was made and never synced may not.
    of.exists = (of.was_there || !of.now.empty()) && (of.exists || chance.one_in(2));
    if (!of.exists) of.now.clear();
    of.pending.clear();
    of.replaced.clear();
    of.was_there = of.exists;
}

void memory_disk::recover(bool power, dice& chance)
{
    for (auto& [path, each] : files_) {
        each.regions.clear();
        each.region_locks = {};
        each.shared = 0;
        each.reserved = each.exclusive = false;
        if (power) settle(each, chance);
    }
    dies_at_ = fails_at_ = 0;
}

void memory_disk::add(const std::string& path, std::string bytes)
{
    file& made = files_[path];
    made.now = std::move(bytes);
    made.exists = made.was_there = true;
}

} // namespace rollbook::simulation
