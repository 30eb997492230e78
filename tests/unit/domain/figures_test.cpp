#include "daemon/domain/figures.hpp"

#include "tests/unit/domain/days.hpp"

#include <catch2/catch.hpp>

using namespace rollbook;

namespace {

figures figures_of(std::string_view codes)
{
    figures found;
    for (std::size_t i = 0; i < codes.size(); ++i) {
        const statutory_code* row = find_statutory_code(codes.substr(i, 1), on(2026, 11, 23));
        const bool is_blank = is_not_recorded(codes.substr(i, 1));
        const code_class klass = row ? row->klass : is_blank ? code_class::none : code_class::unmapped;
        found.add(klass, row && row->late);
    }
    return found;
}

figures of(std::int64_t absent, std::int64_t possible)
{
    figures made;
    made.possible = possible;
    made.authorised = absent / 2;
    made.unauthorised = absent - absent / 2;
    made.present = possible - absent;
    return made;
}

} // namespace

TEST_CASE("each class counts in the figures it must and in no other", "[domain][statutory]")
{
    struct row {
        code_class klass;
        figures counted;
    };
    const std::vector<row> rows = {
        {code_class::present, {.possible = 1, .present = 1}},
        {code_class::approved_educational, {.possible = 1, .present = 1}},
        {code_class::authorised, {.possible = 1, .authorised = 1}},
        {code_class::unauthorised, {.possible = 1, .unauthorised = 1}},
        {code_class::not_required, {}},
        {code_class::administrative, {}},
        {code_class::unmapped, {.unmapped = 1}},
        {code_class::none, {.not_recorded = 1}},
    };
    for (const row& each : rows) {
        CAPTURE(name_of(each.klass));
        figures found;
        found.add(each.klass, false);
        CHECK(found == each.counted);
    }
}

TEST_CASE("late before closing is present and late after closing is absent, and both are late", "[domain][statutory]")
{
    CHECK(figures_of("L") == figures{.possible = 1, .present = 1, .late = 1});
    CHECK(figures_of("U") == figures{.possible = 1, .unauthorised = 1, .late = 1});
}

TEST_CASE("a mark outside the possible sessions is never late", "[domain]")
{
    for (const code_class klass :
         {code_class::not_required, code_class::administrative, code_class::unmapped, code_class::none}) {
        figures found;
        found.add(klass, true);
        CHECK(found.late == 0);
    }
}

TEST_CASE("possible sessions are those present and those absent", "[domain][statutory]")
{
    const figures found = figures_of("/\\LKVPWBMSTRIECGNOUDXQZ#- HJ!");
    CHECK(found.possible == 19);
    CHECK(found.present == 8);
    CHECK(found.authorised == 7);
    CHECK(found.unauthorised == 4);
    CHECK(found.absent() == 11);
    CHECK(found.late == 2);
    CHECK(found.unmapped == 3);
    CHECK(found.not_recorded == 2);
    CHECK(found.possible == found.present + found.absent());
}

TEST_CASE("a tenth is reached at exactly ten per cent and not a session earlier", "[domain][statutory]")
{
    const auto [absent, possible, reached] = GENERATE(table<std::int64_t, std::int64_t, bool>({
        {10, 100, true},      // 10.00 %
        {999, 10'000, false}, // 9.99 %
        {38, 380, true},
        {37, 380, false},
        {28, 281, false}, // 9.96 %, which rounds to 10.0
        {1, 10, true},
        {1, 11, false},
        {0, 10, false},
        {0, 0, false}, // nothing was possible
    }));
    CAPTURE(absent, possible);
    CHECK(of(absent, possible).absence_at_least(10, 100) == reached);
    CHECK(of(absent, possible).absence_at_least(1, 10) == reached);
}

TEST_CASE("a half is reached at fifty per cent", "[domain][statutory]")
{
    CHECK(of(190, 380).absence_at_least(1, 2));
    CHECK_FALSE(of(189, 380).absence_at_least(1, 2));
}

TEST_CASE("no share of no possible session is reached, not even none of it", "[domain]")
{
    CHECK_FALSE(figures{}.absence_at_least(0, 100));
    CHECK_FALSE(figures_of("DXYZ#-").absence_at_least(0, 100));
    CHECK(of(0, 1).absence_at_least(0, 100));
}
