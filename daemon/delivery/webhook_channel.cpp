#include "daemon/delivery/channels.hpp"
#include "daemon/delivery/http_outcome.hpp"
#include "daemon/delivery/webhook_signature.hpp"

namespace rollbook::delivery {

namespace asio = boost::asio;

namespace {

constexpr std::size_t webhook_answer_bytes_max = 1u << 20; // of no interest, and yet a receiver may answer with a page
constexpr std::string_view webhook_to_do = "Check url and secret in the route's settings with the receiver.";

class webhook_channel final : public channel {
public:
    webhook_channel(webhook_settings settings, const channel_surroundings& around)
        : settings_(std::move(settings)), http_(around.http), read_secret_(around.read_secret), now_(around.now)
    {
    }

    asio::awaitable<result<void>> send(message m) override
    {
        result<http_request> request = posting(std::move(m));
        if (!request) co_return request.error();
        const std::unique_ptr<http_call> call = http_.start(std::move(*request));
        const result<http_response> answer = co_await call->answer();
        co_return judged_answer(answer, "the webhook's receiver", webhook_to_do);
    }

    // Any answer to a GET will do: receivers that take only POST say so, and are there.
    asio::awaitable<result<void>> check() override
    {
        const result<std::string> signatures = signatures_of(message(), 0);
        if (!signatures) co_return signatures.error();
        const std::unique_ptr<http_call> call = http_.start(addressed());
        const result<http_response> answer = co_await call->answer();
        co_return reached_answer(answer);
    }

private:
    result<http_request> posting(message m) const
    {
        const std::int64_t at = std::chrono::floor<std::chrono::seconds>(now_()).time_since_epoch().count();
        const result<std::string> signatures = signatures_of(m, at);
        if (!signatures) return signatures.error();
        http_request request = addressed();
        request.method = "POST";
        request.headers = {
            "Content-Type: application/json",
            "webhook-id: " + m.id,
            "webhook-timestamp: " + std::to_string(at),
            "webhook-signature: " + *signatures,
        };
        if (m.attempt > 1) request.headers.push_back("X-Rollbook-Attempt: " + std::to_string(m.attempt));
        request.body = std::move(m.json);
        return request;
    }

    http_request addressed() const
    {
        http_request request(settings_.url);
        request.ca_file = settings_.ca_file;
        request.body_bytes_max = webhook_answer_bytes_max;
        return request;
    }

    // One per secret, so that a receiver that has changed to the new one and one that has not both find theirs.
    result<std::string> signatures_of(const message& m, std::int64_t at) const
    {
        std::string all;
        for (const secret_reference& reference : settings_.secrets) {
            const result<std::string> secret = read_secret_(reference);
            if (!secret) return failure(errc::delivery_refused, secret.error().what, secret.error().to_do);
            const auto one = webhook_signature(*secret, m.id, at, m.json);
            if (!one)
                return failure(
                    errc::delivery_refused,
                    "the webhook's secret is not in the form whsec_ and base64",
                    "Copy the secret from the receiver again, whole."
                );
            all += (all.empty() ? "" : " ") + *one;
        }
        return all;
    }

    webhook_settings settings_;
    http_client& http_;
    std::function<result<std::string>(const secret_reference&)> read_secret_;
    std::function<instant()> now_;
};

} // namespace

std::unique_ptr<channel> make_webhook_channel(webhook_settings settings, const channel_surroundings& around)
{
    return std::make_unique<webhook_channel>(std::move(settings), around);
}

} // namespace rollbook::delivery
