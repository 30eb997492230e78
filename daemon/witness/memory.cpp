#include "daemon/witness/memory.hpp"

#include "daemon/base/durable.hpp"
#include "daemon/base/random.hpp"
#include "daemon/base/sha256.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rollbook::witness {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view log_prefix = "log-";
constexpr std::size_t file_bytes_max = 64 * 1024;
constexpr std::size_t keys_max = 16;

failure wrong(std::string what, std::string to_do)
{
    return failure(errc::usage, std::move(what), std::move(to_do));
}

failure damaged(const fs::path& file)
{
    return failure(
        errc::ledger_in_doubt,
        file.string() + " is damaged",
        "Restore it from a copy. Do not remove it: a witness that forgets can be shown another history."
    );
}

result<void> made_durable(const fs::path& folder)
{
    if (sync_folder(folder)) return {};
    return failure(errc::ledger_in_doubt, folder.string() + " cannot be synced", "Check the disk.");
}

// The whole file or the old one, on the disk when this returns.
result<void> write_whole(const fs::path& file, std::string_view text, mode_t mode)
{
    const fs::path scratch = file.string() + ".new";
    const int out = ::open(scratch.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    const bool written = out >= 0 && ::fchmod(out, mode) == 0 &&
                         ::write(out, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                         ::fsync(out) == 0;
    const int why = errno;
    if (out >= 0) ::close(out);
    if (!written || ::rename(scratch.c_str(), file.c_str()) != 0)
        return failure(
            errc::ledger_in_doubt,
            file.string() + " cannot be written: " + std::strerror(written ? errno : why),
            "Check the folder's permissions and free space; nothing was signed."
        );
    return made_durable(file.parent_path());
}

std::optional<std::vector<std::string>> lines_in(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary);
    std::string text(file_bytes_max, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!in.eof()) return std::nullopt; // not there, or too large
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (!text.ends_with('\n')) return std::nullopt;
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

// "log VKEY" lines, "size N", "root BASE64".
std::string text_of(const seen_log& log)
{
    std::string text;
    for (const verifier_key& key : log.keys)
        text += "log " + format_vkey(key) + "\n";
    text += "size ";
    append_decimal(text, log.size);
    text += "\nroot " + to_base64(log.root) + "\n";
    return text;
}

std::optional<seen_log> parse_log(const std::vector<std::string>& lines)
{
    if (lines.size() < 3 || lines.size() > keys_max + 2) return std::nullopt;
    seen_log log;
    for (std::size_t i = 0; i + 2 < lines.size(); ++i) {
        if (!lines[i].starts_with("log ")) return std::nullopt;
        auto key = parse_vkey(std::string_view(lines[i]).substr(4));
        if (!key || key->kind != key_kind::log) return std::nullopt;
        if (i > 0 && key->name != log.origin()) return std::nullopt;
        log.keys.push_back(std::move(*key));
    }
    const std::string_view size = lines[lines.size() - 2];
    const std::string_view root = lines.back();
    if (!size.starts_with("size ") || !root.starts_with("root ")) return std::nullopt;
    const auto number = parse_decimal(size.substr(5));
    const auto value = hash_from_base64(root.substr(5));
    if (!number || !value) return std::nullopt;
    log.size = *number;
    log.root = *value;
    return log;
}

fs::path file_of(const fs::path& folder, const std::string& origin)
{
    const hash digest = sha256_stream().add(origin).finish();
    return folder / (std::string(log_prefix) + to_hex(bytes_view(digest).first(8)));
}

} // namespace

result<std::string> memory::make(const fs::path& folder, const std::string& name)
{
    if (!is_valid_key_name(name))
        return wrong("--name is not a name", "Give one like auditor.example/witness-1, without spaces and '+'.");
    std::error_code failed;
    fs::create_directories(folder, failed);
    const fs::path file = folder / "witness.key";
    if (fs::exists(file, failed))
        return wrong(file.string() + " is there already", "A witness is never overwritten; name another folder.");
    hash seed{};
    random_bytes(seed);
    const std::string vkey = format_vkey(signing_key(name, key_kind::witness, seed).verifier());
    const result<void> kept = write_whole(file, name + "\n" + to_base64(seed) + "\n", 0600);
    wipe(seed);
    if (!kept) return kept.error();
    const result<void> published = write_whole(folder / "witness.vkey", vkey + "\n", 0644);
    if (!published) return published.error();
    return vkey;
}

result<std::unique_ptr<memory>> memory::open(const fs::path& folder)
{
    const fs::path file = folder / "witness.key";
    struct stat about {};
    if (::stat(file.c_str(), &about) != 0)
        return wrong(
            "there is no witness in " + folder.string(), "Make one with `rollbook-witness init DIR --name NAME`."
        );
    if ((about.st_mode & 077) != 0)
        return wrong(file.string() + " may be read by others", "Run `chmod 600 " + file.string() + "`.");
    const int lock = ::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0 || ::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        if (lock >= 0) ::close(lock);
        return wrong("the witness in " + folder.string() + " is in use", "Wait until the other process has ended.");
    }
    std::unique_ptr<memory> opened(new memory(folder, lock));
    const auto lines = lines_in(file);
    auto seed = lines && lines->size() == 2 ? hash_from_base64(lines->back()) : std::nullopt;
    if (!seed || !is_valid_key_name(lines->front())) return damaged(file);
    opened->key_ = std::make_unique<signing_key>(lines->front(), key_kind::witness, *seed);
    wipe(*seed);
    const result<void> read = opened->read_logs();
    if (!read) return read.error();
    return opened;
}

