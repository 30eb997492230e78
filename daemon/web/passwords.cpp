#include "daemon/web/passwords.hpp"

#include "daemon/base/random.hpp"
#include "daemon/base/spare_memory.hpp"
#include "daemon/base/url_encoding.hpp"
#include "daemon/base/utf8.hpp"
#include "daemon/web/http.hpp"

#include <liboath/oath.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <new>

namespace rollbook {
namespace {

// OWASP's smallest in memory for Argon2id is 5 passes over 7 MiB. Twice the passes take as long as 2 over 19 MiB, which
// hashes were made with once: a name that is none must take as long as one whose hash is such.
constexpr unsigned long long passes = 10;
constexpr std::size_t memory_bytes = std::size_t{7} << 20;
constexpr int step_seconds = 30;
constexpr std::ptrdiff_t characters_min = 12;
constexpr std::ptrdiff_t characters_max = 200;
constexpr std::size_t bytes_max = 4 * characters_max;

} // namespace

std::string_view against_password(std::string_view password)
{
    const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
    const auto characters = std::ranges::count_if(password, begins);
    if (!is_valid_utf8(password) || characters < characters_min || characters > characters_max)
        return "The password needs 12 to 200 characters.";
    if (password.find_first_not_of(password.substr(0, utf8_length(password))) == password.npos)
        return "The password is one character over and over. Three random words make a good one.";
    return {};
}

std::string hash_password(std::string_view password)
{
    let_go_of_spare_memory(); // what is taken now is more than any page takes
    if (sodium_init() < 0) throw std::bad_alloc();
    std::array<char, crypto_pwhash_STRBYTES> out{};
    if (crypto_pwhash_str_alg(
            out.data(), password.data(), password.size(), passes, memory_bytes, crypto_pwhash_ALG_ARGON2ID13
        ) != 0)
        throw std::bad_alloc();
    return out.data();
}

bool is_of_other_cost(const std::string& hash)
{
    return crypto_pwhash_str_needs_rehash(hash.c_str(), passes, memory_bytes) != 0;
}

bool is_password(std::string_view hash, std::string_view password)
{
    if (password.size() > bytes_max) return false;
    static const std::string nobodys = hash_password("no account has this password");
    const std::string against = hash.empty() ? nobodys : std::string(hash);
    let_go_of_spare_memory();
    const bool same = crypto_pwhash_str_verify(against.c_str(), password.data(), password.size()) == 0;
    return same && !hash.empty();
}

std::string make_totp_secret()
{
    std::array<std::uint8_t, 20> random{};
    random_bytes(random);
    std::string secret(as_text(random));
    wipe(random);
    return secret;
}

std::string base32_groups(std::string_view secret)
{
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    std::string out;
    unsigned held = 0;
    int bits = 0;
    std::size_t written = 0;
    const auto put = [&](unsigned five) {
        if (written > 0 && written % 4 == 0) out += ' ';
        out += letters[five & 31];
        ++written;
    };
    for (const char c : secret) {
        held = held << 8 | static_cast<unsigned char>(c);
        for (bits += 8; bits >= 5; bits -= 5)
            put(held >> (bits - 5));
        held &= (1U << bits) - 1;
    }
    if (bits > 0) put(held << (5 - bits));
    return out;
}

std::string totp_uri(std::string_view secret, std::string_view user, std::string_view school)
{
    std::string key = base32_groups(secret);
    std::erase(key, ' ');
    return "otpauth://totp/" + url_encoded("Rollbook " + std::string(school)) + ":" + url_encoded(user) +
           "?secret=" + key + "&issuer=" + url_encoded("Rollbook " + std::string(school));
}

std::optional<std::int64_t>
totp_step(std::string_view secret, std::string_view code, instant now, std::int64_t last_step)
{
    std::string digits(code);
    std::erase(digits, ' ');
    if (secret.empty() || digits.size() != 6 || digits.find_first_not_of("0123456789") != std::string::npos)
        return std::nullopt;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    const std::int64_t current = seconds / step_seconds;
    for (std::int64_t step = current - 1; step <= current + 1; ++step) {
        std::array<char, 7> expected{};
        if (step <= last_step || oath_totp_generate(
                                     secret.data(),
                                     secret.size(),
                                     static_cast<time_t>(step * step_seconds),
                                     step_seconds,
                                     0,
                                     6,
                                     expected.data()
                                 ) != OATH_OK)
            continue;
        if (sodium_memcmp(expected.data(), digits.data(), 6) == 0) return step;
    }
    return std::nullopt;
}

} // namespace rollbook
