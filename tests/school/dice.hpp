#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string_view>
#include <vector>

namespace rollbook::school {

// Chance that comes out the same on every machine and in any order of asking: each stream is named by the seed, a word
// and up to two numbers, and the distributions are our own because the standard ones differ between libraries.
class dice {
public:
    dice(std::uint64_t seed, std::string_view stream, std::uint64_t a = 0, std::uint64_t b = 0)
    {
        state_ = mix(seed ^ 0x9e3779b97f4a7c15u);
        for (const char c : stream)
            state_ = mix(state_ ^ static_cast<unsigned char>(c));
        state_ = mix(mix(state_ ^ a) + b);
    }

    std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15u); }
    // [0, 1)
    double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
    // 0 to n - 1
    int below(int n) { return static_cast<int>(next() % static_cast<std::uint64_t>(n)); }
    bool chance(double p) { return unit() < p; }

    int poisson(double mean)
    {
        int n = 0;
        // Taken in parts, because exp(-mean) of a large mean is too small to count down from.
        for (; mean > 30; mean -= 30)
            n += poisson(30);
        const double limit = std::exp(-mean);
        for (double p = unit(); p > limit; p *= unit())
            ++n;
        return n;
    }

    // Marsaglia and Tsang (2000), with the usual lift for a shape below one.
    double gamma(double shape, double mean)
    {
        if (shape < 1) {
            const double lift = std::pow(1 - unit(), 1 / shape);
            return gamma(shape + 1, mean * (shape + 1) / shape) * lift;
        }
        const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
        for (;;) {
            const double x = normal(), v = std::pow(1 + c * x, 3);
            if (v <= 0) continue;
            if (std::log(1 - unit()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v * mean / shape;
        }
    }

    template <class List> const auto& one_of(const List& list)
    {
        return list[static_cast<std::size_t>(below(static_cast<int>(std::size(list))))];
    }

    template <class T> void shuffle(std::vector<T>& list)
    {
        for (std::size_t i = list.size(); i > 1; --i) {
            std::swap(list[i - 1], list[static_cast<std::size_t>(below(static_cast<int>(i)))]);
        }
    }

private:
    static std::uint64_t mix(std::uint64_t z) // SplitMix64's finaliser
    {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }

    double normal() { return std::sqrt(-2 * std::log(1 - unit())) * std::cos(2 * 3.14159265358979323846 * unit()); }

    std::uint64_t state_;
};

// Draws positions with given weights.
class urn {
public:
    urn() = default;
    explicit urn(const std::vector<double>& weights) : sums_(weights.size())
    {
        std::partial_sum(weights.begin(), weights.end(), sums_.begin());
    }
    int draw(dice& d) const
    {
        const auto at = std::upper_bound(sums_.begin(), sums_.end(), d.unit() * sums_.back());
        return static_cast<int>(std::min<std::ptrdiff_t>(at - sums_.begin(), std::ssize(sums_) - 1));
    }

private:
    std::vector<double> sums_;
};

} // namespace rollbook::school
