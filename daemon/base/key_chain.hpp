#pragma once

#include "daemon/base/signed_note.hpp"
#include "daemon/base/time.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

// A log's keys over the years: each hands over to the next in an entry that both have signed.
namespace rollbook {

// What such an entry holds.
struct key_change {
    verifier_key old_key;
    verifier_key new_key;
    instant until{}; // until then checkpoints carry the signatures of both

    bool operator==(const key_change&) const = default;
};

// A signed note of four lines: "rollbook-key-change/v1", the two public keys, the instant; under it both signatures.
// Both keys must be of the same name.
std::string sign_key_change(const signing_key& old_key, const signing_key& new_key, instant until);
// Both signatures verify, and both keys are log keys of one name. Fails with page_malformed or ledger_in_doubt.
result<key_change> open_key_change(std::string_view note);

// Which key must have signed a checkpoint of which size.
class key_chain {
public:
    explicit key_chain(verifier_key first) { keys_.push_back({0, std::move(first)}); }

    // The change that entry `index` holds; in the order of entries. Fails with ledger_in_doubt when it does not begin
    // with the newest key.
    result<void> add(std::uint64_t index, const key_change& change);

    const verifier_key& newest() const { return keys_.back().second; }
    bool holds(const verifier_key& key) const;
    // A checkpoint that covers a change must carry the new key's signature, whatever else it carries.
    const verifier_key& key_at(std::uint64_t size) const;
    // As open_checkpoint(); a signature by another key of the chain must verify too, if there is one.
    result<opened_checkpoint> open(std::string_view note) const;

private:
    std::vector<std::pair<std::uint64_t, verifier_key>> keys_; // from which size
};

// The chain of a ledger's changes, in the order of their entries. `pinned` is the one key that is trusted from outside:
// any of the chain's. Fails with ledger_in_doubt when it is none of them, or the changes are no chain.
result<key_chain>
chain_of(const verifier_key& pinned, const std::vector<std::pair<std::uint64_t, key_change>>& changes);

} // namespace rollbook
