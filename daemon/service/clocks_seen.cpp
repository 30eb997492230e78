#include "daemon/service/clocks_seen.hpp"

#include <algorithm>
#include <vector>

namespace rollbook {
namespace {

constexpr std::size_t in_a_row = 3;
constexpr std::chrono::minutes off_max{2};
constexpr std::chrono::hours remembered{1};

// What each of two readings in order bears out: none where one says ahead and the other behind.
std::chrono::milliseconds least_of(std::chrono::milliseconds low, std::chrono::milliseconds high)
{
    return std::clamp(std::chrono::milliseconds(0), low, high);
}

} // namespace

void clocks_seen::take(const std::string& host, std::chrono::milliseconds ahead, moment at)
{
    std::deque<reading>& of_host = newest_[host];
    of_host.push_back({ahead, at});
    if (of_host.size() > in_a_row) of_host.pop_front();
}

std::optional<std::chrono::milliseconds> clocks_seen::ahead(moment now) const
{
    std::vector<std::chrono::milliseconds> said;
    for (const auto& [host, of_host] : newest_) {
        if (of_host.size() < in_a_row || now - of_host.front().at > remembered) continue;
        const auto [low, high] = std::ranges::minmax(of_host, {}, &reading::ahead);
        said.push_back(least_of(low.ahead, high.ahead));
    }
    if (said.empty()) return std::nullopt;
    std::ranges::sort(said);
    const auto most = least_of(said[(said.size() - 1) / 2], said[said.size() / 2]);
    return std::chrono::abs(most) > off_max ? std::optional(most) : std::nullopt;
}

} // namespace rollbook
