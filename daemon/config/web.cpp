#include "daemon/config/addresses.hpp"
#include "daemon/config/sections.hpp"

#include <algorithm>

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
