#pragma once

// Inside daemon/delivery only: the face of this folder is make_channel.hpp.

#include "daemon/delivery/make_channel.hpp"

#include <optional>
#include <vector>

namespace rollbook::delivery {

// OAuth 2.0 client credentials, as Microsoft 365 wants them for SMTP.
struct oauth_settings {
    std::string token_url;
    std::string client_id;
    secret_reference client_secret;
    std::string scope;
};

// Access tokens for one route, kept until shortly before they end.
class token_source {
public:
    virtual ~token_source() = default;
    // Fails with delivery_refused (a person must act) or delivery_unreachable.
    virtual boost::asio::awaitable<result<std::string>> token() = 0;
    // The newest token was refused: the next is a fresh one.
    virtual void forget() = 0;
};
std::unique_ptr<token_source> make_token_source(oauth_settings settings, const channel_surroundings& around);

struct mail_settings {
    std::string smtp_url;
    std::string from;
    std::vector<std::string> to;
    std::string user; // empty: the relay asks for none
    std::optional<secret_reference> password;
    std::optional<oauth_settings> oauth; // instead of a password; `user` is then the mailbox, or else `from`
    std::string ca_file;
};
std::unique_ptr<channel> make_mail_channel(mail_settings settings, const channel_surroundings& around);

// The mailbox that the route's mails come back to.
struct bounce_settings {
    std::string imap_url;
    std::string user;
    std::optional<secret_reference> password;
    std::optional<oauth_settings> oauth; // instead of a password: the route's
    std::string ca_file;
};
std::unique_ptr<returned_mail> make_bounce_box(bounce_settings settings, const channel_surroundings& around);

struct webhook_settings {
    std::string url;
    std::vector<secret_reference> secrets; // one, or two while the receiver changes from one to the other
    std::string ca_file;
};
std::unique_ptr<channel> make_webhook_channel(webhook_settings settings, const channel_surroundings& around);

// A Microsoft Teams workflow ("when a webhook request is received"). Its address lets anybody post, and is a secret.
struct teams_settings {
    secret_reference url;
    std::string ca_file;
};
std::unique_ptr<channel> make_teams_channel(teams_settings settings, const channel_surroundings& around);

std::unique_ptr<channel> make_note_channel(std::unique_ptr<note_writer> writer, std::string source);

std::unique_ptr<channel> make_file_channel(std::filesystem::path folder);

} // namespace rollbook::delivery
