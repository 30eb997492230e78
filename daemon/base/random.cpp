#include "daemon/base/random.hpp"

#include "daemon/base/error.hpp"

#include <sodium/utils.h>

#include <pthread.h>
#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

namespace rollbook {

namespace {

std::atomic<unsigned> forks{0};

void count_fork() noexcept
{
    forks.fetch_add(1, std::memory_order_relaxed);
}

} // namespace

void random_bytes(std::span<std::uint8_t> out) noexcept
{
    while (!out.empty()) {
        const ssize_t got = getrandom(out.data(), out.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        ROLLBOOK_ENSURE(got > 0);
        out = out.subspan(static_cast<std::size_t>(got));
    }
}

void wipe(std::span<std::uint8_t> secret) noexcept
{
    sodium_memzero(secret.data(), secret.size());
}

commit_key_source::commit_key_source() noexcept : used_(sizeof pool_), forks_seen_(0)
{
    static const bool watching = pthread_atfork(nullptr, nullptr, count_fork) == 0;
    ROLLBOOK_ENSURE(watching);
    forks_seen_ = forks.load(std::memory_order_relaxed);
}

commit_key_source::~commit_key_source()
{
    wipe(pool_);
}

hash commit_key_source::next() noexcept
{
    const unsigned forks_now = forks.load(std::memory_order_relaxed);
    if (used_ == pool_.size() || forks_seen_ != forks_now) {
        random_bytes(pool_);
        used_ = 0;
        forks_seen_ = forks_now;
    }
    hash key;
    const auto taken = std::span(pool_).subspan(used_, key.size());
    std::copy(taken.begin(), taken.end(), key.begin());
    wipe(taken);
    used_ += key.size();
    return key;
}

} // namespace rollbook
