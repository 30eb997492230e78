#include "daemon/domain/code_book.hpp"

#include "daemon/base/error.hpp"
#include "tests/unit/domain/days.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>

using namespace rollbook;

namespace {

const civil_day july_2024 = on(2024, 7, 12);
const civil_day this_year = on(2026, 11, 23);

std::string numbered(std::string text, int number)
{
    text.append(std::to_string(number));
    return text;
}

} // namespace

TEST_CASE("a code book gives one number to one pair and different numbers to different pairs", "[domain]")
{
    code_book book;
    const code_id ill = book.intern("I", "I");
    CHECK(book.intern("I", "I") == ill);
    CHECK(book.intern("I", " i ") == ill);
    CHECK(book.intern("i", "I") != ill);
    CHECK(book.intern("I", "M") != ill);
    CHECK(book.intern("AB", "C") != book.intern("A", "BC"));
    CHECK(book.size() == 5);
}

TEST_CASE("pairs whose texts join to the same text stay apart, however long they are", "[domain]")
{
    code_book book;
    const std::string text(300, 'a');
    std::set<code_id> ids;
    for (std::size_t split = 0; split <= text.size(); ++split) {
        ids.insert(book.intern(text.substr(0, split), text.substr(split)));
    }
    CHECK(ids.size() == text.size() + 1);
}

TEST_CASE("a code book keeps the school's text as read and the statutory code normalised", "[domain]")
{
    code_book book;
    const code_id id = book.intern(" ill", "i");
    CHECK(book.raw(id) == " ill");
    CHECK(book.statutory(id) == "I");
    CHECK(book.class_on(id, this_year) == code_class::authorised);
}

TEST_CASE("texts of a code book stay where they are while it grows", "[domain]")
{
    code_book book;
    const std::string_view first = book.raw(book.intern("/", "/"));
    for (int i = 0; i < 1000; ++i)
        book.intern(numbered("code", i), "");
    CHECK(first == "/");
    CHECK(book.raw(0).data() == first.data());
}

TEST_CASE("the class of a code in the book follows the session's day", "[domain][statutory]")
{
    code_book book;
    const code_id interview = book.intern("J", "J");
    const code_id interview_now = book.intern("J1", "J1");
    const code_id holiday = book.intern("H", "H");
    const code_id late = book.intern("U", "U");
    CHECK(book.class_on(interview, july_2024) == code_class::approved_educational);
    CHECK(book.class_on(interview, this_year) == code_class::unmapped);
    CHECK(book.class_on(interview_now, july_2024) == code_class::unmapped);
    CHECK(book.class_on(interview_now, this_year) == code_class::authorised);
    CHECK(book.class_on(holiday, this_year) == code_class::unmapped);
    CHECK(book.row_on(holiday, this_year) == nullptr);
    REQUIRE(book.row_on(late, july_2024) != nullptr);
    REQUIRE(book.row_on(late, this_year) != nullptr);
    CHECK_FALSE(book.row_on(late, july_2024)->penalty_notice);
    CHECK(book.row_on(late, this_year)->penalty_notice);
}

TEST_CASE("the book and the table agree on every code and day", "[domain][statutory]")
{
    code_book book;
    for (const statutory_code& row : statutory_codes()) {
        const code_id id = book.intern(row.code, row.code);
        for (const civil_day day : {row.from - std::chrono::days(1), row.from, row.to.value_or(this_year), this_year}) {
            CAPTURE(row.code, day);
            CHECK(book.row_on(id, day) == find_statutory_code(row.code, day));
        }
    }
}

TEST_CASE("nothing recorded is not an unmapped code", "[domain]")
{
    const auto [raw, statutory, klass] = GENERATE(table<std::string, std::string, code_class>({
        {"", "", code_class::none},
        {"-", "", code_class::none},
        {" ", " ", code_class::none},
        {"no mark", "-", code_class::none},
        {"-", "N", code_class::unauthorised},
        {"!", "", code_class::unmapped},
        {"7", "7", code_class::unmapped},
        {"/", "", code_class::unmapped},
    }));
    CAPTURE(raw, statutory);
    code_book book;
    CHECK(book.class_on(book.intern(raw, statutory), this_year) == klass);
}

TEST_CASE("a source that invents codes is refused at 65,000 and the codes met stay known", "[domain]")
{
    code_book book;
    const code_id first = book.intern("/", "/");
    for (int i = 1; i < 65'000; ++i)
        book.intern(numbered("x", i), "");
    CHECK_THROWS_AS(book.intern("one more", ""), failure_error);
    CHECK(book.intern("/", "/") == first);
    CHECK(book.size() == 65'000);
}
