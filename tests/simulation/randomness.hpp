#pragma once

#include <cstdint>

namespace rollbook::simulation {

// What the daemon takes for chance (keys, jitter) follows from this number from here on.
void seed_randomness(std::uint64_t seed);

} // namespace rollbook::simulation
