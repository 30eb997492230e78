#include "daemon/delivery/make_channel.hpp"
#include "daemon/base/ascii.hpp"
#include "daemon/delivery/channels.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace rollbook {

namespace {

// Letters, digits, dots and hyphens: nothing that changes the path it is put into.
bool is_plain_word(const std::string& text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_digit(c) || is_letter(c) || c == '.' || c == '-';
    });
}

// Reads a route's settings key by key, and remembers the first thing that is wrong.
class settings_reader {
public:
    explicit settings_reader(const route_configuration& route) : route_(route) {}

    std::string text(const std::string& key)
    {
        const setting* found = find(key);
        if (!found) return {};
        if (const auto* value = std::get_if<std::string>(&found->value); value && !value->empty()) return *value;
        wrong(key, "must be a text that is not empty", found->line);
        return {};
    }
    std::string required_text(const std::string& key)
    {
        require(key);
        return text(key);
    }
    std::vector<std::string> required_texts(const std::string& key)
    {
        require(key);
        return list<std::string>(key, "must be a list of texts");
    }
    std::optional<secret_reference> secret(const std::string& key)
    {
        const setting* found = find(key);
        if (!found) return {};
        if (const auto* value = std::get_if<secret_reference>(&found->value)) return *value;
        wrong(key, secret_form, found->line);
        return {};
    }
    secret_reference required_secret(const std::string& key)
    {
        require(key);
        return secret(key).value_or(secret_reference());
    }
    // For Microsoft 365 the tenant names the endpoint, and a table without token_url means just that.
    std::optional<delivery::oauth_settings> oauth(const std::string& key)
    {
        const setting* found = find(key);
        if (!found) return {};
        const auto* table = std::get_if<setting_table>(&found->value);
        const auto text = [&](const char* name) {
            const auto at = table ? table->find(name) : setting_table::const_iterator();
            const auto* held = table && at != table->end() ? std::get_if<std::string>(&at->second.value) : nullptr;
            return held ? *held : std::string();
        };
        const auto at = table ? table->find("client_secret") : setting_table::const_iterator();
        const auto* secret = table && at != table->end() ? std::get_if<secret_reference>(&at->second.value) : nullptr;
        delivery::oauth_settings made;
        made.client_id = text("client_id");
        made.token_url = text("token_url");
        made.scope = "https://outlook.office365.com/.default";
        const std::string tenant = text("tenant");
        if (made.token_url.empty() && is_plain_word(tenant))
            made.token_url = "https://login.microsoftonline.com/" + tenant + "/oauth2/v2.0/token";
        if (made.client_id.empty() || made.token_url.empty() || !secret) {
            wrong(key, "needs tenant, client_id and client_secret = { file = }, each whole", found->line);
            return {};
        }
        made.client_secret = *secret;
        return made;
    }
    // The mailbox of `bounces`, which is logged on to as the route's mails are sent unless it says otherwise.
    std::optional<delivery::bounce_settings> bounces(const std::string& key, const delivery::mail_settings& mail)
    {
        const setting* found = find(key);
        if (!found) return {};
        const auto* table = std::get_if<setting_table>(&found->value);
        const auto value = [&]<class T>(const char* name, T*) -> const T* {
            const auto at = table ? table->find(name) : setting_table::const_iterator();
            return table && at != table->end() ? std::get_if<T>(&at->second.value) : nullptr;
        };
        const auto* url = value("imap_url", static_cast<std::string*>(nullptr));
        const auto* user = value("user", static_cast<std::string*>(nullptr));
        const auto* password = value("password", static_cast<secret_reference*>(nullptr));
        delivery::bounce_settings made;
        made.imap_url = url ? *url : std::string();
        made.user = user ? *user : mail.user.empty() ? mail.from : mail.user;
        made.password = password ? std::optional(*password) : mail.password;
        if (!password) made.oauth = mail.oauth;
        made.ca_file = mail.ca_file;
        if (made.imap_url.empty() || (!made.password && !made.oauth))
            wrong(key, "needs imap_url, and password = { file = } where the route itself has none", found->line);
        return made;
    }
    std::vector<secret_reference> required_secrets(const std::string& key, std::size_t count_max)
    {
        require(key);
        auto secrets = list<secret_reference>(key, secret_form);
        if (secrets.size() > count_max) wrong(key, fmt::format("holds more than {} secrets", count_max), line_of(key));
        return secrets;
    }
    void wrong(const std::string& key, std::string_view why, int line = 0)
    {
        if (problem_) return;
        problem_.emplace(
            errc::configuration_invalid,
            fmt::format("route \"{}\", line {}: {} {}", route_.name, line > 0 ? line : line_of(key), key, why),
            fmt::format("Correct [route.settings]; the README lists what {} takes.", route_.channel)
        );
    }
    std::optional<failure> finish()
    {
        for (const auto& [key, value] : route_.settings)
            if (!read_.contains(key)) wrong(key, "is not known to channel " + route_.channel, value.line);
        return problem_;
    }

private:
    static constexpr std::string_view secret_form = "must be a secret: { file = }, { env = } or { credential = }";