memory::~memory()
{
    ::close(lock_);
}

result<void> memory::read_logs()
{
    for (const auto& each : fs::directory_iterator(folder_)) {
        const std::string name = each.path().filename().string();
        if (!name.starts_with(log_prefix) || name.ends_with(".new")) continue;
        const auto lines = lines_in(each.path());
        auto log = lines ? parse_log(*lines) : std::nullopt;
        if (!log || file_of(folder_, log->origin()) != each.path()) return damaged(each.path());
        logs_.push_back(std::move(*log));
    }
    return {};
}

result<void> memory::store(const seen_log& log) const
{
    return write_whole(file_of(folder_, log.origin()), text_of(log), 0600);
}

result<void> memory::add(std::string_view vkey)
{
    auto key = parse_vkey(vkey);
    if (!key) return wrong(key.error().what, key.error().to_do);
    if (key->kind != key_kind::log)
        return wrong("that is a witness's key", "Give the key that `rollbook init` printed.");
    const auto known = std::ranges::find(logs_, key->name, &seen_log::origin);
    seen_log log = known == logs_.end() ? seen_log() : *known;
    if (std::ranges::find(log.keys, *key) != log.keys.end()) return {};
    if (log.keys.size() == keys_max) return wrong("the log has too many keys", "Make a new witness for it.");
    log.keys.push_back(std::move(*key));
    const result<void> kept = store(log);
    if (!kept) return kept;
    if (known == logs_.end())
        logs_.push_back(std::move(log));
    else
        *known = std::move(log);
    return {};
}

result<memory::answer> memory::answer_to(std::string_view request, std::uint64_t posix_seconds)
{
    verdict said = judge(request, logs_);
    if (!said.next) return answer{said.code, std::move(said.body), std::move(said.why)};
    const auto log = std::ranges::find(logs_, said.next->origin, &seen_log::origin);
    seen_log next = *log;
    next.size = said.next->size;
    next.root = said.next->root;
    // Stored before it is signed: what is signed and forgotten could be signed again for another history.
    const result<void> kept = store(next);
    if (!kept) return kept.error();
    *log = std::move(next);
    return answer{status::signs, key_->cosign(said.text, posix_seconds), {}};
}

} // namespace rollbook::witness
