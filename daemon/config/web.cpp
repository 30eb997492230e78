#include "daemon/base/ascii.hpp"
#include "daemon/config/addresses.hpp"
#include "daemon/config/sections.hpp"

#include <algorithm>
#include <array>

namespace rollbook {
namespace {

void read_tls(table_reader table, configuration& into)
{
    const std::string certificate = table.required_text("certificate", "the path of a PEM file: certificate and chain");
    if (!certificate.empty()) into.web.certificate = (into.file.parent_path() / certificate).lexically_normal();
    if (!table.has("private_key")) table.missing("private_key", secret_forms);
    into.web.private_key = table.secret("private_key");
    table.refuse_unknown();
}

void check_listen(table_reader& table, const std::string& listen)
{
    const std::optional<address> at = parse_listen(listen);
    if (!at)
        table.wrong("listen", in_quotes(listen) + " is not an address and port", "127.0.0.1:8480, or another like it");
    else if (!at->is_loopback() && !table.has("tls"))
        table.wrong("listen", "is open to other machines without TLS", "127.0.0.1:PORT, or a table [web.tls]");
}

constexpr std::string_view header_expected =
    "the name of a header that the proxy alone writes, such as \"X-Remote-User\"";
constexpr std::string_view proxies_expected =
    "the addresses of the proxies that are believed, such as [\"127.0.0.1\", \"::1\", \"10.1.0.0/24\"]";
constexpr int ipv4_prefix_min = 8;
constexpr int ipv6_prefix_min = 32;

// RFC 9110, section 5.6.2.
bool is_token(std::string_view text)
{
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
        return is_letter(c) || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

// Headers that browsers write, or that proxies pass on or write for other ends: whoever asks could say who they are.
bool is_taken_header(std::string_view name)
{
    const std::string taken = lowered(name);
    constexpr std::array<std::string_view, 11> beginnings = {
        "accept",
        "access-control-",
        "cache-",
        "content-",
        "cookie",
        "if-",
        "origin",
        "proxy-",
        "sec-",
        "x-forwarded-",
        "x-http-"};
    constexpr std::array<std::string_view, 26> whole = {
        "authorization",
        "connection",
        "date",
        "device-memory",
        "dnt",
        "dpr",
        "early-data",
        "expect",
        "forwarded",
        "from",
        "host",
        "keep-alive",
        "max-forwards",
        "pragma",
        "priority",
        "range",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "upgrade-insecure-requests",
        "user-agent",
        "via",
        "x-real-ip"};
    return std::ranges::any_of(beginnings, [&](std::string_view each) { return taken.starts_with(each); }) ||
           std::ranges::find(whole, taken) != whole.end();
}

void read_proxies(table_reader& table, configuration& into)
{
    for (const std::string& text :
         table.texts("identity_from", proxies_expected).value_or(std::vector<std::string>())) {
        const std::optional<address_range> range = address_range::parse(text);
        if (!range) {
            table.wrong(
                "identity_from",
                in_quotes(text) + " is no address, and no range without bits behind its prefix",
                std::string(proxies_expected)
            );
        } else if (range->prefix() < (range->is_ipv4() ? ipv4_prefix_min : ipv6_prefix_min)) {
            table.wrong(
                "identity_from",
                in_quotes(text) + " would believe whoever asks",
                "ranges of /" + std::to_string(ipv4_prefix_min) + " at the widest, or of /" +
                    std::to_string(ipv6_prefix_min) + " of IPv6"
            );
        } else {
            into.web.identity_from.push_back(*range);
        }
    }
}

// A proxy's word for who asks: from whom, and in which header. One without the other is a mistake.
void read_identity(table_reader& table, configuration& into)
{
    const bool has_header = table.has("identity_header");
    const bool has_proxies = table.has("identity_from");
    if (has_header && !has_proxies) table.missing("identity_from", proxies_expected);
    if (!has_header && has_proxies) table.missing("identity_header", header_expected);
    read_proxies(table, into);
    const auto header = table.text("identity_header", header_expected);
    if (!header) return;
    if (!is_token(*header))
        table.wrong("identity_header", "is not the name of a header", std::string(header_expected));
    else if (is_taken_header(*header))
        table.wrong(
            "identity_header", in_quotes(*header) + " is a header that others write too", std::string(header_expected)
        );
    else
        into.web.identity_header = *header;
}

bool is_loopback_url(const std::string& url)
{
    const std::optional<address> at = parse_url(url);
    return at && at->is_loopback();
}

} // namespace

void read_web(table_reader& root, configuration& into)
{
    std::optional<table_reader> table = root.table("web");
    if (!table) return;
    into.web.listen = table->text("listen", "an address and port").value_or("127.0.0.1:8480");
    check_listen(*table, into.web.listen);
    if (const auto url = table->text("public_url", "https://HOST")) {
        into.web.public_url = *url;
        const toml_value* value = table->find("public_url");
        check_url("public_url", *url, value->line, table->path_of("public_url"), table->problems());
    }
    read_identity(*table, into);
    if (const auto tls = table->table("tls")) read_tls(*tls, into);
    table->refuse_unknown();

    const bool links_out = std::ranges::any_of(into.routes, [](const auto& route) { return route.channel != "file"; });
    into.web.links_to_loopback = links_out && (into.web.public_url.empty() || is_loopback_url(into.web.public_url));
    if (into.web.links_to_loopback)
        table->warn("public_url", "links in messages would open on this machine only; give the address that staff use");
}

void read_backup(table_reader& root, configuration& into)
{
    std::optional<table_reader> table = root.table("backup");
    if (!table) return;
    configuration::backup_section out;
    const std::string target = table->required_text("target", "the path of a folder");
    if (!target.empty()) out.target = (into.file.parent_path() / target).lexically_normal();
    constexpr std::string_view expected = "at least two public keys, so that one lost key does not lose the ledger";
    if (!table->has("recipients")) table->missing("recipients", expected);
    out.recipients = table->texts("recipients", expected).value_or(std::vector<std::string>());
    const std::vector<std::string>& keys = out.recipients;
    if (keys.size() == 1 || (keys.size() > 1 && std::ranges::count(keys, keys.front()) == std::ssize(keys)))
        table->wrong("recipients", "names one key only", std::string(expected));
    out.every = table->duration("every").value_or(out.every);
    out.keep = table->duration("keep").value_or(out.keep);
    table->refuse_unknown();
    into.backup = std::move(out);
}

} // namespace rollbook
