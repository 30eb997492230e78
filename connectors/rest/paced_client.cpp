#include "connectors/rest/paced_client.hpp"

#include "connectors/mapping/values.hpp"
#include "daemon/base/bytes.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace rollbook {

namespace asio = boost::asio;

rate_budget::clock::time_point rate_budget::take(clock::time_point now)
{
    clock::time_point at = std::max(now, not_before_);
    if (spec_.requests > 0) {
        while (!sent_.empty() && sent_.front() + spec_.per <= at)
            sent_.pop_front();
        if (sent_.size() >= spec_.requests) at = std::max(at, sent_[sent_.size() - spec_.requests] + spec_.per);
        sent_.push_back(at);
    }
    return at;
}

void rate_budget::note(const http_response& answer, clock::time_point now)
{
    if (spec_.remaining_header.empty() || spec_.reset_header.empty()) return;
    const auto left = parse_decimal(trimmed(answer.header(spec_.remaining_header)));
    const auto reset = parse_decimal(trimmed(answer.header(spec_.reset_header)));
    // A reset that far away is a moment in another clock, not a wait.
    constexpr std::uint64_t longest = 15 * 60;
    if (left && *left == 0 && reset && *reset <= longest)
        not_before_ = std::max(not_before_, now + std::chrono::seconds(static_cast<std::int64_t>(*reset)));
}

namespace {

class paced_call final : public http_call {
public:
    paced_call(http_client& to, http_request request, std::shared_ptr<rate_budget> budget)
        : to_(to), request_(std::move(request)), budget_(std::move(budget))
    {
        const auto now = rate_budget::clock::now();
        at_ = budget_->take(now);
        if (at_ <= now) call_ = to_.start(std::move(request_));
    }

    asio::awaitable<result<http_response>> answer() override
    {
        if (!call_) {
            asio::steady_timer pause(co_await asio::this_coro::executor);
            pause.expires_at(at_);
            const auto [cancelled] = co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
            if (cancelled) co_return failure(errc::stopped, "given up while waiting for the source's rate");
            call_ = to_.start(std::move(request_));
        }
        result<http_response> got = co_await call_->answer();
        if (got) budget_->note(*got, rate_budget::clock::now());
        co_return got;
    }

private:
    http_client& to_;
    http_request request_;
    std::shared_ptr<rate_budget> budget_;
    rate_budget::clock::time_point at_{};
    std::unique_ptr<http_call> call_;
};

} // namespace

paced_client::paced_client(http_client& to, const rate_spec& spec)
    : to_(to), budget_(std::make_shared<rate_budget>(spec)),
      is_paced_(spec.requests > 0 || !spec.remaining_header.empty())
{
}

std::unique_ptr<http_call> paced_client::start(http_request request)
{
    if (!is_paced_) return to_.start(std::move(request));
    return std::make_unique<paced_call>(to_, std::move(request), budget_);
}

} // namespace rollbook
