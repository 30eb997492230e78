#pragma once

#include "daemon/base/bytes.hpp"

#include <initializer_list>

namespace rollbook {

hash sha256(bytes_view bytes) noexcept;

// SHA-256 over pieces: add() as often as needed, then finish() once.
class sha256_stream {
public:
    sha256_stream() noexcept;
    sha256_stream& add(bytes_view bytes) noexcept;
    sha256_stream& add(std::string_view text) noexcept { return add(as_bytes(text)); }
    // The hash of all that was added. The object must not be used after, other than assigned to or destroyed.
    hash finish() noexcept;

private:
    // The library's context, kept here so that a hash allocates nothing and no header of the library is seen.
    alignas(8) std::array<std::uint8_t, 112> state_;
};

// SHA256(0x00 || bytes). RFC 6962 section 2.1.
hash leaf_hash(bytes_view bytes) noexcept;
inline hash leaf_hash(std::string_view text) noexcept
{
    return leaf_hash(as_bytes(text));
}

// SHA256(0x01 || left || right). RFC 6962 section 2.1.
hash node_hash(const hash& left, const hash& right) noexcept;

// SHA256(""), the root of the empty tree.
const hash& empty_root() noexcept;

// HMAC-SHA256 (RFC 2104) over the parts joined.
hash hmac_sha256(const hash& key, std::initializer_list<bytes_view> parts) noexcept;

} // namespace rollbook
