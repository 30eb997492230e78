#pragma once

#include "daemon/ports/channel.hpp"
#include "daemon/ports/configuration.hpp"
#include "daemon/ports/http.hpp"
#include "daemon/ports/mail.hpp"
#include "daemon/ports/note_writer.hpp"
#include "daemon/ports/returned_mail.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace rollbook {

// What channels need of the outside. The clients outlive the channels.
struct channel_surroundings {
    http_client& http;
    mail_client& mail;
    std::function<result<std::string>(const secret_reference&)>
        read_secret;              // asked at each sending, so that keys can change
    std::function<instant()> now; // stamps webhooks
    std::filesystem::path folder; // of the configuration file: relative paths are meant from here
    std::string school_name;
    std::string school_urn;
    // The writer of a source's notes, by the source's name and the operation of its manifest (empty: its only one).
    std::function<result<std::unique_ptr<note_writer>>(const std::string& source, const std::string& operation)>
        make_note_writer;

    channel_surroundings(http_client& h, mail_client& m) : http(h), mail(m) {}
};

// The channel of a route: email, teams, webhook, file or note. Opens nothing yet. Fails with configuration_invalid,
// naming key and line: an unknown or missing key, an address that is none, or one that would leave this machine
// unprotected.
result<std::unique_ptr<channel>>
make_channel(const route_configuration& route, const channel_surroundings& surroundings);

// Where mails of the route come back to; null where its settings name no `bounces`. Fails as make_channel() does.
result<std::unique_ptr<returned_mail>>
make_returned_mail(const route_configuration& route, const channel_surroundings& surroundings);

} // namespace rollbook
