#pragma once

#include <cstddef>
#include <cstdint>

namespace rollbook::simulation {

// The only source of chance. The same on every machine: the standard library's distributions are not (SplitMix64,
// public domain).
class dice {
public:
    explicit dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 0x632be59bd9b4e019u) {}

    std::uint64_t roll()
    {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(roll() % n); }
    int between(int low, int high) { return low + static_cast<int>(below(static_cast<std::size_t>(high - low + 1))); }
    bool one_in(std::size_t n) { return below(n) == 0; }
    bool per_mille(std::size_t share) { return below(1'000) < share; }

private:
    std::uint64_t state_;
};

} // namespace rollbook::simulation
