#include "daemon/ledger/kept_marks.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace rollbook;

namespace {

const civil_day first_day = civil_day(std::chrono::days(20'000));

// In order of entry, as a school's ledger has them: three days, one session after the other, the pupils in one order or
// another; then a few marks again with another code.
std::vector<kept_marks::row> some_rows(bool in_order, std::mt19937& random)
{
    constexpr int pupils = 60;
    std::vector<kept_marks::row> rows;
    std::vector<entry_index> order;
    for (entry_index pupil = 1; pupil <= pupils; ++pupil)
        order.push_back(pupil);
    entry_index entry = 100;
    const auto add = [&](int day, half_day half, entry_index pupil, std::string_view raw, std::string_view source) {
        kept_marks::row row;
        row.entry = entry++;
        row.session = {first_day + std::chrono::days(day), half};
        row.pupil = pupil;
        row.source = source;
        row.raw = raw;
        row.statutory = raw;
        row.gone = raw == "gone";
        rows.push_back(row);
    };
    for (int day = 0; day < 3; ++day)
        for (const half_day half : {half_day::am, half_day::pm}) {
            if (!in_order) std::shuffle(order.begin(), order.end(), random);
            for (const entry_index pupil : order)
                add(day, half, pupil, half == half_day::am ? "/" : "\\", "mis");
        }
    for (int i = 0; i < 40; ++i)
        add(static_cast<int>(random() % 3),
            random() % 2 ? half_day::am : half_day::pm,
            1 + random() % pupils,
            random() % 4 ? "I" : "gone",
            random() % 5 ? "mis" : "other");
    return rows;
}

std::string told(const kept_marks& kept, const day_range& days, entry_index pupil, entry_index n)
{
    std::string text;
    kept.each(days, pupil, n, [&](const mark_view& each) {
        text += std::to_string(each.entry) + " " + format_day(each.session.day) +
                std::string(name_of(each.session.half)) + " " + std::to_string(each.pupil) + std::string(each.raw) +
                std::string(each.source) + "\n";
        return true;
    });
    for (const char* source : {"mis", "other", "none"})
        for (const auto& [of, sums] : kept.sums(source, days, n))
            text += source + std::to_string(of) + " " + std::to_string(sums.possible) + " " +
                    std::to_string(sums.present) + "\n";
    return text;
}

} // namespace

TEST_CASE("kept marks are found the same however often they were packed", "[ledger]")
{
    const bool in_order = GENERATE(true, false);
    const unsigned each_many = GENERATE(1u, 7u, 200u);
    CAPTURE(in_order, each_many);
    std::mt19937 random(each_many);
    const auto rows = some_rows(in_order, random);
    kept_marks plain;
    kept_marks packed;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        plain.add(rows[i]);
        packed.add(rows[i]);
        if (i % each_many == 0) packed.fit();
    }
    packed.fit();
    const entry_index size = rows.back().entry + 1;
    for (const entry_index n : {entry_index{100}, entry_index{333}, size - 20, size})
        for (const entry_index pupil : {no_entry, entry_index{1}, entry_index{30}, entry_index{60}, entry_index{61}})
            for (const int last : {0, 2}) {
                CAPTURE(n, pupil, last);
                const day_range days{first_day, first_day + std::chrono::days(last)};
                CHECK(told(packed, days, pupil, n) == told(plain, days, pupil, n));
            }
}
