#pragma once

#include "daemon/base/random.hpp"
#include "daemon/ports/accounts.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

// Who is logged in, and who may not try again yet. Pure: time is an argument. All of it is in memory: a restart logs
// everybody out.
namespace rollbook {

using steady_moment = std::chrono::steady_clock::time_point;

// 32 random bytes in hexadecimal: a session's id, or a token in a form.
std::string random_token();
// Compares in a time that does not depend on where they differ.
bool is_same_secret(std::string_view a, std::string_view b);

struct web_session {
    std::string user;
    instant account_changed_at{}; // the account as it was: another value ends the session
    std::string form_token;       // what each form of the session carries
    bool by_identity = false;     // opened by a believed proxy's word, and good only with it
    steady_moment began{};
    steady_moment last_seen{};
};

inline constexpr std::chrono::minutes session_idle_max{30};
inline constexpr std::chrono::hours session_life_max{10}; // a school's day

class session_book {
public:
    // A new session; gives its id. The oldest goes when there are too many, and of those by identity, which nothing but
    // a request opens, the account's own oldest.
    std::string open(const account& of, steady_moment now, bool by_identity = false);
    // The session, its clock set to now; null when there is none or it is over.
    web_session* find(std::string_view id, steady_moment now);
    void close(std::string_view id);
    std::size_t size() const { return sessions_.size(); }

private:
    static constexpr std::size_t sessions_max = 1000;
    static constexpr std::ptrdiff_t by_identity_max = 8; // of one account
    void remove_oldest(std::string_view user_by_identity);
    void remove_old(steady_moment now);
    std::map<std::string, web_session, std::less<>> sessions_; // by SHA-256 of the id
};

// Counts failures by name or address: after `free_tries` each doubles the wait, from ten seconds up to an hour.
class lock_out {
public:
    // How long `key` must wait; zero: not at all.
    std::chrono::seconds wait(std::string_view key, steady_moment now) const;
    void failed(std::string_view key, steady_moment now);
    void succeeded(std::string_view key) { tries_.erase(std::string(key)); }

private:
    static constexpr int free_tries = 5;
    static constexpr std::size_t keys_max = 10'000;
    struct entry {
        int failures = 0;
        steady_moment until{};
        steady_moment last{};
    };
    std::map<std::string, entry, std::less<>> tries_;
};

// So many at once, and so many a second from then on, by address.
class rate_limit {
public:
    rate_limit(double burst, double each_second) : burst_(burst), each_second_(each_second) {}
    bool allows(std::string_view key, steady_moment now);

private:
    static constexpr std::size_t keys_max = 10'000;
    struct bucket {
        double left = 0;
        steady_moment at{};
    };
    double burst_;
    double each_second_;
    std::map<std::string, bucket, std::less<>> buckets_;
};

} // namespace rollbook
