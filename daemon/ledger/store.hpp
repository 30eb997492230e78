#pragma once

#include "daemon/base/signed_note.hpp"
#include "daemon/ledger/side_work.hpp"
#include "daemon/ports/ledger.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace rollbook {

// What a new ledger is told of itself.
struct ledger_birth {
    std::string origin;
    bool simulated = false;
    instant at{};
};

// Refuses a place that has a ledger, or what was signed of one that is gone: a new one there would be a second history.
// Fails with ledger_in_doubt.
result<void> check_no_ledger(const std::filesystem::path& path);

// Makes the file, its tables and the first entry, where check_no_ledger() allows it. Fails with ledger_in_doubt.
result<void> create_ledger(const std::filesystem::path& path, const ledger_birth& birth, const signing_key& key);

// Opens the ledger for writing and restores the tree's right edge. What is checked then: that it is a ledger of a
// schema this program knows, that the newest checkpoint is signed by the chain's key in force and has the root that the
// entries give at its size, and that nothing of what the checkpoint beside the ledger covers is lost. Everything else
// is `ledger verify`'s. The register is read when state() is first asked for. Fails with ledger_in_doubt. `key` must
// outlive the ledger. The caller holds the writer's lock (ledger_lock).
result<std::unique_ptr<ledger>> open_ledger(const std::filesystem::path& path, const signing_key& key);

// The same where the ledger may have changed its key: `keys` are all that are at hand, of which the ledger's newest
// must be one. While a change is young the former one signs as well. The keys must outlive the ledger. begin_commit()
// writes by `beside`; without it, at once.
result<std::unique_ptr<ledger>> open_ledger(
    const std::filesystem::path& path,
    const std::vector<const signing_key*>& keys,
    std::unique_ptr<side_work> beside = nullptr
);

// The one writer's lock beside the ledger: `<ledger>.lock`, held as long as the object lives and freed by the kernel
// when the process dies.
class ledger_lock {
public:
    // Fails with ledger_in_doubt, naming the process that holds it.
    static result<std::unique_ptr<ledger_lock>> take(const std::filesystem::path& ledger);
    ~ledger_lock();
    ledger_lock(const ledger_lock&) = delete;
    ledger_lock& operator=(const ledger_lock&) = delete;

private:
    explicit ledger_lock(int descriptor) : descriptor_(descriptor) {}
    int descriptor_;
};

} // namespace rollbook
