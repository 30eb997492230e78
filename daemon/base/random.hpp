#pragma once

#include "daemon/base/bytes.hpp"

#include <cstddef>

namespace rollbook {

// Fills `out` from the system's random source. Stops the program when the system has none: a guessable key is worse
// than no daemon.
void random_bytes(std::span<std::uint8_t> out) noexcept;

// Overwrites a secret in a way the compiler may not drop.
void wipe(std::span<std::uint8_t> secret) noexcept;

// Fresh 32-byte keys, one for each ledger entry, from a pool of 8 KiB so that the system is asked once for 256 keys.
//
// Each key is erased from the pool when it is given out, and the pool is refilled in a child after fork(), so that no
// two entries ever share a key. For one thread at a time.
class commit_key_source {
public:
    commit_key_source() noexcept;
    ~commit_key_source();
    commit_key_source(const commit_key_source&) = delete;
    commit_key_source& operator=(const commit_key_source&) = delete;

    hash next() noexcept;

private:
    std::array<std::uint8_t, 8192> pool_;
    std::size_t used_;
    unsigned forks_seen_;
};

} // namespace rollbook