    const setting* find(const std::string& key)
    {
        read_.insert(key);
        const auto found = route_.settings.find(key);
        return found == route_.settings.end() ? nullptr : &found->second;
    }
    int line_of(const std::string& key) const
    {
        const auto found = route_.settings.find(key);
        return found == route_.settings.end() ? route_.line : found->second.line;
    }
    void require(const std::string& key)
    {
        if (!find(key)) wrong(key, "is missing");
    }
    // One value, or a list of them that is not empty.
    template <class T> std::vector<T> list(const std::string& key, std::string_view form)
    {
        const setting* found = find(key);
        std::vector<T> values;
        if (!found) return values;
        if (const auto* one = std::get_if<T>(&found->value)) values.push_back(*one);
        if (const auto* many = std::get_if<setting_list>(&found->value))
            for (const setting& each : *many) {
                const auto* one = std::get_if<T>(&each.value);
                if (!one) {
                    wrong(key, form, each.line);
                    return {};
                }
                values.push_back(*one);
            }
        if (values.empty()) wrong(key, form, found->line);
        return values;
    }

    const route_configuration& route_;
    std::set<std::string> read_;
    std::optional<failure> problem_;
};

bool is_loopback(std::string host)
{
    in_addr four{};
    if (inet_pton(AF_INET, host.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
    in6_addr six{};
    if (inet_pton(AF_INET6, host.c_str(), &six) == 1) return IN6_IS_ADDR_LOOPBACK(&six);
    return host == "localhost";
}

// Scheme and host of an absolute address, in lower case; empty texts where it is none. The client that opens the
// connection judges again, with the parser that it connects by.
std::pair<std::string, std::string> scheme_and_host(std::string url)
{
    url = lowered(url);
    const auto odd = [](unsigned char c) { return c <= ' ' || c == 0x7f || c == '\\'; };
    const auto colon = url.find("://");
    if (colon == url.npos || std::any_of(url.begin(), url.end(), odd)) return {};
    std::string authority = url.substr(colon + 3);
    authority = authority.substr(0, authority.find_first_of("/?#"));
    authority.erase(0, authority.rfind('@') + 1);
    if (authority.starts_with('[')) return {url.substr(0, colon), authority.substr(1, authority.find(']') - 1)};
    return {url.substr(0, colon), authority.substr(0, authority.find(':'))};
}

void check_address(settings_reader& settings, const std::string& key, const std::string& url, const std::string& plain)
{
    if (url.empty()) return;
    const auto [scheme, host] = scheme_and_host(url);
    if (host.empty() || (scheme != plain && scheme != plain + "s"))
        settings.wrong(key, fmt::format("is not an address that begins with {0}:// or {0}s://", plain));
    // Mail upgrades to TLS by STARTTLS, which the mail client requires beyond this machine.
    if (scheme == "http" && !is_loopback(host)) settings.wrong(key, "would send pupils' data unprotected: use https");
}

bool is_mail_address(const std::string& text)
{
    const auto at = text.find('@');
    return at != text.npos && at > 0 && at + 1 < text.size() && text.find('@', at + 1) == text.npos &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) {
               return c > ' ' && c < 0x7f && c != '<' && c != '>' && c != ',' && c != ';' && c != '"' && c != '(' &&
                      c != ')';
           });
}

