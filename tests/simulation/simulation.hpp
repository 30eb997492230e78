#pragma once

#include "tests/simulation/parts.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace rollbook::simulation {

struct plan {
    std::uint64_t seed = 1;
    plant bug = plant::none;
    scale size;
    bool with_faults = true;
    bool receivers_refuse = false; // now and then, beside all other faults
    std::vector<int> minutes;      // of the day at which it polls, by the school's clock; empty: each half hour
    bool tells = false;            // prints what happens on standard output
    // The whole of what is held is compared after every so many polls; else the days that were asked for, and pupils.
    int look_closely_every = 1;
    // The ledger's pages are of 4 KiB and not of 16: as many writes to tear or lose, in a quarter of the bytes.
    bool with_small_pages = false;
    std::size_t one_point_in = 3; // of how many days one is looked at again at the end, as it was known then
};
// A fortnight of thirty pupils, polled each half hour, with all that can go wrong.
plan fortnight(std::uint64_t seed, plant bug = plant::none);
// A school year, four polls a school day, with nothing going wrong.
plan school_year(int pupils);

struct findings {
    std::vector<std::string> problems; // what did not hold; empty: all did
    std::uint64_t trace = 0;           // of everything that happened; the same for the same plan
    int polls = 0;
    int deaths = 0; // of the process
    int power_cuts = 0;
    int failed_reads = 0;
    std::uint64_t entries = 0;
    int alerts = 0; // openings, with those of the first read
    int deliveries = 0;
    int repeats = 0;
    int refusals = 0; // of messages, by their receivers
};

// Lives through the plan and checks all along. Takes over the process's default SQLite disk, its randomness and its
// standard error while it runs.
findings simulate(const plan& of);

} // namespace rollbook::simulation
