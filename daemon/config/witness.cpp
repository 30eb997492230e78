#include "daemon/base/signed_note.hpp"
#include "daemon/config/sections.hpp"

#include <algorithm>

namespace rollbook {
namespace {

constexpr std::string_view witness_key_form = "the key that `rollbook-witness init` printed: NAME+ID+KEY";
constexpr std::size_t witnesses_max = 16;

void read_witness_keys(table_reader& table, configuration::witness_section& into)
{
    into.vkeys = table.texts("vkeys", "a list of witnesses' public keys").value_or(std::vector<std::string>());
    if (into.vkeys.size() > witnesses_max) table.wrong("vkeys", "names more witnesses than are counted", "at most 16");
    for (const std::string& text : into.vkeys) {
        const result<verifier_key> key = parse_vkey(text);
        if (!key)
            table.wrong("vkeys", in_quotes(text) + " is not a public key", std::string(witness_key_form));
        else if (key->kind != key_kind::witness)
            table.wrong("vkeys", in_quotes(text) + " is a log's key", std::string(witness_key_form));
    }
}

// The relay is that of an email route: what a school has set up once works for this as well.
void read_witness_mail(table_reader mail, const configuration& known, configuration::witness_section& into)
{
    constexpr std::string_view to_form = "mail addresses outside the school";
    if (!mail.has("to")) mail.missing("to", to_form);
    into.mail_to = mail.texts("to", to_form).value_or(std::vector<std::string>());
    for (const std::string& to : into.mail_to)
        if (to.find('@') == to.npos || to.find('@') == 0 || to.ends_with('@'))
            mail.wrong("to", in_quotes(to) + " is not an e-mail address", std::string(to_form));
    const auto is_email = [](const route_configuration& route) { return route.channel == "email"; };
    const auto first = std::ranges::find_if(known.routes, is_email);
    if (const auto named = mail.text("route", "the name of an email route")) {
        const auto route = std::ranges::find(known.routes, *named, &route_configuration::name);
        if (route == known.routes.end() || !is_email(*route))
            mail.wrong("route", in_quotes(*named) + " is no email route", "the name of a [[route]] with channel email");
        into.mail_route = *named;
    } else if (first != known.routes.end()) {
        into.mail_route = first->name;
    } else {
        mail.missing("route", "a [[route]] with channel email, whose relay takes the mail");
    }
    mail.refuse_unknown();
}

} // namespace

void read_witness(table_reader& root, configuration& into)
{
    std::optional<table_reader> table = root.table("witness");
    if (!table) return;
    configuration::witness_section out;
    if (table->has("vkeys")) read_witness_keys(*table, out);
    if (table->has("max_age") && out.vkeys.empty())
        table->wrong("max_age", "waits for a signature, and no witness is named", "vkeys beside it");
    out.max_age = table->duration("max_age").value_or(out.max_age);
    if (const auto mail = table->table("mail")) read_witness_mail(*mail, into, out);
    table->refuse_unknown();
    into.witness = std::move(out);
}

} // namespace rollbook
