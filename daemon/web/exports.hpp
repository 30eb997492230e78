#pragma once

#include "daemon/base/bytes.hpp"
#include "daemon/base/time.hpp"
#include "daemon/ports/export_preview.hpp"
#include "daemon/web/sessions.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace rollbook {

// An export file that somebody sent and has not yet said of whether it is to be read. Its folder goes with it, or
// before: a page that is just being made may hold this for longer.
struct waiting_export {
    std::filesystem::path folder; // holds the one file
    std::string key;              // names it in a form
    std::string source;
    std::string shape; // of the mapping that it was looked through with
    std::uint64_t bytes = 0;
    instant until{}; // on the daemon's clock; it is forgotten then
    steady_moment until_steady{};
    export_preview found;
    std::optional<failure> why; // it cannot be read

    explicit waiting_export(std::filesystem::path where) : folder(std::move(where)) {}
    ~waiting_export() { remove(); }
    waiting_export(const waiting_export&) = delete;
    waiting_export& operator=(const waiting_export&) = delete;
    void remove() const;
    std::filesystem::path file() const { return folder / export_file_name; }
    bool can_be_added() const { return !why && !found.was_read_before && found.rows > found.rows_aside; }
};

// The exports that wait for a word, one of each user. A file is removed when another takes its place, when it is added
// or thrown away, after half an hour, and with the next start of the daemon.
class waiting_exports {
public:
    // What an earlier run left in `root` is removed.
    explicit waiting_exports(std::filesystem::path root);

    // A folder of its own that only the daemon may look into. Fails with usage: it cannot be made, or too many wait.
    result<std::shared_ptr<waiting_export>> begin(const std::string& user);
    void keep(const std::string& user, std::shared_ptr<const waiting_export> value);
    std::shared_ptr<const waiting_export> of(const std::string& user) const;
    // Takes it out; its file is then the caller's to remove.
    std::shared_ptr<const waiting_export> take(const std::string& user);
    void drop(const std::string& user);
    // Forgets those whose time is over, and says when to look again.
    std::optional<steady_moment> forget(steady_moment now);

private:
    const std::filesystem::path root_;
    std::uint64_t begun_ = 0;
    std::map<std::string, std::shared_ptr<const waiting_export>> held_;
};

inline constexpr std::chrono::minutes export_wait_max{30};
inline constexpr std::uint64_t export_bytes_max = std::uint64_t{64} << 20;

} // namespace rollbook
