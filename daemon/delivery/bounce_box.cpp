#include "daemon/delivery/channels.hpp"
#include "daemon/delivery/delivery_report.hpp"

namespace rollbook::delivery {

namespace asio = boost::asio;

namespace {

class bounce_box final : public returned_mail {
public:
    bounce_box(bounce_settings settings, const channel_surroundings& around)
        : settings_(std::move(settings)), mail_(around.mail), read_secret_(around.read_secret)
    {
        if (settings_.oauth) tokens_ = make_token_source(*settings_.oauth, around);
    }

    asio::awaitable<result<std::vector<returned_message>>> since(civil_day day) override
    {
        mailbox_query query;
        query.imap_url = settings_.imap_url;
        query.user = settings_.user;
        query.ca_file = settings_.ca_file;
        query.since = day;
        if (tokens_) {
            const result<std::string> token = co_await tokens_->token();
            if (!token) co_return token.error();
            query.token = *token;
        } else if (settings_.password) {
            const result<std::string> password = read_secret_(*settings_.password);
            if (!password) co_return failure(errc::delivery_refused, password.error().what, password.error().to_do);
            query.password = *password;
        }
        const auto reports = co_await mail_.delivery_reports(std::move(query));
        if (!reports) {
            if (tokens_ && reports.error().code == errc::delivery_refused) tokens_->forget();
            co_return reports.error();
        }
        std::vector<returned_message> found;
        for (const std::string& raw : *reports)
            if (auto one = parse_delivery_report(raw)) found.push_back(std::move(*one));
        co_return found;
    }

private:
    bounce_settings settings_;
    std::unique_ptr<token_source> tokens_; // null: a password
    mail_client& mail_;
    std::function<result<std::string>(const secret_reference&)> read_secret_;
};

} // namespace

std::unique_ptr<returned_mail> make_bounce_box(bounce_settings settings, const channel_surroundings& around)
{
    return std::make_unique<bounce_box>(std::move(settings), around);
}

} // namespace rollbook::delivery
