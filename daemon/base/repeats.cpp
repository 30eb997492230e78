#include "daemon/base/repeats.hpp"

#include <utility>

namespace rollbook {
namespace {

std::string without_numbers(std::string_view line)
{
    std::string kind;
    for (const char c : line)
        if (c < '0' || c > '9') kind += c;
    return kind;
}

} // namespace

bool repeats::count(std::string_view line, time_point now)
{
    std::string kind = without_numbers(line);
    auto at = kinds_.find(kind);
    if (at != kinds_.end() && at->second.ends <= now) {
        if (at->second.seen > kept) ended_.push_back({std::move(at->second.example), at->second.seen - kept});
        kinds_.erase(at);
        at = kinds_.end();
    }
    if (at == kinds_.end()) {
        if (kinds_.size() >= kinds_max) return true;
        at = kinds_.emplace(std::move(kind), stretch{std::string(line), now + lasts}).first;
    }
    return ++at->second.seen <= kept;
}

std::vector<repeats::summary> repeats::take_ended(time_point now)
{
    std::vector<summary> out = std::exchange(ended_, {});
    for (auto at = kinds_.begin(); at != kinds_.end();) {
        if (at->second.ends > now) {
            ++at;
            continue;
        }
        if (at->second.seen > kept) out.push_back({std::move(at->second.example), at->second.seen - kept});
        at = kinds_.erase(at);
    }
    return out;
}

} // namespace rollbook
