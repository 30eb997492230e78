#pragma once

#include "daemon/base/bytes.hpp"
#include "daemon/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rollbook {

// "x001/x234/067": how a C2SP tlog-tiles path writes number n.
std::string tile_number(std::uint64_t n);
// "tile/1/x001/067", or "tile/entries/000.p/7" for the first `width` of a tile that is not full.
std::string tile_path(std::string_view level, std::uint64_t n, std::size_t width);

// A folder that files are put into whole: what a crash or a power cut leaves is each file as it was, or as it should
// be. Files are written under another name and get their own when their bytes have reached the disk, many at a time.
class export_folder {
public:
    // Makes the folder where it is not there. Fails with usage.
    static result<export_folder> open(std::filesystem::path folder);
    export_folder(export_folder&& other) noexcept;
    export_folder& operator=(export_folder&&) = delete;
    ~export_folder(); // removes what was not settled

    // The bytes of a file that is there, if it is; one of more than `bytes_max` is cut. Throws failure_error.
    std::optional<std::string> read(const std::string& path, std::size_t bytes_max) const;
    // Puts a file of a tile, which never changes once it is there: an equal one is left alone (false), one of other
    // bytes is refused with ledger_in_doubt, one that is too short is the rest of an accident and replaced.
    bool put_tile(const std::string& path, std::string_view bytes);
    // Puts a file, whatever stands there; with the second, bit by bit. Throws failure_error.
    void put(const std::string& path, std::string_view bytes);
    using sink = std::function<void(std::string_view bytes)>;
    void put(const std::string& path, const std::function<void(const sink& write)>& writer);

    // Gives every file put so far its name, when all of them are safe on the disk.
    void settle();

private:
    explicit export_folder(std::filesystem::path folder, int handle) : folder_(std::move(folder)), handle_(handle) {}
    [[noreturn]] void refuse(std::string_view path, std::string_view what, int why) const;

    std::filesystem::path folder_;
    int handle_ = -1;
    std::uint64_t scratch_ = 0;
    std::vector<std::pair<std::string, std::string>> waiting_; // the name it has, the name it gets
};

} // namespace rollbook
