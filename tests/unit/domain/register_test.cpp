#include "daemon/domain/register.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>

using namespace rollbook;

namespace {

const civil_day monday = civil_day(std::chrono::year(2026) / 9 / 14);

// One session of one pupil.
struct register_slot {
    session_id session{};
    pupil_no pupil = 0;
    auto operator<=>(const register_slot&) const = default;
};

std::string text_of(const held_mark& mark, const code_book& codes)
{
    if (!mark.met()) return "nothing";
    return std::to_string(mark.entry) + " " + std::to_string(mark.digest) + " " + std::string(codes.raw(mark.code)) +
           " " + std::to_string(mark.minutes) + (mark.gone ? " gone" : "");
}

} // namespace

TEST_CASE("a register gives back every mark as it was put, from whichever entry it came", "[domain]")
{
    // How far apart the entries of one session are: of one page, of a school's year, of ten.
    const std::uint32_t apart = GENERATE(3u, 60'000u, 10'000'000u);
    const bool mostly_together = GENERATE(true, false);
    CAPTURE(apart, mostly_together);
    std::mt19937 dice(7);
    const auto roll = [&](std::uint32_t below) { return static_cast<std::uint32_t>(dice() % below); };
    attendance_register held(std::make_shared<code_book>());
    std::map<register_slot, held_mark> expected;
    constexpr std::uint32_t pupils = 90;
    for (pupil_no pupil = 0; pupil < pupils; ++pupil)
        REQUIRE(held.number_of(1'000 + pupil) == pupil);
    const char* const codes[] = {"/", "N", "L", "ZZ", ""};
    for (std::uint32_t i = 0; i < 1'500; ++i) {
        const register_slot slot{
            {monday + std::chrono::days(roll(4)), roll(2) ? half_day::am : half_day::pm}, roll(pupils)};
        held_mark mark;
        const bool is_by_itself = !mostly_together || roll(10) == 0;
        mark.entry = 5'000'000 + i + (is_by_itself ? roll(apart) : 0) - (is_by_itself ? roll(apart) % 4'999'999 : 0);
        mark.digest = static_cast<std::uint32_t>(dice());
        const char* code = codes[roll(5)];
        mark.code = held.codes().intern(code, code);
        mark.minutes = static_cast<std::uint8_t>(roll(256));
        mark.gone = roll(5) == 0;
        held.put(slot.session, slot.pupil, mark);
        expected[slot] = mark;
    }
    std::uint64_t count = 0;
    for (int day = 0; day < 4; ++day)
        for (const half_day half : {half_day::am, half_day::pm})
            for (pupil_no pupil = 0; pupil < pupils; ++pupil) {
                const session_id session{monday + std::chrono::days(day), half};
                const auto at = expected.find({session, pupil});
                const held_mark wanted = at == expected.end() ? held_mark() : at->second;
                CHECK(text_of(held.find(session, pupil), held.codes()) == text_of(wanted, held.codes()));
                count += wanted.is_held() ? 1 : 0;
            }
    CHECK(held.held() == count);
    std::uint64_t met = 0;
    for (pupil_no pupil = 0; pupil < pupils; ++pupil)
        held.for_each_met(
            pupil,
            {monday, monday + std::chrono::days(3)},
            [&](session_id session, const held_mark& mark) {
                CHECK(text_of(mark, held.codes()) == text_of(expected.at({session, pupil}), held.codes()));
                ++met;
            }
        );
    CHECK(met == expected.size());
}

TEST_CASE("a register that rests gives back a session of any number of kinds of mark", "[domain]")
{
    const std::uint32_t kinds = GENERATE(1u, 14u, 15u, 16u, 17u, 255u, 300u);
    const bool all_met = GENERATE(true, false);
    CAPTURE(kinds, all_met);
    attendance_register held(std::make_shared<code_book>());
    held.read_digests_by([](entry_index, entry_index, const attendance_register::digest_use&) {});
    const session_id session{monday, half_day::am};
    const auto mark_of = [&](pupil_no pupil) {
        held_mark mark;
        mark.entry = 10 + pupil;
        mark.code = held.codes().intern("C" + std::to_string(pupil % kinds), "");
        return mark;
    };
    constexpr pupil_no pupils = 900;
    const auto is_met = [&](pupil_no pupil) { return all_met || pupil % 100 != 3; };
    for (pupil_no pupil = 0; pupil < pupils; ++pupil)
        held.number_of(1'000 + pupil);
    for (pupil_no pupil = 0; pupil < pupils; ++pupil)
        if (is_met(pupil)) held.put(session, pupil, mark_of(pupil));
    held.rest();
    for (pupil_no pupil = 0; pupil < pupils; ++pupil)
        REQUIRE(
            text_of(held.find_but_digest(session, pupil), held.codes()) ==
            (is_met(pupil) ? text_of(mark_of(pupil), held.codes()) : "nothing")
        );
    held.put(session, 3, mark_of(3)); // unpacks it
    CHECK(text_of(held.find(session, 3), held.codes()) == text_of(mark_of(3), held.codes()));
    CHECK(text_of(held.find(session, pupils - 1), held.codes()) == text_of(mark_of(pupils - 1), held.codes()));
}

TEST_CASE("a session that nothing was put for holds nothing, whoever and whenever", "[domain]")
{
    attendance_register held(std::make_shared<code_book>());
    CHECK_FALSE(held.find({monday, half_day::am}, 0).met());
    held_mark mark;
    mark.entry = 0;
    mark.code = held.codes().intern("/", "/");
    held.put({monday, half_day::am}, held.number_of(5), mark);
    CHECK(held.find({monday, half_day::am}, 0).met());
    CHECK_FALSE(held.find({monday, half_day::am}, 1).met());
    CHECK_FALSE(held.find({monday, half_day::pm}, 0).met());
    CHECK_FALSE(held.find({monday - std::chrono::days(1), half_day::am}, 0).met());
    CHECK_FALSE(held.find({monday + std::chrono::days(1), half_day::am}, 0).met());
}

TEST_CASE("digests of earlier years are read where they are kept once a register rests", "[domain]")
{
    attendance_register held(std::make_shared<code_book>());
    std::map<entry_index, std::uint32_t> kept; // as a ledger has them
    std::map<register_slot, std::string> expected;
    int asked = 0;
    held.read_digests_by([&](entry_index first, entry_index last, const attendance_register::digest_use& use) {
        ++asked;
        for (auto at = kept.lower_bound(first); at != kept.end() && at->first <= last; ++at)
            use(at->first, at->second);
    });
    std::uint32_t entry = 0;
    const auto put = [&](civil_day day, pupil_no pupil, const char* code, bool gone) {
        held_mark mark;
        mark.entry = entry += pupil == 7 ? 100'000 : 1;
        mark.digest = gone ? pupil % 2 : 77 * mark.entry;
        mark.code = held.codes().intern(code, code);
        mark.gone = gone;
        kept[mark.entry] = mark.digest;
        held.put({day, half_day::am}, pupil, mark);
        expected[{{day, half_day::am}, pupil}] = text_of(mark, held.codes());
    };
    const auto check_all = [&] {
        for (const auto& [slot, text] : expected)
            CHECK(text_of(held.find(slot.session, slot.pupil), held.codes()) == text);
    };
    const civil_day earlier = monday - std::chrono::days(450);
    for (pupil_no pupil = 0; pupil < 12; ++pupil)
        REQUIRE(held.number_of(1'000 + pupil) == pupil);
    for (const civil_day day : {earlier, earlier + std::chrono::days(1), monday})
        for (pupil_no pupil = 0; pupil < 12; ++pupil)
            put(day, pupil, pupil % 3 ? "/" : "N", pupil % 5 == 0);
    check_all();
    held.rest();
    CHECK(held.find_but_digest({earlier, half_day::am}, 1).digest == 0);
    CHECK(held.find_but_digest({earlier, half_day::am}, 5).is_out_of_scope());
    CHECK(held.find_but_digest({monday, half_day::am}, 1).digest != 0);
    CHECK(asked == 0);
    check_all();
    CHECK(asked > 0);
    const int asked_before = asked;
    check_all();
    CHECK(asked == asked_before);

    held.rest();
    put(earlier, 3, "I", false);
    check_all();
}

TEST_CASE("digests of many earlier days are right however a source goes through them", "[domain]")
{
    attendance_register held(std::make_shared<code_book>());
    const code_id present = held.codes().intern("/", "/");
    constexpr int days = 100;
    constexpr pupil_no pupils = 3;
    const auto digest_of = [](entry_index entry) { return static_cast<std::uint32_t>(entry * 31 + 7); };
    std::set<entry_index> changed; // not yet where digests are kept
    int asked = 0;
    held.read_digests_by([&](entry_index first, entry_index last, const attendance_register::digest_use& use) {
        ++asked;
        for (entry_index entry = first; entry <= last; ++entry)
            if (!changed.contains(entry)) use(entry, digest_of(entry));
    });
    const auto put = [&](int day, pupil_no pupil, std::uint32_t entry) {
        held_mark mark;
        mark.code = present;
        mark.entry = entry;
        mark.digest = digest_of(entry);
        held.put({monday + std::chrono::days(day), half_day::am}, pupil, mark);
    };
    const auto entry_of = [](int day, pupil_no pupil) { return static_cast<std::uint32_t>(day) * pupils + pupil; };
    const auto check = [&](int day) {
        for (pupil_no pupil = 0; pupil < pupils; ++pupil) {
            const held_mark found = held.find({monday + std::chrono::days(day), half_day::am}, pupil);
            CHECK(found.digest == digest_of(found.entry));
        }
    };
    for (pupil_no pupil = 0; pupil < pupils; ++pupil)
        held.number_of(1'000 + pupil);
    for (int day = 0; day < days; ++day)
        for (pupil_no pupil = 0; pupil < pupils; ++pupil)
            put(day, pupil, entry_of(day, pupil));
    put(days + 500, 0, 1'000'000);
    held.rest();
    check(0);
    const std::uint32_t fresh = 2'000'000;
    changed.insert(fresh);
    put(0, 1, fresh); // its digest is nowhere else yet
    for (int day = 0; day < days; ++day)
        check(day);
    CHECK(asked == days);
    for (int times = 0; times < 3; ++times)
        for (int day = 0; day < days; ++day)
            check(day);
    CHECK(asked < 3 * days); // once more each, and then they stay
    changed.clear();
    held.rest();
    check(0);
}
