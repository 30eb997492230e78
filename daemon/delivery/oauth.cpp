#include "daemon/base/ascii.hpp"
#include "daemon/base/json.hpp"
#include "daemon/base/url_encoding.hpp"
#include "daemon/delivery/channels.hpp"
#include "daemon/delivery/http_outcome.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rollbook::delivery {

namespace asio = boost::asio;

namespace {

constexpr std::size_t token_answer_bytes_max = 64 * 1024;
constexpr std::chrono::minutes renewed_before{2};

class client_credentials final : public token_source {
public:
    client_credentials(oauth_settings settings, const channel_surroundings& around)
        : settings_(std::move(settings)), http_(around.http), read_secret_(around.read_secret), now_(around.now)
    {
    }

    asio::awaitable<result<std::string>> token() override
    {
        if (!token_.empty() && now_() < ends_) co_return token_;
        result<http_request> request = asking();
        if (!request) co_return request.error();
        const std::unique_ptr<http_call> call = http_.start(std::move(*request));
        const result<http_response> answer = co_await call->answer();
        co_return take(answer);
    }

    void forget() override { token_.clear(); }

private:
    result<http_request> asking() const
    {
        const result<std::string> secret = read_secret_(settings_.client_secret);
        if (!secret) return failure(errc::delivery_refused, secret.error().what, secret.error().to_do);
        http_request request(settings_.token_url);
        request.method = "POST";
        request.headers = {"Content-Type: application/x-www-form-urlencoded", "Accept: application/json"};
        request.body = "grant_type=client_credentials&client_id=" + url_encoded(settings_.client_id) +
                       "&client_secret=" + url_encoded(*secret) + "&scope=" + url_encoded(settings_.scope);
        request.body_bytes_max = token_answer_bytes_max;
        return request;
    }

    // RFC 6749 sections 4.4 and 5. A token has no control character, which in what we say to a mail server would begin
    // another part of it.
    result<std::string> take(const result<http_response>& answer)
    {
        constexpr std::string_view to_do = "Check tenant, client_id and client_secret in the route's oauth; a client "
                                           "secret of Microsoft 365 ends after two years at most.";
        if (const result<void> good = judged_answer(answer, "the token endpoint", to_do); !good) return good.error();
        const auto document = json_document::parse(answer->body);
        const auto token = document ? document->root()["access_token"].string_if() : std::nullopt;
        if (!token || token->empty() || std::ranges::any_of(*token, is_control))
            return failure(errc::delivery_refused, "the token endpoint's answer holds no token", std::string(to_do));
        const std::int64_t life = document->root()["expires_in"].int_if().value_or(300);
        token_ = std::string(*token);
        ends_ = now_() + std::chrono::seconds(std::clamp<std::int64_t>(life, 0, 86'400)) - renewed_before;
        return token_;
    }

    oauth_settings settings_;
    http_client& http_;
    std::function<result<std::string>(const secret_reference&)> read_secret_;
    std::function<instant()> now_;
    std::string token_;
    instant ends_{};
};

} // namespace

std::unique_ptr<token_source> make_token_source(oauth_settings settings, const channel_surroundings& around)
{
    return std::make_unique<client_credentials>(std::move(settings), around);
}

} // namespace rollbook::delivery
