#include "daemon/delivery/webhook_signature.hpp"

#include "daemon/base/bytes.hpp"

#include <sodium.h>

#include <array>

namespace rollbook::delivery {

std::optional<std::string>
webhook_signature(std::string_view secret, std::string_view id, std::int64_t at_seconds, std::string_view body)
{
    constexpr std::string_view prefix = "whsec_";
    if (!secret.starts_with(prefix)) return {};
    const auto key = from_base64(secret.substr(prefix.size()));
    if (!key || key->size() < 24 || key->size() > 64) return {};

    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key->data(), key->size());
    const std::string at = std::to_string(at_seconds);
    for (const std::string_view part : {id, std::string_view("."), std::string_view(at), std::string_view("."), body})
        crypto_auth_hmacsha256_update(&state, as_bytes(part).data(), part.size());
    std::array<std::uint8_t, crypto_auth_hmacsha256_BYTES> mac{};
    crypto_auth_hmacsha256_final(&state, mac.data());
    return "v1," + to_base64(mac);
}

} // namespace rollbook::delivery
