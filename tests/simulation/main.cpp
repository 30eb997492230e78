// Lives through simulated fortnights or a school year and says what did not hold. See tests/simulation/README.md.

#include "tests/simulation/simulation.hpp"

#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>

using namespace rollbook::simulation;

namespace {

int usage()
{
    std::puts(
        "usage: rollbook-simulate [--seeds FIRST-LAST] [--plant cursor|outbox|tombstone] [--tell]\n"
        "       rollbook-simulate --year [PUPILS]\n"
        "Prints a line for each seed in which something did not hold, and a summary. Exit code 1 when any did not."
    );
    return 2;
}

void print_problems(const findings& found, std::uint64_t seed)
{
    for (const std::string& each : found.problems)
        std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), each.c_str());
}

double seconds_since(std::chrono::steady_clock::time_point began)
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

int live_a_year(int pupils)
{
    const auto began = std::chrono::steady_clock::now();
    const findings found = simulate(school_year(pupils));
    print_problems(found, 1);
    std::printf(
        "%d pupils, a school year: %d polls, %llu entries, %d alerts, %d messages, %.1f s, trace %016llx\n",
        pupils,
        found.polls,
        static_cast<unsigned long long>(found.entries),
        found.alerts,
        found.deliveries,
        seconds_since(began),
        static_cast<unsigned long long>(found.trace)
    );
    return found.problems.empty() ? 0 : 1;
}

int live_fortnights(std::uint64_t first, std::uint64_t last, plant bug, bool tells)
{
    const auto began = std::chrono::steady_clock::now();
    findings all;
    std::uint64_t broken = 0;
    std::uint64_t first_broken = 0;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        plan lived = fortnight(seed, bug);
        lived.tells = tells;
        const findings found = simulate(lived);
        print_problems(found, seed);
        if (!found.problems.empty() && broken++ == 0) first_broken = seed;
        all.trace = all.trace * 1'099'511'628'211u + found.trace;
        all.polls += found.polls;
        all.deaths += found.deaths;
        all.power_cuts += found.power_cuts;
        all.failed_reads += found.failed_reads;
        all.entries += found.entries;
        all.alerts += found.alerts;
        all.deliveries += found.deliveries;
        all.repeats += found.repeats;
    }
    const double seconds = seconds_since(began);
    std::printf(
        "%llu seeds, %llu broken (first %llu): %d polls, %d failed reads, %d deaths of the process, %d of them power "
        "cuts, "
        "%llu entries, %d alerts, %d messages, %d repeats; %.1f s, %.1f ms a seed, trace %016llx\n",
        static_cast<unsigned long long>(last - first + 1),
        static_cast<unsigned long long>(broken),
        static_cast<unsigned long long>(first_broken),
        all.polls,
        all.failed_reads,
        all.deaths,
        all.power_cuts,
        static_cast<unsigned long long>(all.entries),
        all.alerts,
        all.deliveries,
        all.repeats,
        seconds,
        seconds * 1'000 / static_cast<double>(last - first + 1),
        static_cast<unsigned long long>(all.trace)
    );
    return broken == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
    std::uint64_t first = 1;
    std::uint64_t last = 100;
    plant bug = plant::none;
    bool tells = false;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const std::string value = i + 1 < argc ? argv[i + 1] : "";
        if (word == "--year") return live_a_year(value.empty() ? 1'200 : std::stoi(value));
        if (word == "--tell") {
            tells = true;
            continue;
        }
        if (value.empty()) return usage();
        ++i;
        if (word == "--seeds") {
            const std::size_t dash = value.find('-');
            first = std::stoull(value.substr(0, dash));
            last = dash == value.npos ? first : std::stoull(value.substr(dash + 1));
        } else if (word == "--plant") {
            if (value == "cursor")
                bug = plant::cursor_early;
            else if (value == "outbox")
                bug = plant::split_outbox;
            else if (value == "tombstone")
                bug = plant::lost_tombstone;
            else
                return usage();
        } else {
            return usage();
        }
    }
    return live_fortnights(first, last, bug, tells);
}
