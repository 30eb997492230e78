#include "daemon/domain/attendance_code.hpp"

#include "tests/unit/domain/days.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <set>
#include <string>

using namespace rollbook;

namespace {

const civil_day old_first = on(2006, 9, 1);
const civil_day old_last = on(2024, 8, 18);
const civil_day new_first = on(2024, 8, 19);

// The class of `code` on `day` as text, "" when the law lists no such code then.
std::string class_of(std::string_view code, civil_day day)
{
    const statutory_code* row = find_statutory_code(code, day);
    return row ? std::string(name_of(row->klass)) : "";
}

struct expected {
    std::string code;
    std::string old_class; // on the last day of the old list
    std::string new_class; // on the first day of the new
};

const std::string present = "present";
const std::string educational = "approved_educational";
const std::string authorised = "authorised";
const std::string unauthorised = "unauthorised";
const std::string not_required = "not_required";
const std::string administrative = "administrative";
const std::string unlisted;

const std::vector<expected> every_code = {
    {"/", present, present},
    {"\\", present, present},
    {"L", present, present},
    {"K", unlisted, educational},
    {"V", educational, educational},
    {"P", educational, educational},
    {"W", educational, educational},
    {"B", educational, educational},
    {"J", educational, unlisted},
    {"J1", unlisted, authorised},
    {"D", not_required, not_required},
    {"C", authorised, authorised},
    {"C1", unlisted, authorised},
    {"C2", unlisted, authorised},
    {"M", authorised, authorised},
    {"S", authorised, authorised},
    {"X", not_required, not_required},
    {"T", authorised, authorised},
    {"R", authorised, authorised},
    {"I", authorised, authorised},
    {"E", authorised, authorised},
    {"H", authorised, unlisted},
    {"F", unlisted, unlisted},
    {"Q", unlisted, not_required},
    {"Y", not_required, unlisted},
    {"Y1", unlisted, not_required},
    {"Y2", unlisted, not_required},
    {"Y3", unlisted, not_required},
    {"Y4", unlisted, not_required},
    {"Y5", unlisted, not_required},
    {"Y6", unlisted, not_required},
    {"Y7", unlisted, not_required},
    {"G", unauthorised, unauthorised},
    {"N", unauthorised, unauthorised},
    {"O", unauthorised, unauthorised},
    {"U", unauthorised, unauthorised},
    {"Z", administrative, administrative},
    {"#", administrative, administrative},
};

} // namespace

TEST_CASE("each code has the class of the list in force on the session's day", "[domain][statutory]")
{
    for (const expected& row : every_code) {
        CAPTURE(row.code);
        CHECK(class_of(row.code, old_last) == row.old_class);
        CHECK(class_of(row.code, new_first) == row.new_class);
        CHECK(class_of(row.code, on(2026, 11, 23)) == row.new_class);
        CHECK(class_of(row.code, old_first - std::chrono::days(1)).empty());
    }
}

TEST_CASE("the old list began on 1 September 2006", "[domain][statutory]")
{
    for (const expected& row : every_code) {
        CAPTURE(row.code);
        CHECK(class_of(row.code, old_first) == (row.code == "F" ? authorised : row.old_class));
    }
}

TEST_CASE("the table holds the codes tested here and no other", "[domain][statutory]")
{
    std::map<std::string, int> rows;
    for (const statutory_code& row : statutory_codes())
        ++rows[std::string(row.code)];

    std::map<std::string, int> tested;
    for (const expected& row : every_code) {
        tested[row.code] = (row.code == "F" || !row.old_class.empty() ? 1 : 0) + (row.new_class.empty() ? 0 : 1);
    }
    CHECK(rows == tested);
}

TEST_CASE("every row is found on its first and last day and on neither day outside", "[domain][statutory]")
{
    for (const statutory_code& row : statutory_codes()) {
        CAPTURE(row.code, row.from);
        CHECK(find_statutory_code(row.code, row.from) == &row);
        CHECK(find_statutory_code(row.code, row.from - std::chrono::days(1)) != &row);
        if (!row.to) continue;
        CHECK(find_statutory_code(row.code, *row.to) == &row);
        CHECK(find_statutory_code(row.code, *row.to + std::chrono::days(1)) != &row);
    }
}

