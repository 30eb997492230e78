#include "daemon/web/bundle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <vector>

namespace rollbook {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t block_size = 512;
constexpr std::size_t part_size = 64 * 1024;

std::uint64_t in_whole_blocks(std::uint64_t size)
{
    return (size + block_size - 1) / block_size * block_size;
}

// IEEE Std 1003.1, pax, "ustar Interchange Format".
std::string ustar_header(const std::string& name, std::uint64_t size)
{
    std::string block(block_size, '\0');
    const auto put = [&](std::size_t at, std::string_view text) { block.replace(at, text.size(), text); };
    put(0, name);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124, fmt::format("{:011o}", size));
    put(136, "00000000000");
    put(148, "        ");
    put(156, "0");
    put(257, std::string_view("ustar\00000", 8));
    std::uint32_t sum = 0;
    for (const char c : block)
        sum += static_cast<unsigned char>(c);
    put(148, fmt::format("{:06o}", sum));
    block[154] = '\0';
    return block;
}

class tar_of_folder final : public web_stream {
public:
    struct file {
        fs::path path;
        std::string name;
        std::uint64_t size = 0;
    };

    tar_of_folder(fs::path folder, std::vector<file> files) : folder_(std::move(folder)), files_(std::move(files)) {}
    ~tar_of_folder() override
    {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }

    std::uint64_t size() const override
    {
        std::uint64_t sum = 2 * block_size;
        for (const file& each : files_)
            sum += block_size + in_whole_blocks(each.size);
        return sum;
    }

    std::string next() override
    {
        std::string part;
        while (part.size() < part_size && at_ < files_.size()) {
            const file& one = files_[at_];
            if (!open_.is_open()) {
                open_.open(one.path, std::ios::binary);
                part += ustar_header(one.name, one.size);
                left_ = one.size;
            }
            const std::size_t before = part.size();
            part.resize(before + std::min<std::uint64_t>(left_, part_size));
            open_.read(part.data() + before, static_cast<std::streamsize>(part.size() - before));
            if (static_cast<std::size_t>(open_.gcount()) != part.size() - before)
                throw failure_error(failure(errc::usage, "a file of the bundle is no longer there", "Ask for it again.")
                );
            left_ -= part.size() - before;
            if (left_ > 0) continue;
            part.append(in_whole_blocks(one.size) - one.size, '\0');
            open_.close();
            open_.clear();
            ++at_;
        }
        if (at_ == files_.size() && !has_ended_) {
            part.append(2 * block_size, '\0');
            has_ended_ = true;
        }
        return part;
    }

private:
    fs::path folder_;
    std::vector<file> files_;
    std::size_t at_ = 0;
    std::ifstream open_;
    std::uint64_t left_ = 0;
    bool has_ended_ = false;
};

} // namespace

result<std::shared_ptr<web_stream>> make_tar(const fs::path& folder, const std::string& prefix)
{
    constexpr std::size_t name_max = 99;
    constexpr std::uint64_t size_max = 077777777777;
    std::vector<tar_of_folder::file> files;
    std::error_code failed;
    for (fs::recursive_directory_iterator each(folder, failed), end; !failed && each != end; each.increment(failed)) {
        if (!each->is_regular_file(failed)) continue;
        files.push_back(
            {each->path(), prefix + "/" + each->path().lexically_relative(folder).string(), each->file_size(failed)}
        );
        if (files.back().name.size() > name_max || files.back().size > size_max)
            return failure(
                errc::usage, "the bundle has a file that its format cannot hold", "Use `rollbook ledger export`."
            );
    }
    if (failed) return failure(errc::usage, "the bundle cannot be read: " + failed.message(), "Try again.");
    std::ranges::sort(files, {}, &tar_of_folder::file::name);
    return std::shared_ptr<web_stream>(std::make_shared<tar_of_folder>(folder, std::move(files)));
}

} // namespace rollbook
