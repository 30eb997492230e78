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
    }

    asio::awaitable<result<void>> send(message m) override
    {
        result<mail_submission> mail = addressed();
        if (!mail) co_return mail.error();
        mail->from = settings_.from;
        mail->to = settings_.to;
        mail->message = compose_mail(m, envelope_);
        co_return co_await mail_.submit(std::move(*mail));
    }

    // A mail for nobody: the relay is reached and logged on to.
    asio::awaitable<result<void>> check() override
    {
        result<mail_submission> mail = addressed();
        if (!mail) co_return mail.error();
        mail->from = settings_.from;
        co_return co_await mail_.submit(std::move(*mail));
    }

private:
    result<mail_submission> addressed() const
    {
        mail_submission mail;
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
    mail_client& mail_;
    std::function<result<std::string>(const secret_reference&)> read_secret_;
};

} // namespace

std::unique_ptr<channel> make_mail_channel(mail_settings settings, const channel_surroundings& around)
{
    return std::make_unique<mail_channel>(std::move(settings), around);
}

} // namespace rollbook::delivery