TEST_CASE("extended holiday F ends with August 2013", "[domain][statutory]")
{
    CHECK(class_of("F", on(2013, 8, 31)) == authorised);
    CHECK(class_of("F", on(2013, 9, 1)).empty());
}

TEST_CASE("an interview was attendance in July 2024 and is absence in September 2024", "[domain][statutory]")
{
    CHECK(class_of("J", on(2024, 7, 12)) == educational);
    CHECK(class_of("J1", on(2024, 7, 12)).empty());
    CHECK(class_of("J", on(2024, 9, 12)).empty());
    CHECK(class_of("J1", on(2024, 9, 12)) == authorised);
}

TEST_CASE("an agreed holiday H is in no list this year", "[domain][statutory]")
{
    CHECK(find_statutory_code("H", on(2026, 11, 23)) == nullptr);
}

TEST_CASE("only L and U are late, in both lists", "[domain][statutory]")
{
    for (const statutory_code& row : statutory_codes()) {
        CAPTURE(row.code, row.from);
        CHECK(row.late == (row.code == "L" || row.code == "U"));
    }
}

TEST_CASE("G, N, O and U count to a penalty notice from 19 August 2024 and nothing before does", "[domain][statutory]")
{
    const std::set<std::string_view> counted = {"G", "N", "O", "U"};
    for (const statutory_code& row : statutory_codes()) {
        CAPTURE(row.code, row.from);
        CHECK(row.penalty_notice == (row.from == new_first && counted.count(row.code) == 1));
    }
}

TEST_CASE("a code that the law does not list is not found", "[domain]")
{
    const std::string_view code = GENERATE(
        as<std::string_view>(),
        "",
        " ",
        "-",
        "A",
        "!",
        "@",
        "7",
        "8",
        "9",
        "&",
        "l",
        "/ ",
        " /",
        "//",
        "C0",
        "C3",
        "C8",
        "J2",
        "Y0",
        "Y8",
        "Y9",
        "c1",
        "Y1 ",
        "I01",
        "I02",
        "\xc3\xa9",
        "\xff",
        "\xff\xff"
    );
    CAPTURE(code);
    CHECK(find_statutory_code(code, on(2026, 11, 23)) == nullptr);
}

TEST_CASE("a zero byte is no code", "[domain]")
{
    CHECK(find_statutory_code(std::string_view("\0", 1), new_first) == nullptr);
    CHECK(find_statutory_code(std::string_view("L\0", 2), new_first) == nullptr);
}

TEST_CASE("blank, white space and the hyphen mean that nothing is recorded", "[domain]")
{
    for (const std::string_view raw : {"", " ", "\t \r\n", "-", " - "}) {
        CAPTURE(raw);
        CHECK(is_not_recorded(raw));
    }
    for (const std::string_view raw : {"N", "--", "_", "/", "0", "- N"}) {
        CAPTURE(raw);
        CHECK_FALSE(is_not_recorded(raw));
    }
}

TEST_CASE("a code as read is trimmed and its letters made capital, and nothing else", "[domain]")
{
    CHECK(normalised_code(" y1\t") == "Y1");
    CHECK(normalised_code("\\") == "\\");
    CHECK(normalised_code("a b") == "A B");
    CHECK(normalised_code("\xc3\xa9") == "\xc3\xa9");
    CHECK(normalised_code("  ").empty());
    CHECK(trimmed_code(" y1\t") == "y1");
}

TEST_CASE("the name of every class reads back as that class", "[domain]")
{
    for (int value = 0; value <= static_cast<int>(code_class::none); ++value) {
        const auto klass = static_cast<code_class>(value);
        CHECK(parse_code_class(name_of(klass)) == klass);
    }
    CHECK_FALSE(parse_code_class("absent"));
    CHECK_FALSE(parse_code_class(""));
    CHECK(name_of(code_class::none) == "none");
    CHECK(name_of(code_class::unmapped) == "unmapped");
}
