#include "tests/simulation/simulation.hpp"

#include <catch2/catch.hpp>

using namespace rollbook::simulation;

namespace {

#ifdef NDEBUG
constexpr int seeds = 60;
#else
constexpr int seeds = 10; // not optimised, a life takes ten times as long
#endif

void check_holds(const plan& lived, const findings& found)
{
    CAPTURE(lived.seed);
    for (const std::string& each : found.problems)
        UNSCOPED_INFO(each);
    CHECK(found.problems.empty());
}

} // namespace

TEST_CASE(
    "whatever breaks in a fortnight, the ledger says what the source said and everybody is told once",
    "[simulation][crash][long]"
)
{
    findings all;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        const plan lived = fortnight(seed);
        const findings found = simulate(lived);
        check_holds(lived, found);
        all.deaths += found.deaths;
        all.power_cuts += found.power_cuts;
        all.failed_reads += found.failed_reads;
        all.alerts += found.alerts;
        all.repeats += found.repeats;
        all.refusals += found.refusals;
    }
    // It did happen.
    CHECK(all.deaths > 10 * seeds);
    CHECK(all.power_cuts > 5 * seeds);
    CHECK(all.failed_reads > 50 * seeds);
    CHECK(all.alerts > 5 * seeds);
    CHECK(all.repeats > seeds / 4);
    CHECK(all.refusals > seeds);
}

TEST_CASE("lives in which something was wrong once", "[simulation][crash]")
{
    const auto [why, seed, small_pages] = GENERATE(table<const char*, std::uint64_t, bool>({
        {"a clock put back made messages wait until it was again where it wrongly had been", 32, false},
        {"marks that a failed read left behind were not judged by the next one", 72, false},
        {"the same, after the last session of a week", 81, false},
        {"a day judged by incidents alone was taken for judged once the clock was put back", 5'121, false},
        {"a mark that a first read left behind when it died stayed though the source had dropped it by the next",
         971,
         false},
        {"what a kill had left unsynced was read, and taken away by a power cut", 50'082, false},
        {"the same, twice", 60'101, false},
        {"a receiver was gone for so long that its messages were given up, which the other one was told",
         101'605,
         false},
        {"a refused message did not go when its route took another one, and was given up", 532'289, false},
        {"a receiver took messages again, for less than the hour that one had been told to wait", 541'698, false},
        {"the same, and the ends of alerts that nobody there had heard of went out", 542'005, false},
        {"a clock put back made a mark that was taken back one that may still come, and its alert waited",
         560'278,
         false},
        {"a commit that failed came back with the log that the process had deleted at its end", 413'435, true},
    }));
    CAPTURE(why);
    plan lived = fortnight(seed);
    lived.with_small_pages = small_pages; // as it was found
    check_holds(lived, simulate(lived));
}

TEST_CASE("the same seed lives the same life", "[simulation]")
{
    const findings once = simulate(fortnight(7));
    const findings again = simulate(fortnight(7));
    CHECK(once.trace == again.trace);
    CHECK(once.trace != simulate(fortnight(8)).trace);
}

TEST_CASE("a planted bug is found within a hundred seeds", "[simulation]")
{
    const auto [why, bug] = GENERATE(table<const char*, plant>({
        {"a cursor that moves before its changes are durable", plant::cursor_early},
        {"messages stored apart from their alerts", plant::split_outbox},
        {"a deletion lost where a page is asked for twice", plant::lost_tombstone},
        {"an earlier day of which marks came late is not judged", plant::forgotten_day},
        {"nobody is told that an alert is about a later day too", plant::untold_day},
    }));
    CAPTURE(why);
    std::uint64_t seed = 1;
    while (seed <= 100 && simulate(fortnight(seed, bug)).problems.empty())
        ++seed;
    CHECK(seed <= 100);
}
