#include "daemon/delivery/channels.hpp"
#include "daemon/delivery/http_outcome.hpp"
#include "daemon/delivery/teams_card.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace rollbook::delivery {

namespace asio = boost::asio;

namespace {

constexpr std::size_t teams_answer_bytes_max = 1u << 20;
constexpr std::chrono::milliseconds between_cards{250}; // Teams takes four a second
constexpr std::string_view teams_to_do =
    "Copy the workflow's address from Teams again, whole, into the file of the route's url.";

class teams_channel final : public channel {
public:
    teams_channel(teams_settings settings, const channel_surroundings& around)
        : settings_(std::move(settings)), http_(around.http), read_secret_(around.read_secret)
    {
    }

    asio::awaitable<result<void>> send(message m) override
    {
        result<http_request> request = addressed();
        if (!request) co_return request.error();
        request->method = "POST";
        request->headers = {"Content-Type: application/json"};
        request->body = teams_card(m);
        asio::steady_timer pause(co_await asio::this_coro::executor);
        pause.expires_at(next_);
        co_await pause.async_wait(asio::use_awaitable);
        next_ = std::chrono::steady_clock::now() + between_cards;
        const std::unique_ptr<http_call> call = http_.start(std::move(*request));
        const result<http_response> answer = co_await call->answer();
        co_return judged_answer(answer, "the Teams workflow", teams_to_do);
    }

    bool fits(const message& m) const override { return is_whole_in_card(m); }

    // Any answer to a GET will do: a workflow that takes only POST says so, and is there.
    asio::awaitable<result<void>> check() override
    {
        result<http_request> request = addressed();
        if (!request) co_return request.error();
        const std::unique_ptr<http_call> call = http_.start(std::move(*request));
        const result<http_response> answer = co_await call->answer();
        co_return reached_answer(answer);
    }

private:
    result<http_request> addressed() const
    {
        const result<std::string> url = read_secret_(settings_.url);
        if (!url) return failure(errc::delivery_refused, url.error().what, url.error().to_do);
        http_request request(*url);
        request.ca_file = settings_.ca_file;
        request.body_bytes_max = teams_answer_bytes_max;
        return request;
    }

    teams_settings settings_;
    http_client& http_;
    std::function<result<std::string>(const secret_reference&)> read_secret_;
    std::chrono::steady_clock::time_point next_{};
};

} // namespace

std::unique_ptr<channel> make_teams_channel(teams_settings settings, const channel_surroundings& around)
{
    return std::make_unique<teams_channel>(std::move(settings), around);
}

} // namespace rollbook::delivery
