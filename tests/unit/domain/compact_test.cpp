#include "daemon/domain/compact.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;

TEST_CASE("what is held in less room comes out as it went in", "[domain]")
{
    CHECK(entry_index(compact_index()) == no_entry);
    CHECK(entry_index(compact_index(no_entry)) == no_entry);
    for (const entry_index index : {entry_index{0}, entry_index{1}, entry_index{0xfffffffe}})
        CHECK(entry_index(compact_index(index)) == index);

    CHECK(!compact_day());
    CHECK(std::optional<civil_day>(compact_day(std::optional<civil_day>())) == std::nullopt);
    for (const int days : {-40'000, -1, 0, 1, 20'000}) {
        const civil_day day{std::chrono::days(days)};
        CHECK(*compact_day(day) == day);
        CHECK(std::optional<civil_day>(compact_day(std::optional(day))) == day);
    }
}

TEST_CASE("texts stay where they are however many come after them", "[domain]")
{
    text_store texts;
    CHECK(compact_text().view().empty());
    CHECK(texts.add("").empty());
    std::vector<std::pair<compact_text, std::string>> added;
    for (std::size_t i = 0; i < 2'000; ++i) {
        std::string text(i % 97 == 0 ? i * 7 : i % 30, static_cast<char>('a' + i % 26));
        const compact_text is = texts.add(text);
        added.emplace_back(is, std::move(text));
    }
    for (const std::size_t size : {254, 255, 256, 300'000}) {
        std::string text(size, 'z');
        const compact_text is = texts.add(text);
        added.emplace_back(is, std::move(text));
    }
    for (const auto& [is, text] : added)
        REQUIRE(is.view() == text);
}

TEST_CASE("a value that most do not have is as it was put, and its copy another", "[domain]")
{
    rare<std::string> text;
    CHECK(text->empty());
    text = std::string("a");
    rare<std::string> copy = text;
    text = std::string();
    CHECK(text->empty());
    CHECK(*copy == "a");
    const rare<std::string> moved = std::move(copy);
    CHECK(std::string_view(moved) == "a");
}

TEST_CASE("a day in two bytes is as it was, and far outside a school's history the nearest there is", "[domain]")
{
    const auto day = [](int year) { return civil_day(std::chrono::year(year) / 9 / 1); };
    CHECK(!rough_day());
    CHECK(*rough_day(day(1970)) == day(1970));
    CHECK(*rough_day(day(2026)) == day(2026));
    CHECK(*rough_day(day(2099)) == day(2099));
    CHECK(*rough_day(day(1950)) == civil_day(std::chrono::year(1970) / 1 / 1));
    CHECK(rough_day(day(2199)));
    CHECK(*rough_day(day(2199)) > day(2099));
}

TEST_CASE("one of few texts is the same wherever it was met, and the empty one none of them", "[domain]")
{
    const few_text mis("mis");
    const few_text other("safeguarding");
    CHECK(few_text().empty());
    CHECK(few_text("").empty());
    CHECK(mis == few_text(std::string("mis")));
    CHECK(mis == "mis");
    CHECK(!(mis == other));
    CHECK(other.view() == "safeguarding");
    CHECK(sizeof(few_text) == 1);
}
