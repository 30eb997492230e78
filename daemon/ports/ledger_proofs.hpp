#pragma once

#include "daemon/base/key_chain.hpp"
#include "daemon/base/signed_note.hpp"
#include "daemon/base/time.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollbook {

// A witness's line under a checkpoint, as it came.
struct cosignature {
    std::string line; // with its LF
    std::string name;
    std::uint32_t key_id = 0;
    std::optional<std::uint64_t> posix_seconds; // when the witness signed; empty: of an algorithm we do not know
};

// A checkpoint that is stored, with what witnesses added to it.
struct kept_checkpoint {
    std::uint64_t size = 0;
    instant at{};     // of signing
    std::string note; // all signature lines, the log's first

    bool operator==(const kept_checkpoint&) const = default;
};

// Why a checkpoint is kept for good: somebody outside may hold it.
enum class keep_reason { exported, mailed, requested, cosigned };

std::string_view name_of(keep_reason why);
std::optional<keep_reason> parse_keep_reason(std::string_view text);

// The ledger's checkpoints and proofs between them. Failures of the store are exceptions.
class ledger_proofs {
public:
    virtual ~ledger_proofs() = default;

    virtual std::optional<kept_checkpoint> newest() const = 0;
    // The newest that a witness signed and that covers `index`.
    virtual std::optional<kept_checkpoint> newest_cosigned(std::uint64_t index = 0) const = 0;
    virtual std::optional<kept_checkpoint> checkpoint(std::uint64_t size) const = 0;
    // Newest first, until `use` returns false.
    virtual void each_checkpoint(const std::function<bool(const kept_checkpoint&)>& use) const = 0;

    // The newest checkpoint that was kept for this reason, and when that was decided.
    struct kept {
        std::uint64_t size = 0;
        instant at{};
    };
    virtual std::optional<kept> last_kept(keep_reason why) const = 0;
    // The largest checkpoint this witness signed, and when it did.
    struct witnessed {
        std::uint64_t size = 0;
        instant signed_at{};
    };
    virtual std::optional<witnessed> last_of(const verifier_key& witness) const = 0;

    // The ledger's own keys, if they lead to the one that is trusted. Fails with ledger_in_doubt.
    virtual result<key_chain> chain(const verifier_key& pinned) const = 0;
    // The root the ledger's tree has at a size within it.
    virtual hash root(std::uint64_t size) const = 0;
    // RFC 6962 section 2.1.2. Fails with usage unless 0 < old_size <= size <= entries.
    virtual result<std::vector<hash>> consistency(std::uint64_t old_size, std::uint64_t size) const = 0;
    // When the newest entry was recorded, and when the first was; empty for a ledger without entries.
    virtual std::optional<instant> last_recorded() const = 0;
    virtual std::optional<instant> began() const = 0;
};

// The writer's side: what becomes of checkpoints once they are signed.
class checkpoint_book {
public:
    virtual ~checkpoint_book() = default;

    virtual const ledger_proofs& proofs() const = 0;
    // Keeps a stored checkpoint for good. Keeping it twice is harmless. Fails with not_found.
    virtual result<void> keep(std::uint64_t size, keep_reason why, instant now) = 0;
    // Stores witnesses' lines, which the caller has verified, under a stored checkpoint. Fails with not_found.
    virtual result<void> cosign(std::uint64_t size, const std::vector<cosignature>& lines, instant now) = 0;
};

} // namespace rollbook
