#pragma once

// Inside daemon/delivery only: the face of this folder is make_channel.hpp.

#include "daemon/delivery/make_channel.hpp"

#include <optional>
#include <vector>

namespace rollbook::delivery {

struct mail_settings {
    std::string smtp_url;
    std::string from;
    std::vector<std::string> to;
    std::string user; // empty: the relay asks for none
    std::optional<secret_reference> password;
    std::string ca_file;
};
std::unique_ptr<channel> make_mail_channel(mail_settings settings, const channel_surroundings& around);

struct webhook_settings {
    std::string url;
    std::vector<secret_reference> secrets; // one, or two while the receiver changes from one to the other
    std::string ca_file;
};
std::unique_ptr<channel> make_webhook_channel(webhook_settings settings, const channel_surroundings& around);

std::unique_ptr<channel> make_file_channel(std::filesystem::path folder);

} // namespace rollbook::delivery
