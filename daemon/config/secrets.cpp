#include "daemon/ports/secrets.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rollbook {
namespace {

constexpr std::size_t secret_bytes_max = 64 * 1024;

class open_file {
public:
    // O_NONBLOCK: a pipe under this name must not stop the daemon.
    explicit open_file(const std::filesystem::path& path)
        : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY))
    {
    }
    ~open_file()
    {
        if (number_ >= 0) ::close(number_);
    }
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;

    bool is_open() const { return number_ >= 0; }
    int number() const { return number_; }

private:
    int number_;
};

failure refused(std::string what, std::string to_do)
{
    return failure(errc::configuration_invalid, std::move(what), std::move(to_do));
}

result<std::string> without_line_end(std::string text, const std::string& shown)
{
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    if (text.find_first_not_of(" \t\r\n") == text.npos) return refused(shown + " is empty", "Put the secret there.");
    return text;
}

result<std::string> read_whole(const open_file& file, const std::string& shown)
{
    // One byte more than allowed tells a secret of just that size from a longer one.
    std::string out(secret_bytes_max + 1, '\0');
    std::size_t held = 0;
    while (held < out.size()) {
        const ssize_t got = ::read(file.number(), out.data() + held, out.size() - held);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return refused(shown + " cannot be read: " + std::strerror(errno), "See that this user may read it.");
        if (got == 0) break;
        held += static_cast<std::size_t>(got);
    }
    if (held > secret_bytes_max)
        return refused(shown + " is larger than 64 KiB", "Name the file that holds the secret and nothing else.");
    out.resize(held);
    return without_line_end(std::move(out), shown);
}

// `private_to_owner`: whether the file's own permissions must keep others out. They are looked at on the open file, so
// that it cannot be swapped in between.
result<std::string> read_file(const std::filesystem::path& path, const std::string& shown, bool private_to_owner)
{
    const open_file file(path);
    if (!file.is_open())
        return refused(
            shown + " cannot be opened: " + std::strerror(errno),
            "Put it there, or back from the recovery sheet, readable by the user that runs Rollbook."
        );
    struct stat about = {};
    if (::fstat(file.number(), &about) != 0 || !S_ISREG(about.st_mode))
        return refused(shown + " is not a file", "Name a regular file that holds the secret.");
    if (private_to_owner && (about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return refused(shown + " is open to other users", "chmod 600 " + path.string());
    return read_whole(file, shown);
}

result<std::string> read_environment(const std::string& name)
{
    const char* value = std::getenv(name.c_str());
    const std::string shown = "the secret in the environment variable " + name;
    if (value == nullptr) return refused(shown + " is not set", "Set it for the user that runs Rollbook.");
    return without_line_end(value, shown);
}

result<std::string> read_credential(const std::string& name)
{
    const std::string shown = "the systemd credential " + name;
    if (name.empty() || name.find('/') != name.npos || name == "." || name == "..")
        return refused(
            shown + " is not a credential's name", "Write the name given to LoadCredential=, without a path."
        );
    const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
    if (folder == nullptr)
        return refused(
            shown + " cannot be read: CREDENTIALS_DIRECTORY is not set",
            "Run under systemd with LoadCredential=" + name +
                ":FILE in the unit; by hand, systemd-run --pipe --wait -p User=rollbook -p "
                "LoadCredential=secret:/etc/rollbook/credentials rollbook COMMAND."
        );
    // systemd keeps others out of its folder, and shows an access list as group rights.
    return read_file(std::filesystem::path(folder) / name, shown, false);
}

} // namespace

result<std::string> read_secret(const secret_reference& reference, const std::filesystem::path& base)
{
    switch (reference.kind) {
    case secret_reference::from::file: {
        const std::filesystem::path path = base / reference.name;
        return read_file(path, "the secret file " + path.string(), true);
    }
    case secret_reference::from::environment: return read_environment(reference.name);
    case secret_reference::from::credential: return read_credential(reference.name);
    }
    return refused("a secret of an unknown kind", "Use file, env or credential.");
}

} // namespace rollbook