std::string from_folder(const std::filesystem::path& folder, const std::string& path)
{
    return path.empty() ? path : (folder / path).string();
}

} // namespace

namespace {

struct mail_and_back {
    delivery::mail_settings mail;
    std::optional<delivery::bounce_settings> bounces;
};

mail_and_back read_mail(settings_reader& settings, const channel_surroundings& around)
{
    mail_and_back read;
    delivery::mail_settings& mail = read.mail;
    mail.smtp_url = settings.required_text("smtp_url");
    mail.from = settings.required_text("from");
    mail.to = settings.required_texts("to");
    mail.user = settings.text("user");
    mail.password = settings.secret("password");
    mail.oauth = settings.oauth("oauth");
    mail.ca_file = from_folder(around.folder, settings.text("ca_file"));
    check_address(settings, "smtp_url", mail.smtp_url, "smtp");
    if (!is_mail_address(mail.from)) settings.wrong("from", "is not a plain mail address");
    if (!std::all_of(mail.to.begin(), mail.to.end(), is_mail_address))
        settings.wrong("to", "holds something that is not a plain mail address");
    if (!mail.oauth && mail.user.empty() != !mail.password)
        settings.wrong("password", "and user go together: one is missing");
    if (mail.oauth && mail.password) settings.wrong("oauth", "is given beside a password");
    read.bounces = settings.bounces("bounces", mail);
    if (read.bounces) check_address(settings, "bounces", read.bounces->imap_url, "imap");
    return read;
}

} // namespace

result<std::unique_ptr<returned_mail>>
make_returned_mail(const route_configuration& route, const channel_surroundings& around)
{
    std::unique_ptr<returned_mail> made;
    if (route.channel != "email") return made;
    settings_reader settings(route);
    auto read = read_mail(settings, around);
    if (auto problem = settings.finish()) return *problem;
    if (read.bounces) made = delivery::make_bounce_box(std::move(*read.bounces), around);
    return made;
}

result<std::unique_ptr<channel>> make_channel(const route_configuration& route, const channel_surroundings& around)
{
    settings_reader settings(route);
    std::unique_ptr<channel> made;
    if (route.channel == "email") {
        made = delivery::make_mail_channel(read_mail(settings, around).mail, around);
    } else if (route.channel == "webhook") {
        delivery::webhook_settings webhook;
        webhook.url = settings.required_text("url");
        webhook.secrets = settings.required_secrets("secret", 2);
        webhook.ca_file = from_folder(around.folder, settings.text("ca_file"));
        check_address(settings, "url", webhook.url, "http");
        made = delivery::make_webhook_channel(std::move(webhook), around);
    } else if (route.channel == "teams") {
        delivery::teams_settings teams;
        teams.url = settings.required_secret("url");
        teams.ca_file = from_folder(around.folder, settings.text("ca_file"));
        made = delivery::make_teams_channel(std::move(teams), around);
    } else if (route.channel == "file") {
        made = delivery::make_file_channel(from_folder(around.folder, settings.required_text("folder")));
    } else if (route.channel == "note") {
        const std::string source = settings.required_text("source");
        const std::string operation = settings.text("operation");
        if (auto problem = settings.finish()) return *problem;
        auto writer = around.make_note_writer(source, operation);
        if (!writer) return writer.error();
        made = delivery::make_note_channel(std::move(*writer), source);
    } else {
        return failure(
            errc::configuration_invalid,
            fmt::format("route \"{}\", line {}: channel \"{}\" is not known", route.name, route.line, route.channel),
            "Use email, teams, webhook, file or note."
        );
    }
    if (auto problem = settings.finish()) return *problem;
    return made;
}

} // namespace rollbook
