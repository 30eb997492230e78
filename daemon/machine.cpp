#include "daemon/machine.hpp"

#include "daemon/base/certificate.hpp"
#include "daemon/upkeep.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <unistd.h>

namespace rollbook {
namespace {

namespace fs = std::filesystem;

// Whether a block device, or every one below it, is a LUKS or other dm-crypt volume. Empty: it has no name in /sys, as
// in a container.
std::optional<bool> is_encrypted(const fs::path& device)
{
    std::error_code failed;
    std::ifstream in(device / "dm" / "uuid");
    std::string uuid;
    if (std::getline(in, uuid) && uuid.starts_with("CRYPT-")) return true;
    if (!fs::exists(device, failed)) return std::nullopt;
    bool any = false;
    for (const auto& below : fs::directory_iterator(device / "slaves", failed)) {
        any = true;
        if (is_encrypted(below.path()) != true) return false;
    }
    return any;
}

std::optional<bool> is_encrypted_folder(const fs::path& folder)
{
    struct stat about {};
    if (::stat(folder.c_str(), &about) != 0) return std::nullopt;
    return is_encrypted(fmt::format("/sys/dev/block/{}:{}", major(about.st_dev), minor(about.st_dev)));
}

std::optional<bool> is_clock_kept()
{
    timex state{};
    // Not allowed in some sandboxes: then nobody knows.
    if (::adjtimex(&state) < 0) return std::nullopt;
    return (state.status & STA_UNSYNC) == 0;
}

} // namespace

machine_facts facts_of_machine(const configuration& settings, std::optional<instant> newest_entry, instant now)
{
    machine_facts facts;
    facts.now = now;
    facts.newest_entry = newest_entry;
    facts.backups = standing_of_backups(settings, now);
    facts.clock_kept = is_clock_kept();
    const fs::path folder = settings.ledger.path.parent_path();
    std::error_code failed;
    const fs::space_info space = fs::space(folder, failed);
    if (!failed) {
        facts.disk_free = space.available;
        facts.disk_size = space.capacity;
    }
    facts.disk_encrypted = is_encrypted_folder(folder);
    if (!settings.web.certificate.empty()) facts.certificate_ends = certificate_ends(settings.web.certificate);
    return facts;
}

result<void> work_as_owner(const fs::path& ledger)
{
    struct stat about {};
    if (::geteuid() != 0 || ::stat(ledger.parent_path().c_str(), &about) != 0 || about.st_uid == 0) return {};
    const passwd* user = ::getpwuid(about.st_uid);
    const bool changed = (user ? ::initgroups(user->pw_name, about.st_gid) : ::setgroups(0, nullptr)) == 0 &&
                         ::setgid(about.st_gid) == 0 && ::setuid(about.st_uid) == 0;
    if (changed) return {};
    return failure(
        errc::usage,
        std::string("cannot work as the owner of the ledger's folder: ") + std::strerror(errno),
        fmt::format("Run the command as user {}.", user ? user->pw_name : std::to_string(about.st_uid))
    );
}

} // namespace rollbook
