#include "daemon/base/sha256.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <new>

// The low-level functions are marked deprecated in OpenSSL 3, but they are its only way to hash a hundred bytes without
// fetching and allocating an EVP context, which costs several times the hash.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace rollbook {

namespace {

hash finish(SHA256_CTX& context) noexcept
{
    hash out;
    SHA256_Final(out.data(), &context);
    return out;
}

} // namespace

hash sha256(bytes_view bytes) noexcept
{
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, bytes.data(), bytes.size());
    return finish(context);
}

sha256_stream::sha256_stream() noexcept
{
    static_assert(sizeof(SHA256_CTX) == sizeof state_ && alignof(SHA256_CTX) <= 8);
    SHA256_Init(::new (state_.data()) SHA256_CTX);
}

sha256_stream& sha256_stream::add(bytes_view bytes) noexcept
{
    SHA256_Update(std::launder(reinterpret_cast<SHA256_CTX*>(state_.data())), bytes.data(), bytes.size());
    return *this;
}

hash sha256_stream::finish() noexcept
{
    return rollbook::finish(*std::launder(reinterpret_cast<SHA256_CTX*>(state_.data())));
}

hash leaf_hash(bytes_view bytes) noexcept
{
    SHA256_CTX context;
    SHA256_Init(&context);
    const std::uint8_t prefix = 0x00;
    SHA256_Update(&context, &prefix, 1);
    SHA256_Update(&context, bytes.data(), bytes.size());
    return finish(context);
}

hash node_hash(const hash& left, const hash& right) noexcept
{
    std::array<std::uint8_t, 65> node;
    node[0] = 0x01;
    std::copy(left.begin(), left.end(), node.begin() + 1);
    std::copy(right.begin(), right.end(), node.begin() + 33);
    return sha256(node);
}

const hash& empty_root() noexcept
{
    static const hash root = sha256({});
    return root;
}

hash hmac_sha256(const hash& key, std::initializer_list<bytes_view> parts) noexcept
{
    std::array<std::uint8_t, SHA256_CBLOCK> pad;
    const auto begin = [&](SHA256_CTX& context, std::uint8_t mask) {
        pad.fill(mask);
        for (std::size_t i = 0; i < key.size(); ++i)
            pad[i] ^= key[i];
        SHA256_Init(&context);
        SHA256_Update(&context, pad.data(), pad.size());
    };

    SHA256_CTX context;
    begin(context, 0x36);
    for (const bytes_view part : parts)
        SHA256_Update(&context, part.data(), part.size());
    const hash inner = finish(context);

    begin(context, 0x5c);
    SHA256_Update(&context, inner.data(), inner.size());
    const hash outer = finish(context);
    OPENSSL_cleanse(pad.data(), pad.size());
    OPENSSL_cleanse(&context, sizeof context);
    return outer;
}

} // namespace rollbook
