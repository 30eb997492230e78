#pragma once

#include "daemon/base/sha256.hpp"

#include <cstdint>
#include <string_view>

namespace rollbook::support {

// The seed of a key that is the same in every run.
inline hash seed_of(std::uint8_t byte)
{
    hash seed{};
    seed.fill(byte);
    return seed;
}

// A digest without a key, the same in every run (FNV-1a).
inline std::uint64_t plain_digest(std::string_view text)
{
    std::uint64_t value = 14695981039346656037u;
    for (const char c : text)
        value = (value ^ static_cast<unsigned char>(c)) * 1099511628211u;
    return value;
}

} // namespace rollbook::support
