#include "daemon/ledger/export_folder.hpp"

#include "daemon/base/durable.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace rollbook {
namespace {

// So many files wait for the disk together: a sync of each would take minutes for a year.
constexpr std::size_t waiting_max = 2'000;
constexpr std::size_t written_at_once = 256 * 1024;
constexpr std::string_view scratch_prefix = ".writing-";

std::string three_digits(std::uint64_t n)
{
    std::string text = std::to_string(1000 + n % 1000);
    return text.substr(1);
}

// A descriptor that is closed with its owner.
struct open_file {
    int number;
    ~open_file()
    {
        if (number >= 0) ::close(number);
    }
};

} // namespace

std::string tile_number(std::uint64_t n)
{
    std::string text = three_digits(n);
    for (n /= 1000; n > 0; n /= 1000)
        text.insert(0, "x" + three_digits(n) + "/");
    return text;
}

std::string tile_path(std::string_view level, std::uint64_t n, std::size_t width)
{
    std::string path = "tile/" + std::string(level) + "/" + tile_number(n);
    if (width < 256) path += ".p/" + std::to_string(width);
    return path;
}

result<export_folder> export_folder::open(std::filesystem::path folder)
{
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (handle < 0)
        return failure(
            errc::usage,
            "the folder " + folder.string() + " cannot be used: " + (failed ? failed.message() : std::strerror(errno)),
            "Name a folder that can be made and written."
        );
    // What an export that was killed had not finished.
    for (const auto& each : std::filesystem::directory_iterator(folder, failed))
        if (each.path().filename().string().starts_with(scratch_prefix)) std::filesystem::remove(each.path(), failed);
    return export_folder(std::move(folder), handle);
}

export_folder::export_folder(export_folder&& other) noexcept
    : folder_(std::move(other.folder_)), handle_(std::exchange(other.handle_, -1)), scratch_(other.scratch_),
      waiting_(std::move(other.waiting_))
{
    other.waiting_.clear();
}

export_folder::~export_folder()
{
    for (const auto& [has, gets] : waiting_)
        ::unlinkat(handle_, has.c_str(), 0);
    if (handle_ >= 0) ::close(handle_);
}

void export_folder::refuse(std::string_view path, std::string_view what, int why) const
{
    throw failure_error(failure(
        errc::usage,
        (folder_ / path).string() + " " + std::string(what) + ": " + std::strerror(why),
        "Check the folder's permissions and free space; what was there before is as it was."
    ));
}

std::optional<std::string> export_folder::read(const std::string& path, std::size_t bytes_max) const
{
    const open_file file{::openat(handle_, path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.number < 0 && errno == ENOENT) return std::nullopt;
    if (file.number < 0) refuse(path, "cannot be read", errno);
    std::string bytes(bytes_max, '\0');
    std::size_t have = 0;
    while (have < bytes_max) {
        const ssize_t n = ::read(file.number, bytes.data() + have, bytes_max - have);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) refuse(path, "cannot be read", errno);
        if (n == 0) break;
        have += static_cast<std::size_t>(n);
    }
    bytes.resize(have);
    return bytes;
}

bool export_folder::put_tile(const std::string& path, std::string_view bytes)
{
    const auto held = read(path, bytes.size() + 1);
    if (held && *held == bytes) return false;
    if (held && held->size() >= bytes.size())
        throw failure_error(failure(
            errc::ledger_in_doubt,
            (folder_ / path).string() + " differs from the ledger, and tiles never change: one of the two was changed",
            "Keep both as they are. Run `rollbook ledger verify` with the export's checkpoint, and export to a new "
            "folder if the ledger is in order."
        ));
    put(path, bytes);
    return true;
}

void export_folder::put(const std::string& path, std::string_view bytes)
{
    put(path, [&](const sink& write) { write(bytes); });
}

void export_folder::put(const std::string& path, const std::function<void(const sink& write)>& writer)
{
    const std::string name =
        std::string(scratch_prefix) + std::to_string(::getpid()) + "-" + std::to_string(scratch_++);
    const open_file file{::openat(handle_, name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
    if (file.number < 0) refuse(path, "cannot be written", errno);
    waiting_.emplace_back(name, path);
    std::string buffer;
    const auto flush = [&] {
        if (!write_all(file.number, buffer)) refuse(path, "cannot be written", errno);
        buffer.clear();
    };
    writer([&](std::string_view bytes) {
        buffer += bytes;
        if (buffer.size() >= written_at_once) flush();
    });
    flush();
    if (waiting_.size() >= waiting_max) settle();
}

void export_folder::settle()
{
    if (waiting_.empty()) return;
    if (::syncfs(handle_) != 0) refuse("", "cannot be synced", errno);
    for (const auto& [has, gets] : waiting_) {
        std::error_code failed;
        std::filesystem::create_directories((folder_ / gets).parent_path(), failed);
        if (::renameat(handle_, has.c_str(), handle_, gets.c_str()) != 0) refuse(gets, "cannot be written", errno);
    }
    waiting_.clear();
    if (::syncfs(handle_) != 0) refuse("", "cannot be synced", errno);
}

} // namespace rollbook
