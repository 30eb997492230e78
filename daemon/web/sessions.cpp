#include "daemon/web/sessions.hpp"

#include "daemon/base/sha256.hpp"

#include <algorithm>

namespace rollbook {
namespace {

// What is kept of an id: whoever reads our memory or a core file cannot use it.
std::string kept_form(std::string_view id)
{
    return to_hex(sha256(as_bytes(id)));
}

} // namespace

std::string random_token()
{
    hash random{};
    random_bytes(random);
    return to_hex(random);
}

bool is_same_secret(std::string_view a, std::string_view b)
{
    const hash left = sha256(as_bytes(a));
    const hash right = sha256(as_bytes(b));
    unsigned differs = 0;
    for (std::size_t i = 0; i < left.size(); ++i)
        differs |= static_cast<unsigned>(left[i] ^ right[i]);
    return differs == 0;
}

std::string session_book::open(const account& of, steady_moment now, bool by_identity)
{
    remove_old(now);
    if (by_identity) remove_oldest(of.name);
    std::string id = random_token();
    web_session fresh;
    fresh.user = of.name;
    fresh.account_changed_at = of.changed_at;
    fresh.form_token = random_token();
    fresh.by_identity = by_identity;
    fresh.began = now;
    fresh.last_seen = now;
    sessions_.insert_or_assign(kept_form(id), std::move(fresh));
    return id;
}

web_session* session_book::find(std::string_view id, steady_moment now)
{
    const auto found = id.empty() ? sessions_.end() : sessions_.find(kept_form(id));
    if (found == sessions_.end()) return nullptr;
    web_session& session = found->second;
    if (now - session.last_seen > session_idle_max || now - session.began > session_life_max) {
        sessions_.erase(found);
        return nullptr;
    }
    session.last_seen = now;
    return &session;
}

void session_book::close(std::string_view id)
{
    sessions_.erase(kept_form(id));
}

void session_book::remove_oldest(std::string_view user_by_identity)
{
    const auto is_one = [&](const auto& each) {
        return each.second.by_identity && each.second.user == user_by_identity;
    };
    if (std::ranges::count_if(sessions_, is_one) < by_identity_max) return;
    auto oldest = std::ranges::find_if(sessions_, is_one);
    for (auto at = oldest; at != sessions_.end(); ++at)
        if (is_one(*at) && at->second.last_seen < oldest->second.last_seen) oldest = at;
    sessions_.erase(oldest);
}

void session_book::remove_old(steady_moment now)
{
    std::erase_if(sessions_, [&](const auto& each) {
        return now - each.second.last_seen > session_idle_max || now - each.second.began > session_life_max;
    });
    while (sessions_.size() >= sessions_max)
        sessions_.erase(std::ranges::min_element(sessions_, {}, [](const auto& each) { return each.second.last_seen; })
        );
}

std::chrono::seconds lock_out::wait(std::string_view key, steady_moment now) const
{
    const auto found = tries_.find(key);
    if (found == tries_.end() || found->second.until <= now) return std::chrono::seconds(0);
    return std::chrono::ceil<std::chrono::seconds>(found->second.until - now);
}

void lock_out::failed(std::string_view key, steady_moment now)
{
    constexpr std::chrono::seconds first{10};
    constexpr std::chrono::seconds longest{3600};
    std::erase_if(tries_, [&](const auto& each) { return now - each.second.last > std::chrono::hours(24); });
    if (tries_.size() >= keys_max)
        tries_.erase(std::ranges::min_element(tries_, {}, [](const auto& each) { return each.second.last; }));
    entry& of = tries_[std::string(key)];
    ++of.failures;
    of.last = now;
    if (of.failures < free_tries) return;
    const int doublings = std::min(of.failures - free_tries, 10);
    of.until = now + std::min<std::chrono::seconds>(first * (1 << doublings), longest);
}

bool rate_limit::allows(std::string_view key, steady_moment now)
{
    if (buckets_.size() >= keys_max)
        std::erase_if(buckets_, [&](const auto& each) { return now - each.second.at > std::chrono::minutes(1); });
    if (buckets_.size() >= keys_max) buckets_.clear();
    auto [at, fresh] = buckets_.try_emplace(std::string(key), bucket{burst_, now});
    bucket& of = at->second;
    const double passed = std::chrono::duration<double>(now - of.at).count();
    of.left = std::min(burst_, of.left + passed * each_second_);
    of.at = now;
    if (of.left < 1) return false;
    of.left -= 1;
    return true;
}

} // namespace rollbook
