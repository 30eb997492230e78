#include "daemon/base/keyed_digest.hpp"

#include <sodium/crypto_shorthash.h>

namespace rollbook {

std::uint64_t keyed_digest(const digest_key& key, bytes_view bytes) noexcept
{
    static_assert(std::tuple_size_v<digest_key> == crypto_shorthash_KEYBYTES && crypto_shorthash_BYTES == 8);
    std::array<std::uint8_t, crypto_shorthash_BYTES> out;
    crypto_shorthash(out.data(), bytes.data(), bytes.size(), key.data());
    // Little-endian is how SipHash defines its number, whatever the machine.
    std::uint64_t number = 0;
    for (std::size_t i = out.size(); i-- > 0;)
        number = number << 8 | out[i];
    return number;
}

} // namespace rollbook
