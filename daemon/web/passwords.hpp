#pragma once

#include "daemon/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Passwords by libsodium, one-time codes by liboath.
namespace rollbook {

// What is wrong with a password that somebody chose, said to that person; empty: nothing.
//
// Source: NCSC, "Password administration for system owners": length counts, and what characters it is made of does not.
std::string_view against_password(std::string_view password);

// Argon2id, ten passes over 7 MiB: some 30 ms, one at a time. Throws std::bad_alloc without the memory.
std::string hash_password(std::string_view password);
// Whether hash_password() would make it at another cost: the next right log-in hashes the password anew.
bool is_of_other_cost(const std::string& hash);
// An empty hash takes as long and gives false, so that a name that is none cannot be told by the clock.
bool is_password(std::string_view hash, std::string_view password);

// 20 random bytes.
std::string make_totp_secret();
// In the letters that authenticator apps take (RFC 4648 base 32), in groups of four.
std::string base32_groups(std::string_view secret);
std::string totp_uri(std::string_view secret, std::string_view user, std::string_view school);
// The time step whose code it is (RFC 6238: 30 s, 6 digits, a step to either side), when it lies after `last_step`.
std::optional<std::int64_t>
totp_step(std::string_view secret, std::string_view code, instant now, std::int64_t last_step);

} // namespace rollbook
