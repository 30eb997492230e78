#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rollbook::delivery {

// The webhook-signature value of one secret, "v1,..." (Standard Webhooks 1.0.0, "Signature scheme": HMAC-SHA256 over
// id.timestamp.body, timestamp in seconds since 1970). Empty when the secret is not "whsec_" and the base64 of 24 to 64
// bytes.
std::optional<std::string>
webhook_signature(std::string_view secret, std::string_view id, std::int64_t at_seconds, std::string_view body);

} // namespace rollbook::delivery
