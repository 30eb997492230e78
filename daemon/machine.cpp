#include "daemon/machine.hpp"

#include "daemon/base/certificate.hpp"
#include "daemon/upkeep.hpp"

#include <fmt/format.h>

#include <algorithm>
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
    // The unit's ProtectClock= does not let us ask.
    if (::adjtimex(&state) < 0) return std::nullopt;
    return (state.status & STA_UNSYNC) == 0;
}

// systemd-timesyncd's folder is there while it runs, and the file in it is touched whenever the clock was set
// (systemd-timesyncd.service(8)).
std::optional<instant> clock_set_at()
{
    const fs::path folder = "/run/systemd/timesync";
    struct stat about {};
    if (::stat((folder / "synchronized").c_str(), &about) != 0 && ::stat(folder.c_str(), &about) != 0)
        return std::nullopt;
    return instant(std::chrono::seconds(about.st_mtim.tv_sec));
}

} // namespace

machine_facts facts_of_machine(const configuration& settings, std::optional<instant> newest_entry, instant now)
{
    machine_facts facts;
    facts.now = now;
    facts.newest_entry = newest_entry;
    facts.backups = standing_of_backups(settings, now);
    facts.clock_kept = is_clock_kept();
    facts.clock_set = clock_set_at();
    const fs::path folder = settings.ledger.path.parent_path();
    std::error_code failed;
    const fs::space_info space = fs::space(folder, failed);
    if (!failed) {
        facts.disk_free = space.available;
        facts.disk_size = space.capacity;
    }
    facts.disk_encrypted = is_encrypted_folder(folder);
    std::ifstream certificate(settings.web.certificate);
    facts.certificate_ends = certificate_ends(std::string(std::istreambuf_iterator<char>(certificate), {}));
    return facts;
}

namespace {

// The owner of a folder where root runs this and the folder is somebody else's.
std::optional<struct stat> other_owner_of(const fs::path& folder)
{
    struct stat about {};
    if (::geteuid() != 0 || ::stat(folder.c_str(), &about) != 0 || about.st_uid == 0) return std::nullopt;
    return about;
}

bool take_groups_of(const struct stat& owner)
{
    const passwd* user = ::getpwuid(owner.st_uid);
    return (user ? ::initgroups(user->pw_name, owner.st_gid) : ::setgroups(0, nullptr)) == 0;
}

failure cannot_work_as(const struct stat& owner)
{
    const std::string why = std::strerror(errno);
    const passwd* user = ::getpwuid(owner.st_uid);
    return failure(
        errc::usage,
        "cannot work as the owner of the ledger's folder: " + why,
        fmt::format("Run the command as user {}.", user ? user->pw_name : std::to_string(owner.st_uid))
    );
}

// Root again, with the groups it had. To go on as half of another user would be a bug.
class root_again {
public:
    root_again()
    {
        groups_.resize(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
        ROLLBOOK_ENSURE(::getgroups(static_cast<int>(groups_.size()), groups_.data()) >= 0);
    }
    ~root_again()
    {
        const bool is_back =
            ::seteuid(0) == 0 && ::setegid(group_) == 0 && ::setgroups(groups_.size(), groups_.data()) == 0;
        ROLLBOOK_ENSURE(is_back);
    }
    root_again(const root_again&) = delete;
    root_again& operator=(const root_again&) = delete;

private:
    gid_t group_ = ::getegid();
    std::vector<gid_t> groups_;
};

} // namespace

result<void> work_as_owner(const fs::path& ledger)
{
    const auto owner = other_owner_of(ledger.parent_path());
    if (!owner || (take_groups_of(*owner) && ::setgid(owner->st_gid) == 0 && ::setuid(owner->st_uid) == 0)) return {};
    return cannot_work_as(*owner);
}

result<void> as_owner_of(const fs::path& folder, const std::function<void()>& work)
{
    if (const auto owner = other_owner_of(folder)) {
        const root_again afterwards;
        if (!take_groups_of(*owner) || ::setegid(owner->st_gid) != 0 || ::seteuid(owner->st_uid) != 0)
            return cannot_work_as(*owner);
        work();
    } else {
        work();
    }
    return {};
}

} // namespace rollbook
