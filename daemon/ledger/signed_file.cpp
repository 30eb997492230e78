#include "daemon/ledger/signed_file.hpp"

#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace rollbook {

std::filesystem::path signed_file(const std::filesystem::path& ledger)
{
    return ledger.string() + ".signed";
}

std::optional<std::string> read_signed(const std::filesystem::path& ledger)
{
    std::ifstream in(signed_file(ledger), std::ios::binary);
    if (!in) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

void write_signed(const std::filesystem::path& ledger, std::string_view note) noexcept
{
    const std::string path = signed_file(ledger).string();
    const std::string fresh = path + ".new";
    const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return;
    const bool written =
        ::write(file, note.data(), note.size()) == static_cast<ssize_t>(note.size()) && ::fdatasync(file) == 0;
    ::close(file);
    if (!written || std::rename(fresh.c_str(), path.c_str()) != 0) ::unlink(fresh.c_str());
}

} // namespace rollbook
