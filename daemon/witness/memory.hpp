#pragma once

#include "daemon/witness/judge.hpp"

#include <filesystem>
#include <memory>

namespace rollbook::witness {

// A witness's folder: `witness.key` (its name and secret), `witness.vkey` (its public key), and one file for each log
// it watches. Open by one process at a time.
class memory {
public:
    // Makes the folder's key; gives the public key. Refuses a folder that has one, and a name that is none. Fails with
    // usage.
    static result<std::string> make(const std::filesystem::path& folder, const std::string& name);
    // Fails with usage when there is no witness in the folder, when its key may be read by others, or when another
    // process has it open; with ledger_in_doubt when a file is damaged.
    static result<std::unique_ptr<memory>> open(const std::filesystem::path& folder);
    ~memory();
    memory(const memory&) = delete;
    memory& operator=(const memory&) = delete;

    const verifier_key& own_key() const { return key_->verifier(); }
    const std::vector<seen_log>& logs() const { return logs_; }

    // Watches a log, or takes a further key of one that is watched. Fails with usage.
    result<void> add(std::string_view vkey);

    struct answer {
        status code = status::malformed;
        std::string body; // the signature line, or with status 409 the size that is held
        std::string why;
    };
    // Judges the request, stores what it is going to sign, and only then signs. Fails with ledger_in_doubt when it
    // cannot be stored: nothing is signed.
    result<answer> answer_to(std::string_view request, std::uint64_t posix_seconds);

private:
    memory(std::filesystem::path folder, int lock) : folder_(std::move(folder)), lock_(lock) {}
    result<void> read_logs();
    result<void> store(const seen_log& log) const;

    std::filesystem::path folder_;
    int lock_;
    std::unique_ptr<signing_key> key_;
    std::vector<seen_log> logs_;
};

} // namespace rollbook::witness
