#include "daemon/ledger/needles.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

// Windows a needle may begin with: the longest that fits, so that few needles share one.
constexpr std::array<std::size_t, 5> windows = {64, 32, 16, 8, needle_search::bytes_min};
constexpr std::uint64_t multiplier = 0x9E3779B97F4A7C15;
constexpr std::size_t filter_bits = std::size_t{1} << 20;

std::uint64_t hash_of_window(std::string_view text)
{
    std::uint64_t hash = 0;
    for (const char c : text)
        hash = hash * multiplier + static_cast<unsigned char>(c) + 1;
    return hash;
}

std::size_t filter_place(std::uint64_t hash)
{
    return (hash ^ (hash >> 32)) % filter_bits;
}

} // namespace

needle_search::group& needle_search::group_of(std::size_t size)
{
    const std::size_t window = *std::ranges::find_if(windows, [&](std::size_t each) { return each <= size; });
    const auto found = std::ranges::find(groups_, window, &group::window);
    if (found != groups_.end()) return *found;
    groups_.push_back({window, std::vector<bool>(filter_bits), {}});
    return groups_.back();
}

bool needle_search::add(std::string_view text)
{
    if (text.size() < bytes_min) return false;
    text = text.substr(0, bytes_max);
    const auto [at, is_new] = numbers_.try_emplace(std::string(text), needles_.size());
    if (!is_new) return true;
    needles_.push_back({std::string(text), true});
    group& into = group_of(text.size());
    const std::uint64_t hash = hash_of_window(text.substr(0, into.window));
    into.maybe[filter_place(hash)] = true;
    into.by_hash[hash].push_back(at->second);
    return true;
}

std::vector<std::size_t> needle_search::find_in(std::string_view text) const
{
    std::vector<std::size_t> found;
    for (const group& each : groups_) {
        if (text.size() < each.window) continue;
        std::uint64_t leaving = 1; // multiplier to the power of the window
        for (std::size_t i = 0; i < each.window; ++i)
            leaving *= multiplier;
        std::uint64_t hash = hash_of_window(text.substr(0, each.window));
        for (std::size_t at = 0;; ++at) {
            if (each.maybe[filter_place(hash)]) {
                const auto same = each.by_hash.find(hash);
                if (same != each.by_hash.end())
                    for (const std::size_t number : same->second)
                        if (needles_[number].wanted && text.substr(at).starts_with(needles_[number].text))
                            found.push_back(number);
            }
            if (at + each.window >= text.size()) break;
            hash = hash * multiplier + static_cast<unsigned char>(text[at + each.window]) + 1;
            hash -= leaving * (static_cast<std::uint64_t>(static_cast<unsigned char>(text[at])) + 1);
        }
    }
    std::ranges::sort(found);
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

std::size_t needle_search::size() const
{
    return static_cast<std::size_t>(std::ranges::count(needles_, true, &needle::wanted));
}

} // namespace rollbook
