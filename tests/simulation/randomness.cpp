#include "tests/simulation/randomness.hpp"

#include "tests/simulation/dice.hpp"

#include <cstddef>
#include <sys/random.h>

namespace {

rollbook::simulation::dice chance(0);

} // namespace

// The system's random source as the daemon asks for it (daemon/base/random.cpp), so that the same seed makes the same
// keys. The program's own function stands before the C library's.
extern "C" ssize_t getrandom(void* out, size_t size, unsigned)
{
    auto* bytes = static_cast<unsigned char*>(out);
    for (size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<unsigned char>(chance.roll() >> 13);
    return static_cast<ssize_t>(size);
}

namespace rollbook::simulation {

void seed_randomness(std::uint64_t seed)
{
    chance = dice(seed);
}

} // namespace rollbook::simulation
