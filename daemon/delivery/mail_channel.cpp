#include "daemon/delivery/channels.hpp"
#include "daemon/delivery/mail_message.hpp"

namespace rollbook::delivery {

namespace asio = boost::asio;

namespace {

class mail_channel final : public channel {
public:
    mail_channel(mail_settings settings, const channel_surroundings& around)
        : settings_(std::move(settings)), mail_(around.mail), read_secret_(around.read_secret)
    {
        envelope_.from = settings_.from;
        envelope_.to = settings_.to;
        envelope_.school_name = around.school_name;
        envelope_.school_urn = around.school_urn;
        if (settings_.oauth) tokens_ = make_token_source(*settings_.oauth, around);
    }

    asio::awaitable<result<void>> send(message m) override
    {
        std::vector<std::string> to = settings_.to;
        std::string text = compose_mail(m, envelope_);
        co_return co_await submit(std::move(to), std::move(text));
    }

    // A mail for nobody: the relay is reached and logged on to.
    asio::awaitable<result<void>> check() override
    {
        std::vector<std::string> nobody;
        std::string nothing;
        co_return co_await submit(std::move(nobody), std::move(nothing));
    }

private:
    asio::awaitable<result<void>> submit(std::vector<std::string> to, std::string text)
    {
        for (int tries = 1;; ++tries) {
            result<mail_submission> mail = addressed();
            if (!mail) co_return mail.error();
            mail->to = to;
            mail->message = text;
            if (tokens_) {
                const result<std::string> token = co_await tokens_->token();
                if (!token) co_return token.error();
                mail->token = *token;
            }
            const result<void> taken = co_await mail_.submit(std::move(*mail));
            // A token can be withdrawn before its time: a fresh one is tried once.
            if (taken || taken.error().code != errc::delivery_refused || !tokens_ || tries == 2) co_return taken;
            tokens_->forget();
        }
    }

    result<mail_submission> addressed() const
    {
        mail_submission mail;
        mail.from = settings_.from;
        if (settings_.oauth) mail.user = settings_.user.empty() ? settings_.from : settings_.user;
        mail.smtp_url = settings_.smtp_url;
        mail.ca_file = settings_.ca_file;
        if (settings_.password) {
            const result<std::string> password = read_secret_(*settings_.password);
            if (!password) return failure(errc::delivery_refused, password.error().what, password.error().to_do);
            mail.user = settings_.user;
            mail.password = *password;
        }
        return mail;
    }

    mail_settings settings_;
    mail_envelope envelope_;
    std::unique_ptr<token_source> tokens_; // null: a password, or nothing
    mail_client& mail_;
    std::function<result<std::string>(const secret_reference&)> read_secret_;
};

} // namespace

std::unique_ptr<channel> make_mail_channel(mail_settings settings, const channel_surroundings& around)
{
    return std::make_unique<mail_channel>(std::move(settings), around);
}

} // namespace rollbook::delivery
