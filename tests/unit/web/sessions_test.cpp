#include "daemon/web/passwords.hpp"
#include "daemon/web/sessions.hpp"

#include <catch2/catch.hpp>

namespace rollbook {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const steady_moment noon{hours(12)};

account somebody()
{
    account of;
    of.name = "ann";
    return of;
}

TEST_CASE("a session ends when it lies idle, and after a school's day in any case", "[web]")
{
    session_book book;
    const std::string id = book.open(somebody(), noon);
    REQUIRE(book.find(id, noon + session_idle_max));
    CHECK_FALSE(book.find(id, noon + 2 * session_idle_max + seconds(1)));

    const std::string busy = book.open(somebody(), noon);
    for (auto at = noon; at <= noon + session_life_max; at += minutes(20))
        REQUIRE(book.find(busy, at));
    CHECK_FALSE(book.find(busy, noon + session_life_max + seconds(1)));
}

TEST_CASE("a session that was closed, or an id that was made up, is none", "[web]")
{
    session_book book;
    const std::string id = book.open(somebody(), noon);
    CHECK_FALSE(book.find("", noon));
    CHECK_FALSE(book.find(std::string(64, '0'), noon));
    book.close(id);
    CHECK_FALSE(book.find(id, noon));
    CHECK(book.open(somebody(), noon) != book.open(somebody(), noon));
}

TEST_CASE("the fifth failure locks a name, each one more for twice as long, a success frees it", "[web]")
{
    lock_out book;
    for (int i = 0; i < 4; ++i)
        book.failed("ann", noon);
    CHECK(book.wait("ann", noon) == seconds(0));
    book.failed("ann", noon);
    CHECK(book.wait("ann", noon) == seconds(10));
    CHECK(book.wait("ben", noon) == seconds(0));
    CHECK(book.wait("ann", noon + seconds(10)) == seconds(0));
    book.failed("ann", noon);
    CHECK(book.wait("ann", noon) == seconds(20));
    for (int i = 0; i < 20; ++i)
        book.failed("ann", noon);
    CHECK(book.wait("ann", noon) == seconds(3600));
    book.succeeded("ann");
    CHECK(book.wait("ann", noon) == seconds(0));
}

TEST_CASE("an address may ask for a burst, then so often a second", "[web]")
{
    rate_limit limit(3, 1);
    CHECK(limit.allows("a", noon));
    CHECK(limit.allows("a", noon));
    CHECK(limit.allows("a", noon));
    CHECK_FALSE(limit.allows("a", noon));
    CHECK(limit.allows("b", noon));
    CHECK(limit.allows("a", noon + seconds(1)));
    CHECK_FALSE(limit.allows("a", noon + seconds(1)));
}

TEST_CASE("a password is told from any other, and no hash fits none", "[web]")
{
    const std::string hash = hash_password("correct horse battery");
    CHECK_THAT(hash, Catch::StartsWith("$argon2id$v=19$m=7168,t=10,"));
    CHECK(is_password(hash, "correct horse battery"));
    CHECK_FALSE(is_password(hash, "correct horse batterY"));
    CHECK_FALSE(is_password("", "no account has this password"));
    CHECK_FALSE(is_password(hash, std::string(1000, 'x')));
}

TEST_CASE("a new password is judged by its length in characters, and not by what they are", "[web]")
{
    const auto repeated = [](const std::string& text, int times) {
        std::string out;
        for (int i = 0; i < times; ++i)
            out += text;
        return out;
    };
    for (const std::string& good :
         {std::string("abcdefghijkl"),
          std::string("three random words"),
          repeated("\u00e9\u00e8", 6),
          repeated("\u20acx", 100)}) {
        CAPTURE(good);
        CHECK(against_password(good).empty());
        CHECK(is_password(hash_password(good), good));
    }
    for (const std::string& bad :
         {std::string(),
          std::string("abcdefghijk"),
          repeated("\u00e9\u00e8\u00e7", 3) + "\u00e9\u00e8", // 22 bytes
          std::string(12, ' '),
          repeated("\u00e9", 12),
          repeated("\u20acx", 100) + "x",
          std::string("abcdefghijkl\xFF")}) {
        CAPTURE(bad);
        CHECK_FALSE(against_password(bad).empty());
    }
}

TEST_CASE("a one-time code is that of RFC 6238, good for a step to either side and only once", "[web]")
{
    // RFC 6238 appendix B: 94287082 at 59 s by SHA-1, of which the last six digits are shown.
    const std::string secret = "12345678901234567890";
    const auto at = [](int second) { return instant(std::chrono::seconds(second)); };
    CHECK(totp_step(secret, "287082", at(59), 0) == 1);
    CHECK(totp_step(secret, "287 082", at(59), 0) == 1);
    CHECK(totp_step(secret, "287082", at(89), 0) == 1);
    CHECK_FALSE(totp_step(secret, "287082", at(120), 0));
    CHECK_FALSE(totp_step(secret, "287082", at(59), 1));
    CHECK_FALSE(totp_step(secret, "287083", at(59), 0));
    CHECK_FALSE(totp_step(secret, "28708", at(59), 0));
    CHECK_FALSE(totp_step("", "287082", at(59), 0));
    CHECK(base32_groups(secret) == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
}

} // namespace
} // namespace rollbook
