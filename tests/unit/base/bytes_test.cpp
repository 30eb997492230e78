#include "daemon/base/bytes.hpp"
#include "daemon/base/keyed_digest.hpp"
#include "daemon/base/random.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/base/utf8.hpp"

#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <set>

using namespace rollbook;

TEST_CASE("hexadecimal is read in either case and written in lower case", "[base][bytes]")
{
    const auto bytes = from_hex("00fF7aB0");
    REQUIRE(bytes);
    CHECK(to_hex(*bytes) == "00ff7ab0");
    CHECK(from_hex("")->empty());
    CHECK_FALSE(from_hex("0"));
    CHECK_FALSE(from_hex("0g"));
    CHECK_FALSE(from_hex("0x"));
    CHECK_FALSE(hash_from_hex("00"));
    CHECK_FALSE(hash_from_hex(std::string(66, '0')));
    CHECK(hash_from_hex(std::string(64, '0')) == hash{});
}

TEST_CASE("base64 gives the answers of RFC 4648 section 10", "[base][bytes]")
{
    const auto [plain, coded] = GENERATE(table<std::string, std::string>(
        {{"", ""},
         {"f", "Zg=="},
         {"fo", "Zm8="},
         {"foo", "Zm9v"},
         {"foob", "Zm9vYg=="},
         {"fooba", "Zm9vYmE="},
         {"foobar", "Zm9vYmFy"}}
    ));
    CHECK(to_base64(as_bytes(plain)) == coded);
    const auto back = from_base64(coded);
    REQUIRE(back);
    CHECK(as_text(*back) == plain);
}

TEST_CASE("base64 that has a second form for the same bytes is refused", "[base][bytes]")
{
    const std::string text = GENERATE(values<std::string>(
        {"Zg",
         "Zg=",
         "Zg===",
         "Zh==",
         "Zm9=",
         "Zm8",
         "=",
         "==",
         "====",
         "Z===",
         "Zg==Zg==",
         "Zm 9v",
         "Zm9v\n",
         "Zm9-",
         "Zm9_",
         "Zm=v",
         "Z=9v",
         "Zm9v="}
    ));
    CAPTURE(text);
    CHECK_FALSE(from_base64(text));
}

TEST_CASE("every byte survives base64 at every length", "[base][bytes]")
{
    std::vector<std::uint8_t> bytes;
    for (unsigned i = 0; i < 300; ++i) {
        CHECK(from_base64(to_base64(bytes)) == bytes);
        bytes.push_back(static_cast<std::uint8_t>(i * 151 + 255));
    }
}

TEST_CASE("a hash in base64 is exactly 32 bytes", "[base][bytes]")
{
    const std::vector<std::uint8_t> bytes(34, 7);
    CHECK(hash_from_base64(to_base64(bytes_view(bytes).first(32))));
    CHECK_FALSE(hash_from_base64(to_base64(bytes_view(bytes).first(31))));
    CHECK_FALSE(hash_from_base64(to_base64(bytes_view(bytes).first(33))));
    CHECK_FALSE(hash_from_base64(to_base64(bytes)));
    CHECK_FALSE(hash_from_base64(""));
}

TEST_CASE("a decimal has one form and stays below 2^63", "[base][bytes]")
{
    CHECK(parse_decimal("0") == 0u);
    CHECK(parse_decimal("9223372036854775807") == (std::uint64_t{1} << 63) - 1);
    for (const char* text :
         {"",
          "00",
          "01",
          "+1",
          "-1",
          " 1",
          "1 ",
          "1a",
          "9223372036854775808",
          "18446744073709551615",
          "18446744073709551617",
          "99999999999999999999"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_decimal(text));
    }
}

TEST_CASE("only well-formed UTF-8 passes for text", "[base][utf8]")
{
    for (const char* text :
         {"", "plain", "café €", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"}) {
        CAPTURE(text);
        CHECK(is_valid_utf8(text));
        CHECK(is_valid_utf8(std::string("12345678") + text + "123456789"));
    }
    for (const char* text :
         {"\x80",
          "\xc0\x80",
          "\xc1\xbf",
          "\xc3",
          "\xc3(",
          "\xe0\x9f\xbf",
          "\xe2\x82",
          "\xe2\x82(",
          "\xed\xa0\x80",
          "\xed\xbf\xbf",
          "\xf0\x8f\xbf\xbf",
          "\xf0\x9f\x98",
          "\xf4\x90\x80\x80",
          "\xf5\x80\x80\x80",
          "\xff"}) {
        CAPTURE(text);
        CHECK_FALSE(is_valid_utf8(text));
        CHECK_FALSE(is_valid_utf8(std::string("12345678") + text + "123456789"));
    }
    CHECK(is_valid_utf8(std::string_view("a\0b", 3)));
}

TEST_CASE("SHA-256 gives the answers of FIPS 180-2, in one piece or many", "[base][sha256]")
{
    CHECK(to_hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(to_hex(empty_root()) == to_hex(sha256({})));
    CHECK(to_hex(sha256(as_bytes("abc"))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_stream stream;
    for (int i = 0; i < 1000; ++i)
        stream.add(std::string(1000, 'a'));
    CHECK(to_hex(stream.finish()) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    CHECK(sha256_stream().add("a").add("").add("bc").finish() == sha256(as_bytes("abc")));
}

TEST_CASE("HMAC gives the answers of RFC 4231", "[base][sha256]")
{
    // Keys shorter than a block are filled with zeros, so that the RFC's keys of 20 and 4 bytes fit our 32.
    hash key{};
    std::fill_n(key.begin(), 20, std::uint8_t{0x0b});
    CHECK(
        to_hex(hmac_sha256(key, {as_bytes("Hi "), as_bytes("There")})) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    );
    key = {'J', 'e', 'f', 'e'};
    CHECK(
        to_hex(hmac_sha256(key, {as_bytes("what do ya want for nothing?")})) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
}

TEST_CASE("SipHash-2-4 gives the answer of its paper", "[base][digest]")
{
    digest_key key;
    std::array<std::uint8_t, 15> bytes;
    for (std::size_t i = 0; i < key.size(); ++i)
        key[i] = static_cast<std::uint8_t>(i);
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<std::uint8_t>(i);
    CHECK(keyed_digest(key, bytes) == 0xa129ca6149be45e5u);
    key[0] ^= 1;
    CHECK(keyed_digest(key, bytes) != 0xa129ca6149be45e5u);
}

TEST_CASE("no commit key is given out twice", "[base][random]")
{
    commit_key_source source;
    std::set<hash> seen = {hash{}};
    for (int i = 0; i < 2000; ++i)
        seen.insert(source.next());
    CHECK(seen.size() == 2001);
}

TEST_CASE("a child process never draws its parent's keys", "[base][random]")
{
    commit_key_source source;
    (void)source.next();
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
        const hash key = source.next();
        _exit(write(ends[1], key.data(), key.size()) == 32 ? 0 : 1);
    }
    hash childs{};
    REQUIRE(read(ends[0], childs.data(), childs.size()) == 32);
    int status = 1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(source.next() != childs);
    close(ends[0]);
    close(ends[1]);
}

TEST_CASE("a wiped secret is gone", "[base][random]")
{
    std::array<std::uint8_t, 40> secret{};
    random_bytes(secret);
    CHECK(secret != std::array<std::uint8_t, 40>{});
    wipe(secret);
    CHECK(secret == std::array<std::uint8_t, 40>{});
}
