#pragma once

#include "daemon/base/bytes.hpp"

namespace rollbook {

// The secret a ledger keeps for the digests it stores. Without it a digest of a mark could be guessed.
using digest_key = std::array<std::uint8_t, 16>;

// SipHash-2-4. For telling changed from unchanged and for lookups; no proof of anything.
std::uint64_t keyed_digest(const digest_key& key, bytes_view bytes) noexcept;
inline std::uint64_t keyed_digest(const digest_key& key, std::string_view text) noexcept
{
    return keyed_digest(key, as_bytes(text));
}

} // namespace rollbook
