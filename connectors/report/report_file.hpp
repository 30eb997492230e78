#pragma once

#include "connectors/report/row_source.hpp"
#include "daemon/base/bytes.hpp"
#include "daemon/base/time.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace rollbook {

// One file of a report folder, as the folder lists it.
struct listed_file {
    std::string name;
    std::uint64_t bytes = 0;
    std::uint64_t inode = 0;
    instant time{}; // of its last change

    bool operator==(const listed_file&) const = default;
};

// The regular files of the folder whose names fit the pattern (shell style), oldest first. Links and folders are left
// out. Fails with source_misconfigured when the folder cannot be read or holds too many files.
result<std::vector<listed_file>> list_files(const std::filesystem::path& folder, const std::string& pattern);

// Whether a file has been still for so long. `now` is the daemon's clock and `machine_now` that of the machine, by
// which files are stamped; they differ in a simulation, and the one that the stamp fits counts. `first_seen`: when the
// file was first seen as it is, by the machine's clock; it counts for stamps that lie ahead of both.
bool is_still(
    const listed_file& file, std::chrono::milliseconds settle, instant now, instant machine_now, instant first_seen
);

// An open file.
class report_file final : public byte_source {
public:
    // Fails with source_misconfigured when it cannot be read, and with source_unreachable when it is no longer the one
    // that was listed.
    static result<std::unique_ptr<report_file>> open(const std::filesystem::path& folder, const listed_file& listed);
    ~report_file() override;
    report_file(const report_file&) = delete;
    report_file& operator=(const report_file&) = delete;

    result<std::size_t> read(std::span<char> into) override;
    void rewind() { offset_ = 0; }
    int descriptor() const { return descriptor_; }
    // SHA-256 of all its bytes.
    result<hash> digest();
    // Whether its size and time are still those that were listed.
    bool is_unchanged() const;

private:
    report_file(int descriptor, listed_file listed) : descriptor_(descriptor), listed_(std::move(listed)) {}

    int descriptor_;
    listed_file listed_;
    std::uint64_t offset_ = 0;
};

inline constexpr std::uint64_t file_bytes_max = std::uint64_t{1} << 30;
inline constexpr std::size_t files_max = 10'000;

} // namespace rollbook
