#pragma once

#include "connectors/rest/manifest.hpp"
#include "daemon/ports/http.hpp"

#include <chrono>
#include <deque>
#include <memory>

namespace rollbook {

// How many requests a source allows, kept by one clock: a pure account, which neither waits nor sends.
class rate_budget {
public:
    using clock = std::chrono::steady_clock;
    explicit rate_budget(const rate_spec& spec) : spec_(spec) {}

    // Takes the place of one request; gives when it may be sent, `now` where at once.
    clock::time_point take(clock::time_point now);
    // What an answer says is left, and until when.
    void note(const http_response& answer, clock::time_point now);

private:
    const rate_spec spec_;
    std::deque<clock::time_point> sent_; // of the requests within one interval, in order
    clock::time_point not_before_{};
};

// A client that asks one source no faster than its manifest says, for all its streams together. A request within the
// budget goes out at once; one beyond it waits when its answer is asked for. This is the one place where a connector
// waits: a failure is still paced by the loop that calls it.
class paced_client final : public http_client {
public:
    paced_client(http_client& to, const rate_spec& spec);
    std::unique_ptr<http_call> start(http_request request) override;

private:
    http_client& to_;
    std::shared_ptr<rate_budget> budget_;
    bool is_paced_ = false;
};

} // namespace rollbook
